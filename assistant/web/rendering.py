"""An Answer as safe HTML: document text as text, links only to http(s) sources, nothing else from outside.

It knows answers and packs; it knows nothing of Gradio or HTTP.
"""

from __future__ import annotations

import html
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from assistant.answering.citations import quotes_in
from assistant.answering.values import emphasised
from assistant.language.dates import write_date
from assistant.language.packs import FALLBACK, Pack, codes, pack_or_english
from assistant.schema import Answer, Chunk, Citation

_TABLE = re.compile(r"\| .* \|\n\| ---(?: \| ---)* \|(?:\n\| .* \|)*")
_MARKER = re.compile(r" \[(\d{1,3})\]$")


def preferred(accept_language: str, among: Sequence[str] = ()) -> str:
    """The first language of an Accept-Language header that is `among` these, the first of which stands in for all others; by default
    those that have a pack, and English.

    >>> preferred("nl, de-AT;q=0.8, en;q=0.5")
    'de'
    """
    ranked: list[tuple[float, int, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, rest = part.strip().partition(";")
        quality = re.search(r"q=([01](?:\.\d{0,3})?)", rest)
        ranked.append((-(float(quality.group(1)) if quality else 1.0), len(ranked), tag.split("-")[0].lower()))
    known = among or codes()
    return next((code for _, _, code in sorted(ranked) if code in known), among[0] if among else FALLBACK)


def safe_link(url: str) -> str:
    """The URL when it is a plain http or https address; empty otherwise."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc and not re.search(r"[\s<>\"']", url) else ""


def _text(value: str) -> str:
    """Text as HTML that Markdown leaves alone: entities for every character that either would read."""
    return re.sub(r"[\\`*_{}\[\]()#+\-.!|~$&<>\"'=:/@^]", lambda m: f"&#{ord(m.group())};", value).replace("\n", "<br>")


def asked_text(question: str) -> str:
    """A question as the chat shows it and lets it be edited: text, of which Markdown makes neither markup nor an image."""
    return html.escape(question, quote=False).replace("![", "!&#91;")


# Characters of no script, which stand in no text that is shown: about what is emphasised, and for a quote's own line breaks.
_STRONG, _PLAIN, _BREAK = "\ue000", "\ue001", "\ue002"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a line, emphasised where it was asked for; or, where `cite` is one, the number of a citation."""

    text: str = ""
    strong: bool = False
    cite: int = 0


Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph's `lines`; or a table, whose `heads` are texts and whose `rows` have a line in each cell."""

    lines: tuple[Line, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = ()


def blocks_of(answer: Answer) -> tuple[Block, ...]:
    """The whole answer as it is shown: each quote in one line, what was asked for emphasised, its citations' numbers and no others."""
    if any(mark in answer.text for mark in (_STRONG, _PLAIN, _BREAK)):
        return _blocks(answer.text, None)
    text = answer.text
    for citation, end in quotes_in(answer):
        text = text[: end - len(citation.quote)] + citation.quote.replace("\n", _BREAK) + text[end:]
    joined = replace(answer, text=text, citations=tuple(replace(c, quote=c.quote.replace("\n", _BREAK)) for c in answer.citations))
    # A quote may itself end in a number in brackets, which is none of ours; a model's sentence does not.
    single = answer.mode != "generated"
    return _blocks(emphasised(joined, _STRONG, _PLAIN), {citation.number for citation in answer.citations}, single=single)


def _blocks(text: str, numbers: Container[int] | None, *, single: bool = True) -> tuple[Block, ...]:
    found = []
    for paragraph in text.split("\n\n"):
        if _TABLE.fullmatch(paragraph):
            heads, _, *rows = [line[2:-2].split(" | ") for line in paragraph.split("\n")]
            found.append(Block(heads=tuple(heads), rows=tuple(tuple(_line(f" {cell}", numbers, single=True, cell=True) for cell in row) for row in rows)))
        else:
            found.append(Block(lines=tuple(_line(line, numbers, single=single) for line in paragraph.split("\n"))))
    return tuple(found)


def _line(line: str, numbers: Container[int] | None, *, single: bool, cell: bool = False) -> Line:
    """A line's text and the numbers it ends in: the last, or all of them."""
    cited: list[Piece] = []
    while (marker := _MARKER.search(line)) and (numbers is None or int(marker[1]) in numbers) and not (cited and single) and (not cell or not marker.start()):
        cited.insert(0, Piece(cite=int(marker[1])))
        line = line[: marker.start()]
    pieces = [Piece(part, strong=bool(place % 2)) for place, part in enumerate(re.split(f"{_STRONG}(.*?){_PLAIN}", line.removeprefix(" ") if cell else line)) if part]
    return (*(replace(piece, text=piece.text.replace(_BREAK, "\n")) for piece in pieces), *cited)


def finished_html(answer: Answer) -> str:
    """The whole answer as HTML."""
    return _html(blocks_of(answer), answer.language)


def answer_html(text: str, language: str) -> str:
    """The part of an answer's text that has arrived as HTML, whatever looks like a citation's number linked."""
    return _html(_blocks(text, None), language)


def _html(blocks: Sequence[Block], language: str) -> str:
    direction = pack_or_english(language).direction
    body = "".join(_table(block) if block.heads else f"<p>{'<br>'.join(map(_line_html, block.lines))}</p>" for block in blocks)
    return f'<div class="answer" dir="{direction}" lang="{html.escape(language, quote=True)}">{body}</div>'


def _line_html(line: Line) -> str:
    said = "".join(f"<strong>{_text(piece.text)}</strong>" if piece.strong else _text(piece.text) for piece in line if not piece.cite)
    links = " ".join(f'<a class="cite" href="#source-{piece.cite}" target="_self">{piece.cite}</a>' for piece in line if piece.cite)
    if not links:
        return said
    return f'<span class="quote">{said} {links}</span>' if said else links


def _table(block: Block) -> str:
    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in block.heads)
    body = "".join(f"<tr>{''.join(f'<td>{_line_html(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
    return f'<div class="rows"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def sources_html(answer: Answer | None, language: str) -> str:
    """The passages an answer rests on, their quotes marked; for a refusal the nearest passages, unmarked."""
    words = pack_or_english(language)
    if answer is None:
        return f'<p class="empty">{html.escape(words.interface["no_sources"])}</p>'
    if answer.citations:
        cards = [_card(words, c.title, c.language, c.date, c.page, c.heading, c.source, _marked(c), c.number) for c in answer.citations]
        heading = words.interface["sources"]
    else:
        cards = [_passage_card(words, p.chunk) for p in answer.passages[:5]]
        heading = words.interface["nearest"] if cards else words.interface["sources"]
    return f'<h2>{html.escape(heading)}</h2><ol class="sources">{"".join(cards)}</ol>'


def _passage_card(words: Pack, chunk: Chunk) -> str:
    body = html.escape(chunk.text) if chunk.text else html.escape(words.answers["link_only"])
    return _card(words, chunk.title, chunk.language, chunk.date, chunk.page, chunk.heading, chunk.source, body, None)


def _marked(citation: Citation) -> str:
    before, quote, after = citation.passage.partition(citation.quote)
    return f"{html.escape(before)}<mark>{html.escape(quote)}</mark>{html.escape(after)}"


def _card(words: Pack, title: str, language: str, date: str, page: int | None, heading: str, source: str, body: str, number: int | None) -> str:
    facts = [words.language_name(language), write_date(date, words.code) if date else words.interface["undated"]]
    if page:
        facts.append(words.interface["page"].format(page=page))
    if heading:
        facts.append(heading)
    link = safe_link(source)
    anchor = f' id="source-{number}"' if number else ""
    badge = f'<span class="number">{number}</span>' if number else ""
    opening = html.escape(words.interface["open_source"])
    original = f'<a href="{html.escape(link, quote=True)}" target="_blank" rel="noopener noreferrer nofollow">{opening} ↗</a>' if link else ""
    direction = pack_or_english(language).direction
    return (
        f'<li{anchor}>{badge}<div><h3 lang="{html.escape(language, quote=True)}" dir="auto">{html.escape(title)}</h3>'
        f'<p class="facts">{" · ".join(map(html.escape, facts))}</p>'
        f'<blockquote lang="{html.escape(language, quote=True)}" dir="{direction}">{body}</blockquote>{original}</div></li>'
    )
