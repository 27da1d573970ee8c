"""An Answer as safe HTML: document text as text, links only to http(s) sources, nothing else from outside.

It knows answers and packs; it knows nothing of Gradio or HTTP.
"""

from __future__ import annotations

import html
import re
from collections.abc import Container
from dataclasses import replace
from urllib.parse import urlsplit

from assistant.answering.citations import quotes_in
from assistant.answering.values import emphasised
from assistant.language.dates import write_date
from assistant.language.packs import FALLBACK, Pack, codes, pack_or_english
from assistant.schema import Answer, Chunk, Citation

_TABLE = re.compile(r"\| .* \|\n\| ---(?: \| ---)* \|(?:\n\| .* \|)*")
_MARKER = re.compile(r" \[(\d{1,3})\]$")


def preferred(accept_language: str) -> str:
    """The first language of an Accept-Language header that has a pack.

    >>> preferred("nl, de-AT;q=0.8, en;q=0.5")
    'de'
    """
    ranked: list[tuple[float, int, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, rest = part.strip().partition(";")
        quality = re.search(r"q=([01](?:\.\d{0,3})?)", rest)
        ranked.append((-(float(quality.group(1)) if quality else 1.0), len(ranked), tag.split("-")[0].lower()))
    return next((code for _, _, code in sorted(ranked) if code in codes()), FALLBACK)


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


def finished_html(answer: Answer) -> str:
    """The whole answer as HTML: each quote in one piece, what was asked for emphasised, its citations' numbers linked and no others."""
    if any(mark in answer.text for mark in (_STRONG, _PLAIN, _BREAK)):
        return answer_html(answer.text, answer.language)
    text = answer.text
    for citation, end in quotes_in(answer):
        text = text[: end - len(citation.quote)] + citation.quote.replace("\n", _BREAK) + text[end:]
    joined = replace(answer, text=text, citations=tuple(replace(c, quote=c.quote.replace("\n", _BREAK)) for c in answer.citations))
    shown = answer_html(emphasised(joined, _STRONG, _PLAIN), answer.language, {citation.number for citation in answer.citations})
    return shown.replace(_BREAK, "<br>").replace(_STRONG, "<strong>").replace(_PLAIN, "</strong>")


def answer_html(text: str, language: str, numbers: Container[int] | None = None) -> str:
    """The answer's text, or the part of it that has arrived, as HTML: lead-ins, quotes with their numbers, notes, tables.

    Only `numbers` are linked to their sources; any, while they are not known.
    """
    direction = pack_or_english(language).direction
    blocks = []
    for paragraph in text.split("\n\n"):
        if _TABLE.fullmatch(paragraph):
            blocks.append(_table([line[2:-2].split(" | ") for line in paragraph.split("\n")]))
            continue
        lines = []
        for line in paragraph.split("\n"):
            marker = _MARKER.search(line)
            if marker and (numbers is None or int(marker[1]) in numbers):
                body = _text(line[: marker.start()])
                lines.append(f'<span class="quote">{body} {_link(marker.group(1))}</span>')
            else:
                lines.append(_text(line))
        blocks.append(f'<p>{"<br>".join(lines)}</p>')
    return f'<div class="answer" dir="{direction}" lang="{html.escape(language, quote=True)}">{"".join(blocks)}</div>'


def _link(number: str) -> str:
    return f'<a class="cite" href="#source-{number}" target="_self">{number}</a>'


def _table(rows: list[list[str]]) -> str:
    """A table's lines as their cells: the heads, a line of dashes, the rows."""

    def cell(text: str) -> str:
        marker = _MARKER.fullmatch(f" {text}")
        return _link(marker.group(1)) if marker else _text(text)

    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell(text)}</td>' for text in row)}</tr>" for row in rows[2:])
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
