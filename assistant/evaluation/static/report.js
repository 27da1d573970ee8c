"use strict";
const questions = JSON.parse(document.getElementById("data").textContent).questions;
const form = document.getElementById("filter"), list = document.getElementById("list"), count = document.getElementById("count"), more = document.getElementById("more");
const PAGE = 40;
let shown = PAGE;

function make(tag, text, attributes) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  return element;
}

function options(name, values) {
  const select = form.elements[name];
  for (const [value, label] of [["", "all"], ...values]) select.append(make("option", label, { value }));
}

const values = (of) => [...new Set(questions.flatMap(of))].sort().map((value) => [value, value]);
for (const name of ["set", "language", "kind", "split"]) options(name, values((q) => [q[name]]));
options("wrong", [["any", "anything"], ["none", "nothing"], ...values((q) => q.wrong)]);
options("moved", [["-1", "worse"], ["1", "better"], ["0", "another answer"]]);
if (!questions.some((q) => q.before)) form.elements.moved.parentElement.hidden = true;

function passes(q) {
  for (const name of ["set", "language", "kind", "split"]) if (form.elements[name].value && q[name] !== form.elements[name].value) return false;
  const wrong = form.elements.wrong.value, moved = form.elements.moved.value;
  if (wrong === "any" ? !q.wrong.length : wrong === "none" ? q.wrong.length : wrong && !q.wrong.includes(wrong)) return false;
  if (moved && (q.moved === undefined || String(q.moved) !== moved)) return false;
  const text = form.elements.text.value.trim().toLowerCase();
  return !text || [q.key, q.question, q.text, ...q.gold.flatMap((g) => [g.document, g.quote]), ...q.citations.map((c) => c.document)].some((s) => s.toLowerCase().includes(text));
}

function quoted(document_, quote, kind) {
  const block = make("blockquote", quote, { dir: "auto", class: kind });
  block.append(make("br"), make("small", document_, { dir: "ltr" }));
  return block;
}

function folded(title, parts, open) {
  const details = make("details");
  details.open = Boolean(open);
  details.append(make("summary", title), ...parts);
  return details;
}

function card(q) {
  const item = make("li", undefined, { class: q.wrong.length ? "wrong" : "" });
  item.append(make("h3", q.question, { lang: q.language, dir: q.direction }));
  const place = q.rank === null ? "" : q.rank ? ` · passage at ${q.rank}` : " · passage not in the first ten";
  const pools = Object.entries(q.ranks).map(([pool, rank]) => `${pool} ${rank || "–"}`).join(", ");
  const sure = q.confidence === null ? "" : ` · confidence ${q.confidence.toFixed(2)}`;
  item.append(make("p", `${q.key} · ${q.kind} · ${q.split}${place}${pools ? ` (${pools})` : ""} · ${q.mode}${sure} · ${q.ms} ms · ${q.reviewed ? "reviewed" : "not reviewed"}`, { class: "meta" }));
  const tags = make("div", undefined, { class: "tags" });
  for (const what of q.wrong) tags.append(make("span", what));
  if (!q.wrong.length) tags.append(make("span", q.answerable ? "right" : "rightly refused", { class: "fine" }));
  item.append(tags, make("p", q.text, { class: "answer", lang: q.language, dir: q.direction }));
  if (q.citations.length) item.append(folded(`${q.citations.length} cited`, q.citations.map((c) => quoted(`[${c.number}] ${c.document}`, c.quote, ""))));
  if (q.gold.length) item.append(folded(`Gold: ${q.gold.length}`, q.gold.map((g) => quoted(g.document, g.quote, "gold")), q.wrong.length));
  if (q.before) item.append(folded("The baseline's answer", [make("p", q.before.wrong.join(", ") || "right", { class: "meta" }), make("p", q.before.text, { class: "answer", dir: q.direction })]));
  return item;
}

function draw() {
  const found = questions.filter(passes);
  count.textContent = `${found.length} of ${questions.length} questions`;
  list.replaceChildren(...found.slice(0, shown).map(card));
  more.hidden = found.length <= shown;
}

form.addEventListener("input", () => { shown = PAGE; draw(); });
form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => { shown += PAGE; draw(); });
document.getElementById("print").addEventListener("click", () => window.print());
const slice = document.getElementById("slice");
function showSlice() { for (const row of document.querySelectorAll("tr[data-slice]")) row.hidden = row.dataset.slice !== slice.value; }
slice.addEventListener("input", showSlice);
showSlice();
draw();
