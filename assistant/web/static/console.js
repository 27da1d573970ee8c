/* The console: conversations, sources and the briefing of staff. A custom element in a shadow tree of its own, in a page that Gradio serves.
   Conversations and the briefing are kept in this browser (IndexedDB, a database for each user), the server keeps none. */

const REMEMBERED = 2000, NARROW = "(max-width: 899px)";
const ROOT = new URL("..", document.currentScript.src).href;
Object.assign(ICONS, {
  menu: "M4 6h16M4 12h16M4 18h16",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  add: "M12 5v14M5 12h14",
  check: "M5 12l5 5 9-10",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  sources: "M5 4h10l4 4v12H5zM9 12h6M9 16h6",
  briefing: "M7 4h10v17l-5-4-5 4z",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  higher: "M12 19V5M6 11l6-6 6 6",
  lower: "M12 5v14M6 13l6 6 6-6",
});

// -- what is kept in the browser ---------------------------------------------------------------------------------------

const asked = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

/* A database with `list` (what is shown of each conversation), `turns` (its content) and `briefing`; in a browser that keeps nothing, maps. */
class Kept {
  #database = null;
  #memory = { list: new Map(), turns: new Map(), briefing: new Map() };

  async open(user) {
    try {
      const opening = indexedDB.open(`forum-assistant:${user}`, 1);
      opening.onupgradeneeded = () => ["list", "turns", "briefing"].forEach((name) => opening.result.createObjectStore(name));
      this.#database = await asked(opening);
    } catch { /* a private window, or storage that the browser's owner has closed */ }
    return Boolean(this.#database);
  }

  async get(store, key) { return this.#database ? asked(this.#database.transaction(store).objectStore(store).get(key)) : this.#memory[store].get(key); }
  async all(store) { return this.#database ? asked(this.#database.transaction(store).objectStore(store).getAll()) : [...this.#memory[store].values()]; }
  async put(store, key, value) { return this.#database ? this.#change(store, (one) => one.put(value, key)) : this.#memory[store].set(key, value); }
  async remove(store, key) { return this.#database ? this.#change(store, (one) => one.delete(key)) : this.#memory[store].delete(key); }
  async clear() { for (const store of ["list", "turns", "briefing"]) await (this.#database ? this.#change(store, (one) => one.clear()) : this.#memory[store].clear()); }

  #change(store, change) {
    return new Promise((done, failed) => {
      const transaction = this.#database.transaction(store, "readwrite");
      transaction.oncomplete = () => done();
      transaction.onabort = transaction.onerror = () => failed(transaction.error);
      change(transaction.objectStore(store));
    });
  }
}

const remembered = (name, value) => {
  try {
    if (value === undefined) return localStorage.getItem(`forum-assistant:${name}`) || "";
    localStorage.setItem(`forum-assistant:${name}`, value);
  } catch { /* as above */ }
  return "";
};

// -- the element -------------------------------------------------------------------------------------------------------

class ForumConsole extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #told = null;
  #kept = new Kept();
  #keeps = true;
  #id = ""; // of the conversation that is shown
  #turns = [];
  #shown = null; // the turn whose sources are shown
  #running = null;
  #briefing = { title: "", items: [] };
  #filters = { collections: [], languages: [], from: "", to: "" };
  #parts = {};
  #back = null;

  async connectedCallback() {
    if (this.#told) return;
    const sheet = await fetch(`${ROOT}pages/console.css`).then((response) => response.text());
    this.#root.adoptedStyleSheets = [sheetOf(sheet)];
    this.#paint(remembered("appearance"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint(remembered("appearance")));
    await this.#begin();
  }

  get #texts() { return this.#told.texts; }

  async #begin() {
    const language = ranked([remembered("language"), ...(navigator.languages || [])]);
    const first = !this.#told;
    try {
      this.#told = await (await this.#get(`api/v1/console?language=${encodeURIComponent(language)}`)).json();
    } catch (error) {
      if (error.status !== 401 && !this.#told) this.#root.replaceChildren(node("div", {}, node("p", { class: "failed", role: "alert" }, `The server cannot be reached (${error.message}). Reload the page.`)));
      return;
    }
    document.documentElement.lang = this.#told.language;
    document.title = this.#texts.title;
    if (first) {
      this.#keeps = await this.#kept.open(this.#told.user);
      this.#briefing = (await this.#kept.get("briefing", "briefing")) || this.#briefing;
      const list = await this.#kept.all("list");
      this.#id = list.some((one) => one.id === remembered("shown")) ? remembered("shown") : "";
      this.#turns = this.#id ? (await this.#kept.get("turns", this.#id)) || [] : [];
    }
    this.#build();
    this.#showTurns();
    await this.#showList();
    this.#showBriefing();
    this.#parts.field.focus({ preventScroll: true });
    this.setAttribute("ready", "");
    await this.#suggest();
  }

  /* Questions to begin with; they are tried on the documents first, so they come a moment later. */
  async #suggest() {
    const { welcome } = this.#parts;
    try {
      const questions = await (await this.#get(`api/v1/console/questions?language=${this.#told.language}`)).json();
      welcome.querySelector(".choices").replaceChildren(...questions.map((question) => node("button", { type: "button", onclick: () => this.#ask(question) }, question)));
      welcome.querySelector("[hidden]")?.toggleAttribute("hidden", !questions.length);
    } catch { /* one can ask without them */ }
  }

  #paint(appearance) {
    const dark = appearance === "dark" || (appearance !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.body.classList.toggle("dark", dark);
    this.classList.toggle("dark", dark);
  }

  // -- the server --

  async #get(path, options = {}) {
    const response = await fetch(ROOT + path, { credentials: "same-origin", ...options });
    if (response.ok) return response;
    if (response.status === 401 && this.#parts.say) {
      this.#say(this.#texts.expired);
      this.#parts.notice.replaceChildren(node("p", { class: "failed" }, `${this.#texts.expired} `, node("a", { href: `${ROOT}signin` }, this.#texts.sign_in)));
    }
    throw new Refused(response.status, response.headers.get("retry-after"));
  }

  #post(path, body, options = {}) {
    return this.#get(path, { method: "POST", headers: { "content-type": "application/json", ...options.headers }, body: JSON.stringify(body), signal: options.signal });
  }

  // -- building --

  #button(name, label, act, more = {}) {
    return node("button", { type: "button", class: "round", "aria-label": label, title: label, onclick: act, ...more }, icon(name));
  }

  #build() {
    const told = this.#told, texts = this.#texts;
    const list = node("ul", { class: "list" });
    const search = node("input", { type: "search", placeholder: texts.search_conversations, "aria-label": texts.search_conversations, oninput: () => this.#showList() });
    const languages = this.#select(texts.interface_language, told.languages.map(({ code, name }) => [code, name]), told.language, (code) => { remembered("language", code); this.#begin(); });
    const appearance = this.#select(texts.appearance, [["", texts.as_system], ["light", texts.light], ["dark", texts.dark]], remembered("appearance"), (name) => { remembered("appearance", name); this.#paint(name); });
    const staff = node("div", { class: "staff" },
      told.user ? node("p", {}, fill(texts.signed_in, { name: told.user })) : null,
      told.manages.length ? node("a", { href: `${ROOT}manage/${told.manages[0]}?language=${told.language}` }, texts.manage) : null,
      told.signs_out === "signout" ? node("form", { method: "post", action: `${ROOT}signout` }, node("button", { class: "plain" }, texts.sign_out))
        : told.signs_out ? node("a", { href: told.signs_out }, texts.sign_out) : null,
      node("div", { class: "choices-of" }, languages, appearance),
      node("p", { class: "soft" }, this.#keeps ? texts.kept_here : texts.not_kept),
      node("button", { type: "button", class: "plain", onclick: () => this.#forget() }, texts.delete_all));
    const aside = node("nav", { class: "aside", "aria-label": texts.conversations },
      node("div", { class: "row" }, node("h2", {}, texts.conversations), this.#button("close", texts.close, () => this.#leave("aside"), { class: "round narrow" })),
      node("button", { type: "button", class: "strong", onclick: () => this.#fresh() }, icon("fresh"), texts.clear), search, list, staff);

    const filter = this.#button("filter", texts.filters, () => this.#toggleFilters(), { "aria-expanded": "false", "aria-controls": "filters" });
    const head = node("header", {},
      this.#button("menu", texts.menu, () => this.#enter("aside"), { class: "round narrow" }), node("h1", {}, texts.title), filter,
      this.#button("sources", texts.sources, () => this.#panel("sources"), { class: "round narrow" }),
      this.#button("briefing", texts.briefing, () => this.#panel("briefing"), { class: "round counted" }));
    const filters = node("section", { class: "filters", id: "filters", hidden: true, "aria-label": texts.filters });

    const welcome = node("div", { class: "welcome" }, node("p", { class: "lead" }, texts.subtitle), told.model ? node("p", { class: "soft" }, told.model) : null,
      node("p", { class: "soft", hidden: true }, texts.examples), node("div", { class: "choices" }));
    const turns = node("ol", { class: "turns" });
    const body = node("div", { class: "body", tabindex: "0", role: "region", "aria-label": texts.title }, welcome, turns);
    const field = node("textarea", { rows: "1", placeholder: texts.placeholder, "aria-label": texts.placeholder, maxlength: String(told.longest_question), dir: "auto", enterkeyhint: "send", autocomplete: "off" });
    const send = node("button", { type: "submit", class: "round filled", "aria-label": texts.send, title: texts.send }, icon("send"));
    const stop = this.#button("stop", texts.stop, () => this.#running?.abort(), { class: "round filled", hidden: true });
    const box = node("form", { class: "box" }, field, send, stop);
    const count = node("span", { hidden: true });
    const active = node("button", { type: "button", class: "link", hidden: true, onclick: () => this.#toggleFilters() });
    const foot = node("div", { class: "foot" }, box, node("p", { class: "small" }, node("span", { class: "wide" }, texts.keys), active, count));
    const notice = node("div", { class: "notice" });
    const main = node("section", { class: "main", "aria-label": texts.title }, head, filters, notice, body, foot);

    const tabs = ["sources", "briefing"].map((name) => node("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: () => this.#panel(name, false) }, texts[name]));
    tabs.forEach((tab, place) => tab.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") { this.#panel(["sources", "briefing"][1 - place], false); tabs[1 - place].focus(); }
    }));
    const inside = node("div", { class: "inside", id: "panel", role: "tabpanel", tabindex: "0" });
    const side = node("aside", { class: "side", "aria-label": texts.sources },
      node("div", { class: "row" }, node("div", { class: "tabs", role: "tablist", "aria-label": texts.sources }, tabs), this.#button("close", texts.close, () => this.#leave("side"), { class: "round narrow" })), inside);
    const say = node("div", { class: "quiet", role: "status", "aria-live": "polite" });
    const whole = node("div", { class: "whole", dir: told.direction, lang: told.language }, aside, main, side, say);
    this.#root.replaceChildren(whole);
    this.#parts = { ...this.#parts, whole, aside, side, list, search, body, turns, welcome, field, send, stop, say, count, active, filter, filters, tabs, inside, notice, main };
    this.#parts.briefing = head.querySelector(".counted");

    box.addEventListener("submit", (event) => { event.preventDefault(); this.#ask(field.value); });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
      event.preventDefault();
      this.#ask(field.value);
    });
    field.addEventListener("input", () => this.#grow());
    whole.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || composing(event)) return;
      if (!filters.hidden) this.#toggleFilters();
      else if (inside.querySelector(".document") && this.#within(side)) this.#panel("sources", false);
      else this.#leave(this.#within(aside) ? "aside" : "side");
    });
    matchMedia(NARROW).addEventListener("change", () => this.#arrange());
    this.#parts.view = "sources";
    this.#arrange();
    this.#showFilters();
  }

  #select(label, choices, value, change) {
    const made = node("select", { "aria-label": label, title: label, onchange: () => change(made.value) }, choices.map(([code, name]) => node("option", { value: code, lang: code.length === 2 ? code : null }, name)));
    made.value = value;
    // An option without a value stands for "as the system has it".
    choices.forEach(([code], place) => { made.options[place].value = code; });
    made.value = value;
    return made;
  }

  #say(text) { this.#parts.say.textContent = text; }
  #within(part) { return part.contains(this.#root.activeElement); }

  /* On a narrow screen the lists lie over the conversation, one at a time, and what lies under them cannot be reached. */
  #arrange() {
    const { aside, side, main, whole } = this.#parts, narrow = matchMedia(NARROW).matches;
    for (const [name, part] of [["aside", aside], ["side", side]]) part.inert = narrow && whole.dataset.over !== name;
    main.inert = narrow && Boolean(whole.dataset.over);
  }

  #enter(name) {
    if (!matchMedia(NARROW).matches) return;
    this.#back = this.#root.activeElement;
    this.#parts.whole.dataset.over = name;
    this.#arrange();
    this.#parts[name].querySelector(".narrow").focus();
  }

  #leave(name) {
    const { whole } = this.#parts;
    if (whole.dataset.over !== name) return;
    delete whole.dataset.over;
    this.#arrange();
    (this.#back?.isConnected ? this.#back : this.#parts.field).focus();
  }

  #grow() {
    const { field, count } = this.#parts, left = this.#told.longest_question - field.value.length;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 180)}px`;
    count.hidden = left > 200;
    count.textContent = count.hidden ? "" : fill(this.#texts.characters_left, { count: left });
  }

  // -- conversations --

  async #showList() {
    const { list, search } = this.#parts, wanted = search.value.trim().toLocaleLowerCase();
    const all = (await this.#kept.all("list")).filter((one) => one.title.toLocaleLowerCase().includes(wanted)).sort((a, b) => b.changed - a.changed);
    const date = new Intl.DateTimeFormat(this.#told.language, { dateStyle: "medium" });
    list.replaceChildren(...all.map((one) => node("li", one.id === this.#id ? { class: "current" } : {},
      node("button", { type: "button", class: "open", dir: "auto", "aria-current": one.id === this.#id ? "true" : null, onclick: () => this.#open(one.id) }, one.title, node("small", {}, date.format(one.changed))),
      this.#button("trash", `${this.#texts.delete_conversation}: ${one.title}`, () => this.#delete(one.id)))));
  }

  async #open(id) {
    this.#running?.abort();
    this.#id = id;
    remembered("shown", id);
    this.#turns = (await this.#kept.get("turns", id)) || [];
    this.#shown = null;
    this.#showTurns();
    await this.#showList();
    this.#leave("aside");
    this.#parts.field.focus();
  }

  #fresh() {
    this.#running?.abort();
    this.#id = "";
    remembered("shown", "");
    this.#turns = [];
    this.#shown = null;
    this.#showTurns();
    this.#showList();
    this.#leave("aside");
    this.#parts.field.focus();
  }

  async #delete(id) {
    if (id === this.#id) this.#drop();
    await this.#kept.remove("list", id);
    await this.#kept.remove("turns", id);
    if (id === this.#id) this.#fresh();
    else await this.#showList();
    this.#parts.search.focus();
  }

  /* Stops an answer that is to be kept nowhere. */
  #drop() {
    if (!this.#running) return;
    this.#running.dropped = true;
    this.#running.abort();
  }

  async #forget() {
    if (!confirm(this.#texts.delete_all_ask)) return;
    this.#drop();
    await this.#kept.clear();
    this.#briefing = { title: "", items: [] };
    this.#showBriefing();
    this.#fresh();
  }

  /* Keeps a conversation; gives its id, a new one where it had none. */
  async #keep(known = this.#id, turns = this.#turns) {
    const id = known || crypto.getRandomValues(new Uint32Array(4)).join("-");
    try {
      await this.#kept.put("turns", id, turns);
      await this.#kept.put("list", id, { id, title: turns[0].question.slice(0, 120), changed: Date.now() });
    } catch {
      this.#parts.notice.replaceChildren(node("p", { class: "failed" }, this.#texts.not_kept));
    }
    await this.#showList();
    return id;
  }

  // -- asking --

  #showTurns() {
    const { turns, welcome, body } = this.#parts;
    turns.replaceChildren(...this.#turns.flatMap((turn) => [this.#askedOf(turn), this.#answerOf(turn)]));
    welcome.hidden = this.#turns.length > 0;
    this.#show(this.#turns.at(-1) || null);
    body.scrollTop = this.#turns.length ? body.scrollHeight : 0;
  }

  /* Asks, in the place of the turn at `place` and those after it where one is given. */
  async #ask(question, place = this.#turns.length) {
    question = String(question).trim();
    if (!question || this.#running) return;
    const { turns, welcome, body, field, send, stop } = this.#parts, texts = this.#texts;
    if (question === field.value.trim()) { field.value = ""; this.#grow(); }
    const old = this.#turns, before = old.slice(0, place);
    this.#parts.notice.replaceChildren();
    const history = historyOf(before);
    while (turns.children.length > 2 * place) turns.lastChild.remove();
    const turn = { question, text: "", blocks: [], citations: [], near: [], language: "", abstained: false, receipt: "" };
    this.#turns = [...before, turn];
    const said = this.#askedOf(turn), coming = node("p", { class: "coming dots" }, texts.thinking.replace(/…$/, "")), told = node("li", { class: "told" }, node("span", { class: "quiet" }, texts.answer), coming);
    turns.append(said, told);
    welcome.hidden = true;
    scrollTo(body, said, 12);
    this.#say(texts.thinking);
    const running = (this.#running = new AbortController()), id = this.#id;
    send.hidden = true;
    stop.hidden = false;
    let text = "", finished = turn;
    try {
      const response = await this.#post("api/v1/ask", { question, history, filters: this.#asFilters() }, { signal: running.signal, headers: { accept: "text/event-stream" } });
      const answer = await answerOf(response, (said) => {
        text = said;
        coming.classList.remove("dots");
        coming.textContent = text;
      });
      finished = { ...turnOf(question, answer, REMEMBERED), said: {} };
      // What the model wrote about each quote goes with it into the briefing.
      if (answer.mode === "generated") for (const one of answer.statements) for (const number of one.citations) finished.said[number] = [finished.said[number], one.text].filter(Boolean).join(" ");
      this.#say(answer.text);
    } catch (error) {
      const stopped = running.signal.aborted;
      finished = { ...turn, text: "", unfinished: text, stopped, reason: reasonOf(error, stopped, texts) };
      this.#say(finished.reason);
    } finally {
      this.#running = null;
      send.hidden = false;
      stop.hidden = true;
    }
    // Another conversation may have been opened meanwhile: what was asked in this one is kept all the same, unless it was deleted.
    if (running.dropped) return;
    if (id !== this.#id || this.#turns.at(-1) !== turn) {
      await this.#keep(id, [...before, finished]);
      return;
    }
    if (finished.reason && old.length > place) {
      // What stood here is not given up for nothing; what was asked instead goes into the field.
      this.#turns = old;
      this.#showTurns();
      this.#parts.notice.replaceChildren(node("p", { class: "failed" }, finished.reason));
      field.value = old[place].question === question ? field.value : question;
      this.#grow();
      field.focus();
      return;
    }
    this.#turns = [...before, finished];
    told.replaceWith(this.#answerOf(finished));
    said.replaceWith(this.#askedOf(finished));
    this.#show(finished);
    if (this.#within(this.#parts.main) || !this.#root.activeElement) field.focus({ preventScroll: true });
    scrollTo(body, turns.children[2 * place], 12);
    this.#id = await this.#keep();
    remembered("shown", this.#id);
    await this.#showList();
  }

  #askedOf(turn) {
    const texts = this.#texts;
    const said = node("p", { dir: "auto" }, node("span", { class: "quiet" }, `${texts.yours}: `), turn.question);
    const item = node("li", { class: "asked" }, said);
    const edit = this.#button("fresh", texts.edit, () => {
      if (this.#running) return;
      const field = node("textarea", { rows: "2", dir: "auto", "aria-label": texts.edit, maxlength: String(this.#told.longest_question) });
      const shut = () => { form.remove(); item.prepend(edit, said); edit.focus(); };
      const form = node("form", { class: "edit" }, field, node("button", { class: "plain" }, texts.send), node("button", { type: "button", class: "plain", onclick: shut }, texts.cancel));
      field.value = turn.question;
      form.addEventListener("submit", (event) => { event.preventDefault(); this.#ask(field.value, this.#turns.indexOf(turn)); });
      field.addEventListener("keydown", (event) => {
        if (composing(event)) return;
        if (event.key === "Escape") { event.stopPropagation(); shut(); }
        if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
      });
      edit.remove();
      said.replaceWith(form);
      field.focus();
    });
    item.prepend(edit);
    return item;
  }

  #answerOf(turn) {
    const texts = this.#texts, told = this.#told;
    const item = node("li", { class: "told" }, node("span", { class: "quiet" }, `${texts.answer}: `));
    const again = this.#button("again", texts.retry, () => this.#ask(turn.question, this.#turns.indexOf(turn)));
    if (turn.reason) {
      if (turn.unfinished) item.append(node("p", { dir: "auto" }, turn.unfinished));
      item.append(node("p", { class: turn.stopped ? "soft" : "failed" }, turn.reason), node("div", { class: "acts" }, again));
      return item;
    }
    const words = node("div", { class: "words", lang: turn.language, dir: told.right_to_left.includes(turn.language) ? "rtl" : "ltr" },
      drawn(turn, texts, (found, citation, from) => { this.#show(turn); this.#document(found, citation, from); }));
    const acts = node("div", { class: "acts" });
    acts.append(this.#button("copy", texts.copy, (event) => this.#copy(turn, words, event.currentTarget)), again);
    if (turn.receipt) rated(acts, turn, told, (body) => this.#post("api/v1/feedback", body), () => this.#keep());
    if (turn.citations.length || turn.near.length) {
      acts.append(node("button", { type: "button", class: "plain", onclick: () => { this.#show(turn); this.#panel("sources"); } }, `${texts.sources} (${turn.citations.length || turn.near.length})`));
    }
    item.append(words, acts);
    return item;
  }

  /* Copies an answer as rich text and as plain text, its sources below it. */
  #copy(turn, words, button) {
    const texts = this.#texts;
    const plain = node("div"), lines = [];
    for (const block of turn.blocks) {
      const line = (pieces) => pieces.map((piece) => (piece.cite ? ` [${piece.cite}]` : piece.text)).join("");
      lines.push(block.heads.length ? [block.heads.join(" | "), ...block.rows.map((row) => row.map(line).join(" | "))].join("\n") : block.lines.map(line).join("\n"));
    }
    const rich = words.cloneNode(true);
    for (const cite of rich.querySelectorAll("button.cite")) cite.replaceWith(node("sup", {}, `[${cite.textContent}]`));
    for (const open of rich.querySelectorAll("button")) open.replaceWith(open.textContent);
    plain.append(rich);
    if (turn.citations.length) {
      const list = turn.citations.map((one) => ({ one, facts: [one.title, one.date ? dateIn(this.#told.language, one.date) : texts.undated, one.page ? fill(texts.page, { page: one.page }) : ""].filter(Boolean).join(", "), link: webLink(one.source) }));
      lines.push([texts.sources, ...list.map(({ one, facts, link }) => `[${one.number}] ${facts}${link ? ` ${link}` : ""}\n    “${one.quote}”`)].join("\n"));
      plain.append(node("p", {}, node("strong", {}, texts.sources)), ...list.map(({ one, facts, link }) => node("p", {}, `[${one.number}] `, link ? node("a", { href: link }, facts) : facts, node("br"), node("em", {}, `“${one.quote}”`))));
    }
    let taken = false;
    const give = (event) => {
      event.clipboardData.setData("text/plain", lines.join("\n\n"));
      event.clipboardData.setData("text/html", plain.outerHTML);
      event.preventDefault();
      event.stopImmediatePropagation();
      taken = true;
    };
    // The event works where navigator.clipboard does not: in an intranet without https.
    addEventListener("copy", give, { capture: true, once: true });
    try { document.execCommand("copy"); } catch { /* said below */ }
    removeEventListener("copy", give, { capture: true });
    this.#say(taken ? texts.copied : texts.not_copied);
    button.replaceChildren(icon(taken ? "check" : "close"));
    setTimeout(() => button.replaceChildren(icon("copy")), 2000);
  }

  // -- filters --

  #asFilters() {
    const { collections, languages, from, to } = this.#filters;
    return { collections, languages, date_from: from, date_to: to };
  }

  #toggleFilters() {
    const { filters, filter } = this.#parts;
    filters.hidden = !filters.hidden;
    filter.setAttribute("aria-expanded", String(!filters.hidden));
    if (filters.hidden) filter.focus();
    else filters.querySelector("input, select")?.focus();
  }

  #showFilters() {
    const { filters, active, filter } = this.#parts, texts = this.#texts, { collections, languages, years } = this.#told.facets, chosen = this.#filters;
    const told = () => {
      const count = chosen.collections.length + chosen.languages.length + (chosen.from ? 1 : 0) + (chosen.to ? 1 : 0);
      active.hidden = !count;
      active.textContent = fill(texts.filters_on, { count });
      filter.classList.toggle("on", count > 0);
      off.hidden = !count;
    };
    const boxes = (title, key, values, name) => node("fieldset", {}, node("legend", {}, title), Object.entries(values).map(([value, count]) => {
      const box = node("input", { type: "checkbox", onchange: () => { chosen[key] = box.checked ? [...chosen[key], value] : chosen[key].filter((one) => one !== value); told(); } });
      box.checked = chosen[key].includes(value);
      return node("label", {}, box, ` ${name(value)} `, node("small", {}, String(count)));
    }));
    const year = (key, label) => {
      const made = this.#select(label, [["", texts.all], ...years.map((one) => [one, one])], chosen[key], (value) => { chosen[key] = value; told(); });
      return made;
    };
    const off = node("button", { type: "button", class: "plain", onclick: () => { Object.assign(chosen, { collections: [], languages: [], from: "", to: "" }); this.#showFilters(); filter.focus(); } }, texts.filters_off);
    filters.replaceChildren(
      boxes(texts.collection, "collections", collections, (value) => value), boxes(texts.language, "languages", languages, (value) => this.#told.names[value] || value),
      node("fieldset", {}, node("legend", {}, texts.year), year("from", `${texts.year} ≥`), " – ", year("to", `${texts.year} ≤`)), off);
    told();
  }

  // -- sources --

  #panel(view, enter = true) {
    const { tabs, inside, side } = this.#parts;
    this.#parts.view = view;
    tabs.forEach((tab) => { const on = tab.id === `tab-${view}`; tab.setAttribute("aria-selected", String(on)); tab.tabIndex = on ? 0 : -1; });
    inside.setAttribute("aria-labelledby", `tab-${view}`);
    side.setAttribute("aria-label", this.#texts[view]);
    if (view === "briefing") this.#showBriefing();
    else this.#showSources();
    if (!enter) return;
    if (matchMedia(NARROW).matches) this.#enter("side");
    else tabs[view === "briefing" ? 1 : 0].focus();
  }

  #show(turn) {
    this.#shown = turn;
    if (this.#parts.view === "sources") this.#panel("sources", false);
  }

  #showSources() {
    const { inside } = this.#parts, texts = this.#texts, turn = this.#shown;
    const found = turn ? (turn.citations.length ? turn.citations : turn.near) : [];
    if (!found.length) {
      inside.replaceChildren(node("p", { class: "empty" }, texts.no_sources));
      return;
    }
    const cited = turn.citations.length > 0;
    inside.replaceChildren(
      cited ? "" : node("h3", {}, texts.nearest),
      node("ol", { class: "cards" }, found.map((one) => {
        const original = webLink(one.source), text = node("blockquote", { lang: one.language, dir: "auto" });
        if (cited) text.append(node("mark", {}, one.quote));
        else text.append(one.text.length > 280 ? `${one.text.slice(0, 280)}…` : one.text);
        return node("li", {}, cited ? node("span", { class: "number", "aria-hidden": "true" }, String(one.number)) : "", node("div", {},
          node("h4", { lang: one.language, dir: "auto" }, one.title), node("p", { class: "facts" }, factsOf(one, this.#told)), cited || one.text ? text : "",
          node("div", { class: "ways" },
            node("button", { type: "button", class: "link", "aria-label": `${texts.document}: ${one.title}`, onclick: (event) => this.#document(one, cited ? one : null, event.currentTarget) }, texts.document),
            original ? node("a", { href: original, target: "_blank", rel: "noopener noreferrer nofollow" }, `${texts.open_source} ↗`) : null,
            cited ? this.#adding(one, turn) : null)));
      })));
  }

  /* The document, the quote in it marked and scrolled to. */
  async #document(found, citation, from) {
    const { inside } = this.#parts, texts = this.#texts, turn = this.#shown;
    if (this.#parts.view !== "sources") this.#panel("sources", false);
    this.#enter("side");
    this.#back = from;
    const back = node("button", { type: "button", class: "plain", onclick: () => { this.#panel("sources", false); if (!matchMedia(NARROW).matches && from?.isConnected) from.focus(); } }, icon("back"), texts.to_sources);
    const place = node("div", { class: "document" }, node("p", { class: "soft" }, texts.loading));
    inside.replaceChildren(back, place);
    back.focus();
    const range = citation ? `&start=${citation.start}&end=${citation.end}` : "";
    try {
      const shown = await (await this.#get(`api/v1/pages/${pathOf(found.document_id)}?language=${this.#told.language}${range}`)).json();
      if (!place.isConnected) return;
      const link = webLink(shown.source);
      place.replaceChildren(
        node("h3", { lang: shown.language, dir: "auto" }, shown.title),
        node("dl", {}, shown.facts.map(([name, value]) => node("div", {}, node("dt", {}, name), node("dd", { dir: "auto" }, value)))),
        node("p", { class: "ways" }, node("a", { href: ROOT + shown.address, target: "_blank", rel: "noopener" }, texts.open_document),
          link ? node("a", { href: link, target: "_blank", rel: "noopener noreferrer nofollow" }, `${texts.open_source} ↗`) : null,
          shown.original ? node("a", { href: ROOT + shown.original, target: "_blank", rel: "noopener" }, texts.original) : null,
          citation && turn ? this.#adding(citation, turn) : null),
        shown.note ? node("p", { class: "soft" }, shown.note) : "",
        node("article", { lang: shown.language, dir: shown.direction }, shown.parts.map((part) => (part.page
          ? node("p", { class: "page", lang: this.#told.language }, fill(texts.page, { page: part.page }))
          : node(part.level ? `h${Math.min(part.level + 2, 6)}` : "p", {}, part.runs.map((run) => (run.marked ? node("mark", { tabindex: run.first ? "-1" : null }, run.text) : run.text)))))));
      const mark = place.querySelector("mark");
      if (mark) {
        scrollTo(inside, mark, inside.clientHeight / 3);
        mark.focus({ preventScroll: true });
      }
    } catch (error) {
      if (place.isConnected) place.replaceChildren(node("p", { class: "failed", role: "alert" }, error.status === 404 ? texts.quote_missing : texts.unreachable));
    }
  }

  // -- the briefing --

  #same(item, citation) { return item.document_id === citation.document_id && item.start === citation.start && item.end === citation.end; }

  #adding(citation, turn) {
    const texts = this.#texts;
    const button = node("button", { type: "button", class: "plain", "aria-pressed": "false" });
    const show = () => {
      const held = this.#briefing.items.some((item) => this.#same(item, citation));
      button.setAttribute("aria-pressed", String(held));
      button.replaceChildren(icon(held ? "check" : "add"), held ? texts.remove_quote : texts.add_quote);
    };
    button.addEventListener("click", async () => {
      const items = this.#briefing.items, at = items.findIndex((item) => this.#same(item, citation));
      if (at >= 0) items.splice(at, 1);
      else {
        const { document_id, start, end, quote, title, language, date, page, heading, source } = citation;
        items.push({ document_id, start, end, quote, title, language, date, page, heading, source, statement: turn.said?.[citation.number] || "" });
      }
      await this.#keepBriefing();
      show();
    });
    show();
    return button;
  }

  async #keepBriefing() {
    this.#parts.briefing.dataset.count = this.#briefing.items.length || "";
    try {
      await this.#kept.put("briefing", "briefing", JSON.parse(JSON.stringify(this.#briefing)));
    } catch {
      this.#parts.notice.replaceChildren(node("p", { class: "failed" }, this.#texts.not_kept));
    }
  }

  #showBriefing() {
    const { inside, view, briefing: button } = this.#parts, texts = this.#texts, { items } = this.#briefing;
    button.dataset.count = items.length || "";
    if (view !== "briefing") return;
    if (!items.length) {
      inside.replaceChildren(node("p", { class: "empty" }, texts.briefing_empty));
      return;
    }
    const title = node("input", { type: "text", maxlength: "200", placeholder: texts.briefing_title, "aria-label": texts.briefing_title, dir: "auto", oninput: () => { this.#briefing.title = title.value; this.#keepBriefing(); } });
    title.value = this.#briefing.title;
    const move = (place, by) => {
      const [item] = items.splice(place, 1);
      items.splice(place + by, 0, item);
      this.#keepBriefing();
      this.#showBriefing();
      inside.querySelectorAll(".cards > li")[place + by].querySelector(by < 0 ? ".up" : ".down").focus();
    };
    const card = (item, place) => {
      const statement = node("textarea", { rows: "2", maxlength: "2000", placeholder: texts.statement, "aria-label": `${texts.statement}: ${item.title}`, dir: "auto", oninput: () => { item.statement = statement.value; this.#keepBriefing(); } });
      statement.value = item.statement;
      return node("li", {}, node("div", {}, statement, node("blockquote", { lang: item.language, dir: "auto" }, item.quote),
        node("h4", { lang: item.language, dir: "auto" }, item.title), node("p", { class: "facts" }, factsOf(item, this.#told)),
        node("div", { class: "ways" },
          this.#button("higher", `${texts.move_up}: ${item.title}`, () => move(place, -1), { class: "round up", disabled: place === 0 }),
          this.#button("lower", `${texts.move_down}: ${item.title}`, () => move(place, 1), { class: "round down", disabled: place === items.length - 1 }),
          this.#button("trash", `${texts.remove_quote}: ${item.title}`, () => { items.splice(place, 1); this.#keepBriefing(); this.#showBriefing(); (inside.querySelector("input, [tabindex]") || inside).focus(); }))));
    };
    const failed = node("p", { class: "failed", role: "alert", hidden: true }, texts.not_exported);
    const give = async (format) => {
      failed.hidden = true;
      try {
        const response = await this.#post(`api/v1/briefings?format=${format}`, { title: this.#briefing.title, language: this.#told.language, items: items.map(({ document_id, start, end, quote, title, statement }) => ({ document_id, start, end, quote, title, statement })) });
        const link = node("a", { href: URL.createObjectURL(await response.blob()), download: `${this.#briefing.title.replace(/[\\/:*?"<>|\s]+/g, "-").slice(0, 60) || "briefing"}.${format}` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      } catch {
        failed.hidden = false;
      }
    };
    inside.replaceChildren(title, node("ol", { class: "cards" }, items.map(card)),
      node("div", { class: "exports", role: "group", "aria-label": texts.export }, node("h3", {}, texts.export),
        [["docx", texts.export_word], ["md", texts.export_markdown], ["json", texts.export_json]].map(([format, name]) => node("button", { type: "button", class: "plain", onclick: () => give(format) }, name))), failed);
  }
}

customElements.define("forum-console", ForumConsole);
