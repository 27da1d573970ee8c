/* The portal widget: a custom element in a shadow tree of its own. It builds nodes and never markup, keeps nothing in the browser before the
 visitor's first question, and needs of the page's policy only this script's address in script-src and connect-src. */
const script = document.currentScript;
const TAG = "forum-assistant";
const BASE = script ? new URL(".", script.src).href : new URL("/", location.href).href;
const KEPT = 12, REMEMBERED = 600, SMALL = "(max-width: 480px)";

// -- style: a constructed sheet, which a page's policy does not concern ------------------------------------------------

const CSS = `
:host { all: initial !important; display: block !important; position: static !important; visibility: visible !important; opacity: 1 !important;
--_accent: var(--forum-accent, var(--portal-accent, #0f766e)); --_on-accent: var(--forum-on-accent, var(--portal-on-accent, #fff));
--_radius: var(--forum-radius, var(--portal-radius, 14px)); --_ink: var(--forum-ink, #1b2733); --_ground: var(--forum-ground, #fff); --_soft: #55636f;
--_line: #d7dee4; --_raised: #f2f5f7; --_link: var(--_accent); --_mark: #fff0b3; --_mark-ink: #1b2733; --_bad: #b3261e;
font: 16px/1.55 var(--forum-font, system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans Arabic", sans-serif) !important;
color: var(--_ink) !important; }
:host(.floating) { position: fixed !important; z-index: 2147483000 !important; inset: auto !important; width: 0 !important; height: 0 !important; margin: 0 !important; transform: none !important; filter: none !important; pointer-events: auto !important; }
:host(.inline) { width: 100% !important; height: var(--forum-height, 560px) !important; margin: 0 !important; }
:host(.full) { position: fixed !important; inset: 0 !important; width: auto !important; height: auto !important; }
:host(.dark) { --_ink: var(--forum-ink, #e4eaee); --_ground: var(--forum-ground, #161e26); --_soft: #a9b6c0; --_line: #384754; --_raised: #222d37; --_link: color-mix(in oklab, var(--_accent), white 55%); --_mark: #6b5a12; --_mark-ink: #fff8dc; --_bad: #ff9d94; color-scheme: dark; }
:host(.light) { color-scheme: light; }
@supports (color: oklch(from red l c h)) { :host { --_link: oklch(from var(--_accent) min(l, .52) c h); } :host(.dark) { --_link: oklch(from color-mix(in oklab, var(--_accent), white 55%) max(l, .75) c h); } }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; }
[dir=rtl] svg.turns { transform: scaleX(-1); }
button, textarea, select, input { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--_link); outline-offset: 2px; }
.launch { position: fixed; inset-block-end: 20px; display: flex; align-items: center; gap: 10px; min-height: 52px; padding: 0 20px 0 18px; border: 0; border-radius: 26px; background: var(--_accent); color: var(--_on-accent); font-weight: 600; box-shadow: 0 6px 24px rgb(0 0 0 / .25); }
.launch:focus-visible { outline-color: var(--_ink); box-shadow: 0 0 0 2px var(--_ground); }
.right.launch, .right.panel { inset-inline-end: 20px; } .left.launch, .left.panel { inset-inline-start: 20px; }
.panel { display: flex; flex-direction: column; background: var(--_ground); color: var(--_ink); border: 1px solid var(--_line); border-radius: var(--_radius); overflow: clip; height: 100%; text-align: start; }
.floating .panel { position: fixed; inset-block-end: 20px; width: 400px; max-width: calc(100vw - 40px); height: min(640px, calc(100dvh - 40px)); box-shadow: 0 12px 48px rgb(0 0 0 / .28); }
.inline, .full { height: 100%; } .full .panel { border: 0; border-radius: 0; }
.top { display: flex; align-items: center; gap: 6px; padding: 10px 10px 10px 16px; background: var(--_accent); color: var(--_on-accent); }
[dir=rtl] .top { padding: 10px 16px 10px 10px; }
.top h2 { flex: 1; margin: 0; font-size: 17px; line-height: 1.35; font-weight: 650; overflow-wrap: anywhere; }
.top button, .round { display: inline-grid; place-items: center; width: 40px; height: 40px; border: 0; border-radius: 50%; background: transparent; }
.top button:hover { background: rgb(255 255 255 / .16); } .top :focus-visible { outline-color: currentColor; outline-offset: -3px; }
.body { flex: 1; overflow-y: auto; padding: 16px; overscroll-behavior: contain; }
.welcome { margin: 0 0 12px; white-space: pre-line; }
.notice { color: var(--_soft); font-size: 13px; margin: 0; }
a { color: var(--_link); text-underline-offset: .18em; }
.choices { display: flex; flex-direction: column; gap: 8px; margin: 14px 0; align-items: flex-start; }
.choices button { text-align: start; border: 1px solid var(--_line); background: var(--_ground); border-radius: 12px; padding: 8px 14px; color: var(--_link); }
.choices button:hover { background: var(--_raised); }
ol { list-style: none; margin: 0; padding: 0; }
.asked { margin: 18px 0 10px; display: flex; justify-content: flex-end; }
.asked p { margin: 0; max-width: 88%; background: var(--_raised); border-radius: 14px; border-end-end-radius: 4px; padding: 8px 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
.told p { margin: 0 0 10px; overflow-wrap: anywhere; white-space: pre-line; }
.told .quoted { border-inline-start: 3px solid var(--_accent); padding-inline-start: 12px; display: block; margin: 6px 0; }
.cite { display: inline-grid; place-items: center; min-width: 24px; height: 24px; padding: 0 6px; margin-inline-start: 4px; border: 1px solid var(--_line); border-radius: 12px; background: var(--_raised); color: var(--_link); font-size: 13px; line-height: 1; vertical-align: 2px; }
.cite:hover { border-color: var(--_link); }
.rows { overflow-x: auto; margin: 0 0 10px; } table { border-collapse: collapse; font-size: 14px; } th, td { border-block-end: 1px solid var(--_line); padding: 6px 8px; text-align: start; vertical-align: top; } th { white-space: nowrap; }
td { min-width: 6em; }
.near { list-style: none; margin: 4px 0 10px; padding: 0; } .near li { margin: 6px 0; } .near li { text-align: -webkit-match-parent; text-align: match-parent; } .near button { border: 0; background: none; padding: 2px 0; text-align: start; color: var(--_link); text-decoration: underline; text-underline-offset: .18em; }
.acts { display: flex; flex-wrap: wrap; align-items: center; gap: 4px; color: var(--_soft); font-size: 14px; }
.acts .round { width: 34px; height: 34px; } .acts .round svg { width: 18px; height: 18px; } .acts .round:hover { background: var(--_raised); } .acts [aria-pressed=true] { color: var(--_link); background: var(--_raised); }
.why { display: grid; gap: 8px; margin: 8px 0; padding: 12px; border: 1px solid var(--_line); border-radius: 12px; font-size: 14px; }
.why label { display: grid; gap: 4px; } .why select, .why input { width: 100%; min-height: 36px; border: 1px solid var(--_soft); border-radius: 8px; background: var(--_ground); padding: 4px 8px; }
.plain { justify-self: start; border: 1px solid var(--_line); background: var(--_raised); border-radius: 10px; padding: 6px 14px; display: inline-flex; gap: 6px; align-items: center; }
.failed { color: var(--_bad); }
.dots::after { content: "…"; }
.foot { border-block-start: 1px solid var(--_line); padding: 10px 12px 8px; display: grid; gap: 6px; }
.box { display: flex; gap: 8px; align-items: flex-end; border: 1px solid var(--_soft); border-radius: 14px; padding: 4px 4px 4px 12px; background: var(--_ground); }
[dir=rtl] .box { padding: 4px 12px 4px 4px; }
.box:focus-within { outline: 3px solid var(--_link); outline-offset: 1px; }
.box textarea { flex: 1; min-width: 0; border: 0; outline: 0; background: transparent; resize: none; padding: 8px 0; max-height: 140px; line-height: 1.45; }
.box textarea::placeholder { color: var(--_soft); opacity: 1; }
.box button { flex: none; background: var(--_accent); color: var(--_on-accent); border-radius: 11px; }
.box button[disabled] { opacity: .45; cursor: default; }
.small { display: flex; flex-wrap: wrap; gap: 2px 12px; font-size: 12px; color: var(--_soft); line-height: 1.4; }
.source { padding: 16px; overflow-y: auto; flex: 1; } .source h3 { margin: 0 0 4px; font-size: 17px; line-height: 1.4; overflow-wrap: anywhere; }
.facts { margin: 0 0 12px; color: var(--_soft); font-size: 14px; }
blockquote { margin: 0 0 14px; padding: 12px 14px; background: var(--_raised); border-radius: 10px; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; }
mark { background: var(--_mark); color: var(--_mark-ink); border-radius: 3px; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.ways { display: flex; flex-wrap: wrap; gap: 8px 18px; margin: 0; }
:lang(ja) { font-family: var(--forum-font, system-ui, "Noto Sans CJK JP", sans-serif); } :lang(ko) { font-family: var(--forum-font, system-ui, "Noto Sans CJK KR", sans-serif); } :lang(zh) { font-family: var(--forum-font, system-ui, "Noto Sans CJK SC", sans-serif); }
@media ${SMALL} { .floating .panel { inset: 0 !important; width: 100vw; max-width: none; height: 100dvh; border: 0; border-radius: 0; } .launch { padding: 0 15px; } .launch span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .box textarea { font-size: 16px; } }
@media (prefers-reduced-motion: no-preference) { .floating .panel { animation: rise .16s ease-out; } @keyframes rise { from { opacity: 0; translate: 0 12px; } } .dots::after { animation: fade 1.2s infinite alternate; } @keyframes fade { from { opacity: .2; } } }
@media (forced-colors: active) { .launch, .panel, .cite, .plain, .choices button, .asked p { border: 1px solid; } }
@media print { :host(.floating) { display: none !important; } }`;
const SHEET = sheetOf(CSS);

/* White or black, whichever is easier to read on a colour. */
const inkOn = (colour) => {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
};

// -- the element -----------------------------------------------------------------------------------------------------

class ForumAssistant extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #told = null; // what the server says of the portal
  #token = "";
  #turns = []; // {question, blocks, citations, ...}: the conversation of this tab
  #running = null; // AbortController of the answer that is coming
  #restored = false;
  #parts = {};
  #back = null; // what the focus returns to

  async connectedCallback() {
    if (this.#told) return;
    this.#root.adoptedStyleSheets = [SHEET];
    this.classList.add(this.mode);
    try {
      const wanted = ranked([this.getAttribute("language") || document.documentElement.lang, ...(navigator.languages || [])]);
      const response = await fetch(`${this.base}api/v1/portals/${encodeURIComponent(this.portal)}?language=${encodeURIComponent(wanted)}`, { credentials: "omit", referrerPolicy: "no-referrer" });
      if (!response.ok) throw new Refused(response.status);
      this.#told = await response.json();
    } catch (error) {
      // A page that may not hold the widget shows nothing of it; its owner finds the reason in the console.
      console.warn(`forum-assistant: the portal ${this.portal} cannot be used from this page (${error.message})`);
      this.dispatchEvent(new CustomEvent("failed", { detail: { reason: error.message } }));
      return;
    }
    this.#build();
    if (this.#floating && this.showPopover) {
      // In the top layer, where what the page does to our ancestors (transforms, filters, stacking) does not reach us.
      this.setAttribute("popover", "manual");
      this.showPopover();
    }
    this.dispatchEvent(new CustomEvent("ready"));
  }

  get base() { return this.getAttribute("base") || BASE; }
  get portal() { return this.getAttribute("portal") || ""; }
  get mode() { const mode = this.getAttribute("mode"); return mode === "inline" || mode === "full" ? mode : "floating"; }
  get #texts() { return this.#told.texts; }
  get #floating() { return this.mode === "floating"; }

  // -- what pages may call --

  open() {
    const { panel, launch, field } = this.#parts;
    if (!panel || !panel.hidden) return;
    panel.hidden = false;
    launch.hidden = true;
    this.#restore();
    field.focus();
    this.dispatchEvent(new CustomEvent("open"));
  }

  close() {
    const { panel, launch } = this.#parts;
    if (!panel || panel.hidden || !this.#floating) return;
    panel.hidden = true;
    launch.hidden = false;
    launch.focus();
    this.dispatchEvent(new CustomEvent("close"));
  }

  async ask(question) {
    question = String(question ?? "").trim();
    if (!question || !this.#told || this.#running) return;
    if ([...question].length > this.#told.longest_question) {
      this.#say(fill(this.#texts.too_long, { limit: this.#told.longest_question }), true);
      return;
    }
    if (!this.dispatchEvent(new CustomEvent("ask", { detail: { question }, cancelable: true }))) return;
    this.open();
    this.#restore();
    this.#parts.field.value = "";
    this.#grow();
    await this.#answer(question);
  }

  // -- building --

  #build() {
    const told = this.#told, texts = this.#texts, theme = told.theme;
    const accent = this.getAttribute("accent");
    const own = /^#[0-9a-f]{6}$/i.test(accent || "") ? { accent, ink: inkOn(accent) } : { accent: theme.accent, ink: theme.on_accent };
    this.#root.adoptedStyleSheets = [SHEET, sheetOf(`:host { --portal-accent: ${own.accent}; --portal-on-accent: ${own.ink}; --portal-radius: ${Number(theme.radius)}px }`)];
    const scheme = this.getAttribute("scheme") || theme.scheme, dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => {
      const isDark = scheme === "dark" || (scheme !== "light" && dark.matches);
      this.classList.toggle("dark", isDark);
      this.classList.toggle("light", !isDark);
    };
    paint();
    dark.addEventListener("change", paint);
    const side = (this.getAttribute("position") || theme.position) === "left" ? "left" : "right";
    const list = node("ol", { class: "turns-list" });
    const start = node("div", { class: "start" },
      node("p", { class: "welcome" }, texts.welcome),
      told.questions.length ? node("div", { class: "choices" }, told.questions.map((question) => node("button", { type: "button", onclick: () => this.ask(question) }, question))) : null);
    const body = node("div", { class: "body", tabindex: "0", role: "region", "aria-label": texts.title }, start, list);
    const field = node("textarea", { rows: "1", placeholder: texts.placeholder, "aria-label": texts.placeholder, maxlength: String(told.longest_question), dir: "auto", enterkeyhint: "send", autocomplete: "off" });
    const send = node("button", { type: "submit", class: "round", "aria-label": texts.send, title: texts.send }, icon("send"));
    const stop = node("button", { type: "button", class: "round", "aria-label": texts.stop, title: texts.stop, hidden: true, onclick: () => this.#stop() }, icon("stop"));
    const count = node("span", { class: "count", hidden: true });
    const form = node("form", { class: "box" }, field, send, stop);
    const clear = node("button", { type: "button", "aria-label": texts.clear, title: texts.clear, onclick: () => this.#clear(), hidden: true }, icon("fresh"));
    const heading = node("h2", { id: "title" }, texts.title);
    const back = node("button", { type: "button", "aria-label": texts.back, title: texts.back, hidden: true, onclick: () => this.#leaveSource() }, icon("back"));
    const shut = this.#floating ? node("button", { type: "button", "aria-label": texts.close, title: texts.close, onclick: () => this.close() }, icon("close")) : null;
    const source = node("section", { class: "source", hidden: true, tabindex: "-1", "aria-label": texts.quoted });
    const notices = node("div", { class: "small" }, node("span", {}, texts.notice), texts.model ? node("span", {}, texts.model) : null,
      node("a", { href: told.privacy, target: "_blank", rel: "noopener noreferrer" }, texts.privacy), count);
    const foot = node("div", { class: "foot" }, form, notices);
    const live = node("div", { class: "quiet", role: "status", "aria-live": "polite" });
    const panel = node("div", { class: `panel ${side}`, role: this.#floating ? "dialog" : null, "aria-labelledby": this.#floating ? "title" : null, hidden: this.#floating },
      node("div", { class: "top" }, back, heading, clear, shut), body, source, foot);
    const launch = node("button", { type: "button", class: `launch ${side}`, "aria-haspopup": "dialog", onclick: () => this.open() }, icon("chat"), node("span", {}, texts.open));
    if (!this.#floating) launch.hidden = true;
    const whole = node("div", { class: this.mode, dir: told.direction, lang: told.language }, launch, panel, live);
    this.#root.replaceChildren(whole);
    this.#parts = { panel, launch, body, start, list, field, send, stop, form, clear, back, heading, source, live, count, foot };

    form.addEventListener("submit", (event) => { event.preventDefault(); this.ask(field.value); });
    field.addEventListener("keydown", (event) => {
      // Enter that confirms a candidate of an input method is not meant for us.
      if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
      event.preventDefault();
      this.ask(field.value);
    });
    field.addEventListener("input", () => this.#grow());
    panel.addEventListener("keydown", (event) => this.#key(event));
    if (!this.#floating) panel.addEventListener("pointerdown", () => this.#restore(), { once: true });
    if (!this.#floating) field.addEventListener("keydown", () => this.#restore(), { once: true });
    // A page's shortcuts are not meant for what is typed in here.
    for (const kind of ["keydown", "keyup", "keypress"]) this.#root.addEventListener(kind, (event) => event.stopPropagation());
  }

  #key(event) {
    if (event.key === "Escape" && !composing(event)) {
      if (!this.#parts.source.hidden) this.#leaveSource();
      else this.close();
      return;
    }
    // On a small screen the panel covers the page: the focus stays within.
    if (event.key !== "Tab" || !this.#floating || !matchMedia(SMALL).matches) return;
    const within = [...this.#parts.panel.querySelectorAll("button, a[href], textarea, select, input, [tabindex='0']")].filter((one) => !one.disabled && one.offsetParent !== null);
    const edge = event.shiftKey ? within[0] : within.at(-1);
    if (this.#root.activeElement === edge) {
      event.preventDefault();
      (event.shiftKey ? within.at(-1) : within[0]).focus();
    }
  }

  #grow() {
    const { field, count } = this.#parts, left = this.#told.longest_question - field.value.length;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 140)}px`;
    count.hidden = left > 200;
    count.textContent = count.hidden ? "" : fill(this.#texts.characters_left, { count: left });
  }

  #say(text, shown = false) {
    this.#parts.live.textContent = text;
    if (shown) this.#parts.list.append(node("li", { class: "told" }, node("p", { class: "failed" }, text)));
  }

  // -- the conversation --

  get #place() { return `forum-assistant:${this.portal}`; }

  #restore() {
    if (this.#restored) return;
    this.#restored = true;
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#place) || "[]");
      if (!Array.isArray(kept) || !kept.length || this.#turns.length) return;
      this.#turns = kept;
      for (const turn of kept) this.#showTurn(turn);
      this.#arranged();
      this.#parts.body.scrollTop = this.#parts.body.scrollHeight;
    } catch { /* storage is closed to us (a frame without third-party storage): the conversation lives in this page */ }
  }

  #keep() {
    this.#turns = this.#turns.slice(-KEPT);
    try {
      sessionStorage.setItem(this.#place, JSON.stringify(this.#turns));
    } catch { /* as above */ }
  }

  #clear() {
    this.#stop();
    this.#turns = [];
    try {
      sessionStorage.removeItem(this.#place);
    } catch { /* as above */ }
    this.#parts.list.replaceChildren();
    this.#leaveSource();
    this.#arranged();
    this.#parts.field.focus();
  }

  #arranged() {
    const begun = this.#parts.list.childElementCount > 0;
    this.#parts.start.hidden = begun;
    this.#parts.clear.hidden = !begun;
  }

  async #post(path, payload, signal, accept = "application/json") {
    for (let tries = 0; ; tries++) {
      if (!this.#token) {
        const visit = await fetch(`${this.base}api/v1/portals/${encodeURIComponent(this.portal)}/visits`, { method: "POST", credentials: "omit", referrerPolicy: "no-referrer", signal });
        if (!visit.ok) throw new Refused(visit.status, visit.headers.get("retry-after"));
        this.#token = (await visit.json()).token;
      }
      const response = await fetch(`${this.base}${path}`, {
        method: "POST", credentials: "omit", referrerPolicy: "no-referrer", signal,
        headers: { "content-type": "application/json", accept, [this.#told.token_header]: this.#token }, body: JSON.stringify(payload),
      });
      if (response.ok) return response;
      if (response.status === 401 && !tries) { this.#token = ""; continue; }
      throw new Refused(response.status, response.headers.get("retry-after"));
    }
  }

  async #answer(question) {
    const { list, body, send, stop, field } = this.#parts, texts = this.#texts;
    const history = historyOf(this.#turns);
    const asked = this.#asked(question), told = node("li", { class: "told" }), coming = node("p", { class: "dots" }, texts.thinking.replace(/…$/, ""));
    told.append(node("span", { class: "quiet" }, texts.answer), coming);
    list.append(asked, told);
    this.#arranged();
    this.#leaveSource();
    scrollTo(body, asked, 12);
    this.#say(texts.thinking);
    const running = (this.#running = new AbortController());
    send.hidden = true;
    stop.hidden = false;
    let text = "";
    try {
      const response = await this.#post("api/v1/ask", { question, history }, running.signal, "text/event-stream");
      const answer = await answerOf(response, (said) => {
        text = said;
        coming.classList.remove("dots");
        coming.textContent = text;
      });
      const turn = turnOf(question, answer, REMEMBERED);
      this.#turns.push(turn);
      this.#keep();
      told.replaceWith(this.#toldOf(turn));
      this.#say(answer.text);
      this.dispatchEvent(new CustomEvent("answer", { detail: { question, answer } }));
    } catch (error) {
      this.#broken(told, coming, question, text, error, running.signal.aborted);
    } finally {
      this.#running = null;
      send.hidden = false;
      stop.hidden = true;
      // The focus comes back where its button went away, and is not taken from the page.
      if (this.#root.activeElement === stop || !document.activeElement || document.activeElement === document.body) field.focus();
      if (asked.isConnected) scrollTo(body, asked, 12);
    }
  }

  #broken(told, coming, question, text, error, stopped) {
    const texts = this.#texts, said = reasonOf(error, stopped, texts);
    coming.classList.remove("dots");
    coming.textContent = text;
    coming.hidden = !text;
    const again = node("button", { type: "button", class: "plain", onclick: () => {
      if (this.#running) return;
      told.previousElementSibling?.remove();
      told.remove();
      this.ask(question);
    } }, icon("again"), texts.retry);
    told.append(node("p", { class: stopped ? "notice" : "failed" }, said), again);
    this.#say(said);
  }

  #stop() { this.#running?.abort(); }

  #asked(question) { return node("li", { class: "asked" }, node("p", { dir: "auto" }, node("span", { class: "quiet" }, `${this.#texts.yours}: `), question)); }
  #showTurn(turn) { this.#parts.list.append(this.#asked(turn.question), this.#toldOf(turn)); }

  #toldOf(turn) {
    const texts = this.#texts;
    const rtl = this.#told.right_to_left.includes(turn.language);
    const told = node("li", { class: "told", lang: turn.language, dir: rtl ? "rtl" : "ltr" }, node("span", { class: "quiet", lang: this.#told.language }, `${texts.answer}: `));
    told.append(...drawn(turn, texts, (found, citation, from) => this.#showSource(found, citation, from)));
    const acts = node("div", { class: "acts", lang: this.#told.language, dir: this.#told.direction });
    if (turn.abstained && this.#told.contact) acts.append(node("a", { href: this.#told.contact, target: this.#told.contact.startsWith("mailto:") ? null : "_blank", rel: "noopener noreferrer" }, texts.contact));
    if (this.#told.feedback && turn.receipt) rated(acts, turn, this.#told, (body) => this.#post("api/v1/feedback", body), () => this.#keep());
    told.append(acts);
    return told;
  }

  // -- the quote in its passage --

  #showSource(found, citation, from) {
    const { source, body, back, heading, clear, foot } = this.#parts, texts = this.#texts;
    const passage = citation ? citation.passage : found.text;
    const quote = node("blockquote", { lang: found.language, dir: "auto" });
    const at = citation ? passage.indexOf(citation.quote) : -1;
    if (at >= 0) quote.append(passage.slice(0, at), node("mark", {}, citation.quote), passage.slice(at + citation.quote.length));
    else quote.append(passage);
    const asked = new URLSearchParams({ portal: this.portal, language: this.#told.language });
    if (citation) { asked.set("start", citation.start); asked.set("end", citation.end); }
    const original = webLink(found.source);
    source.replaceChildren(
      node("h3", { lang: found.language, dir: "auto" }, found.title), node("p", { class: "facts" }, factsOf(found, this.#told)), passage ? quote : "",
      node("p", { class: "ways" }, node("a", { href: `${this.base}documents/${pathOf(found.document_id)}?${asked}${citation ? "#quote" : ""}`, target: "_blank", rel: "noopener" }, texts.open_document),
        original ? node("a", { href: original, target: "_blank", rel: "noopener noreferrer nofollow" }, `${texts.open_source} ↗`) : null));
    this.#back = from;
    source.hidden = back.hidden = false;
    body.hidden = foot.hidden = true;
    clear.hidden = true;
    heading.textContent = texts.quoted;
    back.focus();
    const mark = source.querySelector("mark");
    if (mark) scrollTo(source, mark, source.clientHeight / 3);
  }

  #leaveSource() {
    const { source, body, back, heading, foot } = this.#parts;
    if (source.hidden) return;
    source.hidden = back.hidden = true;
    body.hidden = foot.hidden = false;
    heading.textContent = this.#texts.title;
    this.#arranged();
    this.#back?.focus();
    this.#back = null;
  }

}

if (!customElements.get(TAG)) customElements.define(TAG, ForumAssistant);

// -- what the tag asks for -------------------------------------------------------------------------------------------

const begin = () => {
  const asked = script.dataset, element = document.createElement(TAG);
  element.setAttribute("base", BASE);
  for (const name of ["portal", "language", "position", "accent", "scheme"]) if (asked[name]) element.setAttribute(name, asked[name]);
  const place = asked.mount ? document.querySelector(asked.mount) : null;
  if (asked.mount && !place) console.warn(`forum-assistant: the page has no ${asked.mount}; the widget floats instead`);
  element.setAttribute("mode", asked.mode === "full" ? "full" : place ? "inline" : "floating");
  const api = {
    element,
    open: () => element.open(),
    close: () => element.close(),
    ask: (question) => element.ask(question),
    on: (name, heard) => element.addEventListener(name, heard),
  };
  window.ForumAssistant = window.ForumAssistant || api;
  element.addEventListener("ready", () => document.dispatchEvent(new CustomEvent("forum-assistant-ready", { detail: api })), { once: true });
  (place || document.body).append(element);
};
if (script && script.dataset.portal) {
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin, { once: true });
}
