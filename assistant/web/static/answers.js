/* What the widget and the console share: nodes, server-sent events, an answer drawn, a word on it. It builds nodes and never markup. The server
 puts it before each of the two, in one function. */

// -- nodes ---------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  chat: "M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z",
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  send: "M20 12L4 4l5 8-5 8z",
  stop: "M7 7h10v10H7z",
  again: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
  fresh: "M12 20h9M16.5 3.5a2.1 2.1 0 0 1 3 3L7 19l-4 1 1-4z",
  up: "M7 11v9H4v-9zM7 11l4-8c1.5 0 2.5 1 2.5 2.5V9H19a2 2 0 0 1 2 2.3l-1.1 6.5A2.6 2.6 0 0 1 17.3 20H7",
  down: "M17 13V4h3v9zM17 13l-4 8c-1.5 0-2.5-1-2.5-2.5V15H5a2 2 0 0 1-2-2.3l1.1-6.5A2.6 2.6 0 0 1 6.7 4H17",
};
const icon = (name) => {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  if (name === "back" || name === "send") svg.setAttribute("class", "turns");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
};
const node = (tag, given = {}, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined && value !== "") made.setAttribute(name, value);
  }
  made.append(...inside.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
const webLink = (url) => {
  try {
    return /^https?:$/.test(new URL(url).protocol) ? url : "";
  } catch {
    return "";
  }
};

const sheetOf = (css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
};

/* The documents that a refusal names, a passage of each. */
const nearest = (answer) => {
  const first = new Map();
  for (const { chunk } of answer.passages) if (!first.has(chunk.title) && answer.text.includes(`- ${chunk.title}`)) first.set(chunk.title, chunk);
  return [...first.values()];
};
/* A date as the answers write it in the language (English: 9 June 2024); years and months alone as they are. */
const dateIn = (language, iso) => (/^\d{4}-\d{2}-\d{2}$/.test(iso) ? new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "long", timeZone: "UTC" }).format(new Date(iso)) : iso);
const composing = (event) => event.isComposing || event.keyCode === 229; // 229 is what some browsers say instead
/* Languages, the best first, as Accept-Language has them. */
const ranked = (tags) => tags.filter(Boolean).slice(0, 8).map((tag, place) => `${tag};q=${(1 - place / 10).toFixed(1)}`).join(",");
const pathOf = (id) => id.split("/").map(encodeURIComponent).join("/");
/* Language, date, page and heading of a citation or passage; `told` is what the server said of names and texts. */
const factsOf = (found, told) => [
  told.names[found.language] || found.language, found.date ? dateIn(told.language, found.date) : told.texts.undated,
  found.page ? fill(told.texts.page, { page: found.page }) : "", found.heading,
].filter(Boolean).join(" · ");
/* Brings a node below the top of what scrolls, and scrolls nothing else: not the page. */
const scrollTo = (scroller, within, below) => {
  scroller.scrollTop += within.getBoundingClientRect().top - scroller.getBoundingClientRect().top - below;
};

// -- server-sent events ----------------------------------------------------------------------------------------------

async function* eventsOf(body) {
  const reader = body.getReader(), decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        let name = "message", data = "";
        for (const line of text.slice(0, end).split("\n")) {
          if (line.startsWith("event:")) name = line.slice(6).trim();
          else if (line.startsWith("data:")) data += line.slice(5).trim();
        }
        if (data) yield [name, JSON.parse(data)];
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

class Refused extends Error {
  constructor(status, seconds) {
    super(String(status));
    this.status = status;
    this.seconds = seconds;
  }
}

/* What a reader is told of an answer that did not come. */
const reasonOf = (error, stopped, texts) => {
  if (stopped) return texts.stopped;
  if (!(error instanceof Refused)) return texts.unreachable;
  if (error.status === 401 && texts.expired) return texts.expired;
  return error.status === 429 || error.status === 503 ? fill(texts.too_many, { seconds: error.seconds || 5 }) : texts.failed;
};

/* The answer at the end of a stream; told(text) hears all that has come so far. Throws Refused where the server says no, or says nothing more. */
const answerOf = async (response, told) => {
  let text = "", answer = null;
  for await (const [name, data] of eventsOf(response.body)) {
    if (name === "text") told((text += data.text));
    else if (name === "answer") answer = data;
    else if (name === "error") throw new Refused(data.status);
  }
  if (!answer) throw new Refused(0);
  return answer;
};

// -- an answer -------------------------------------------------------------------------------------------------------

const RATINGS = ["up", "down"];
/* The parts of an answer, as a list: `turn` is what was kept of it; open(found, citation, button) shows where a quote stands. */
const drawn = (turn, texts, open) => {
  const cite = (number) => {
    const citation = turn.citations.find((one) => one.number === number);
    if (!citation) return null;
    const label = `${fill(texts.show_source, { number })}: ${citation.title}`;
    return node("button", { type: "button", class: "cite", "aria-label": label, title: citation.title, onclick: (event) => open(citation, citation, event.currentTarget) }, String(number));
  };
  const parts = (line) => [
    line.filter((piece) => !piece.cite).map((piece) => (piece.strong ? node("strong", {}, piece.text) : piece.text)),
    line.filter((piece) => piece.cite).map((piece) => cite(piece.cite)).filter(Boolean),
  ];
  const titles = new Set(turn.near.map((chunk) => `- ${chunk.title}`));
  const paragraph = (block) => {
    const made = node("p");
    block.lines.filter((line) => !titles.has(line[0]?.text)).forEach((line, place) => {
      const [words, cites] = parts(line);
      if (cites.length && words.length) made.append(node("span", { class: "quoted", dir: "auto" }, words, cites));
      else {
        if (place && !made.lastChild?.classList?.contains("quoted")) made.append("\n");
        made.append(...words, ...cites);
      }
    });
    return made;
  };
  const table = (block) => node("div", { class: "rows", tabindex: "0", role: "region", "aria-label": texts.answer }, node("table", {},
    node("thead", {}, node("tr", {}, block.heads.map((text) => node("th", { scope: "col" }, text)))),
    node("tbody", {}, block.rows.map((row) => node("tr", {}, row.map((cell) => node("td", {}, ...parts(cell).flat())))))));
  const near = turn.near.map((chunk) => node("li", {}, node("button", { type: "button", lang: chunk.language, dir: "auto", onclick: (event) => open(chunk, null, event.currentTarget) }, chunk.title)));
  return [...turn.blocks.map((block) => (block.heads.length ? table(block) : paragraph(block))), ...(near.length ? [node("ul", { class: "near" }, near)] : [])];
};

/* Thumbs, and what was wrong: `told` is what the server said of texts and reasons, post(body) gives the word, keep() what was kept of the turn. */
const rated = (acts, turn, told, post, keep) => {
  const texts = told.texts, thanks = node("span", { role: "status" });
  const why = (id) => {
    const reason = node("select", {}, node("option", { value: "" }, "–"), Object.entries(told.reasons).map(([value, label]) => node("option", { value }, label)));
    const comment = node("input", { type: "text", maxlength: String(told.longest_comment), dir: "auto" });
    const form = node("form", { class: "why", lang: told.language, dir: told.direction },
      node("label", {}, texts.feedback_ask, reason), node("label", {}, texts.feedback_comment, comment), node("button", { class: "plain" }, texts.feedback_send));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await post({ receipt: turn.receipt, rating: "down", reason: reason.value, comment: comment.value, id });
        form.remove();
        thanks.textContent = texts.feedback_thanks;
      } catch {
        thanks.textContent = texts.unreachable;
      }
    });
    acts.after(form);
    reason.focus();
  };
  let giving = false;
  const give = async (rating) => {
    if (giving) return;
    giving = true;
    acts.parentElement.querySelector(".why")?.remove();
    try {
      const given = await (await post({ receipt: turn.receipt, rating })).json();
      turn.rating = rating;
      keep();
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(RATINGS[place] === rating)));
      if (rating === "down") why(given.id);
      else thanks.textContent = texts.feedback_thanks;
    } catch {
      thanks.textContent = texts.unreachable;
    } finally {
      giving = false;
    }
  };
  const buttons = [texts.helpful, texts.not_helpful].map((label, place) => node("button", {
    type: "button", class: "round", "aria-label": label, title: label, "aria-pressed": String(turn.rating === RATINGS[place]), onclick: () => give(RATINGS[place]),
  }, icon(RATINGS[place])));
  acts.append(...buttons, thanks);
};
const TURNS = 6; // of the conversation, go with a question
const historyOf = (turns) => turns.slice(-TURNS).filter((turn) => turn.text).flatMap((turn) => [{ role: "user", text: turn.question }, { role: "assistant", text: turn.text }]);
/* What is kept of an answer: `remembered` characters of its text go with the next question. */
const turnOf = (question, answer, remembered) => ({
  question, text: answer.text.slice(0, remembered), blocks: answer.blocks, citations: answer.citations, language: answer.language, abstained: answer.abstained,
  near: answer.abstained ? nearest(answer) : [], receipt: answer.mode === "talk" ? "" : answer.receipt,
});
