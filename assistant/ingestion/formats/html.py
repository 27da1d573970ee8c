"""Reads web pages: the content a visitor sees, without navigation, and what the page's head says about it.

It knows elements, not stylesheets or scripts; nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from assistant.errors import ReadError
from assistant.ingestion.cleaning import row
from assistant.ingestion.formats.plain import decode
from assistant.ingestion.reading import Block, Limits, Reading

MAX_DEPTH = 256
_DROPPED = frozenset(
    "script style nav header footer aside form template noscript svg head iframe object math".split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    "address article blockquote body caption dd details dialog div dl dt fieldset figcaption figure h1 h2 h3 h4 h5 h6 "  # noqa: SIM905
    "hr html li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DECLARED = re.compile(rb"""<(?:meta\b[^>]*?charset|\?xml\b[^>]*?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_MAIN_SHARE = 0.4
_DATES = (
    "article:published_time", "citation_publication_date", "dc.date.issued", "dcterms.issued", "dc.date",
    "dcterms.date", "datepublished", "pubdate", "publishdate", "publish_date", "date",
)  # fmt: skip


def read(path: Path, limits: Limits) -> Reading:
    return reading_of(path.read_bytes())


def reading_of(data: bytes, charset: str = "") -> Reading:
    """The blocks and metadata of a page. Raises ReadError (reason "too-deep") beyond 256 levels."""
    declared = _DECLARED.search(data[:4096])
    text = decode(data, charset or (declared[1].decode("ascii") if declared else ""))
    root = _parsed(text)
    if root is None:
        return Reading([])
    metadata = _metadata(root)
    _drop_unseen(root)
    return Reading(_blocks(_content(root)), metadata)


def _parsed(text: str) -> Any:
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        data = re.sub("[\x00\ud800-\udfff]", "", text).encode()
        root = lxml_html.document_fromstring(data, parser=parser)
    except etree.ParserError:  # nothing but comments or white space
        return None
    # libxml2 stops by itself at its own depth and keeps what it has, which would be a page cut off in silence.
    if any("depth" in entry.message for entry in parser.error_log) or _depth(root) > MAX_DEPTH:
        raise ReadError(f"elements nested more than {MAX_DEPTH} deep", reason="too-deep", fix="save the text alone")
    return root


def _depth(root: Any) -> int:
    depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _hidden(element: Any) -> bool:
    style = "".join(element.get("style", "").split()).lower()
    hidden = "hidden" in element.attrib or element.get("aria-hidden") == "true"
    return hidden or "display:none" in style or "visibility:hidden" in style


def _drop_unseen(root: Any) -> None:
    unseen = []
    for element in root.iter(etree.Element):
        # An article's own header holds its headline.
        headline = element.tag == "header" and any(True for _ in element.iterancestors("article", "main"))
        if (element.tag in _DROPPED and not headline) or (_hidden(element) and element.tag not in ("html", "body")):
            unseen.append(element)
    for element in unseen:
        if element.getparent() is not None:
            element.drop_tree()


def _content(root: Any) -> Any:
    """The main part of the page if it holds enough of the text, else all of it."""

    def size(element: Any) -> int:
        return sum(len(text.strip()) for text in element.itertext())

    parts = [(size(part), part) for part in root.iter("main", "article")]
    parts += [(size(part), part) for part in root.xpath("//*[@role='main']")]
    best = max(parts, key=lambda part: part[0], default=(0, None))
    return best[1] if best[1] is not None and best[0] >= _MAIN_SHARE * size(root) else root


def _blocks(root: Any) -> list[Block]:
    """Headings and paragraphs in order; the items of a list and the rows of a table are lines of one block."""
    found: list[tuple[str, str, int]] = []  # kind, text, level
    buffer: list[str] = []
    preformatted = 0
    mark = ""

    def add(text: str | None) -> None:
        if text:
            buffer.append(text if preformatted else re.sub(r"[ \t\n\r\f]+", " ", text))

    def flush(level: int = 0) -> None:
        nonlocal mark
        text = "\n".join(line.strip() for line in "".join(buffer).split("\n")).strip()
        buffer.clear()
        if text:
            found.append(("li" if mark else "", mark + text, level))
            mark = ""

    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            if tag in _BLOCKS:
                flush()
            if tag == "table" and _is_data(element):
                found.extend(("tr", line, 0) for line in _rows(element))
                walk.skip_subtree()
                continue
            preformatted += tag == "pre"
            mark = "• " if tag == "li" else "" if tag in _HEADINGS else mark
            if tag == "br":
                buffer.append("\n")
            add(element.text)
        else:
            if tag in _BLOCKS:
                flush(_HEADINGS.get(tag, 0))
            preformatted -= tag == "pre"
            mark = "" if tag == "li" else mark
            if element is not root:
                add(element.tail)
    flush()
    return list(_merged(found))


def _merged(found: list[tuple[str, str, int]]) -> Iterator[Block]:
    lines: list[str] = []
    kind = ""
    for next_kind, text, level in [*found, ("", "", 0)]:
        if lines and next_kind != kind:
            yield Block("\n".join(lines))
            lines = []
        kind = next_kind
        if kind:
            lines.append(text)
        elif text:
            yield Block(text, level=level)


def _is_data(table: Any) -> bool:
    """False for a table that lays out a page: one with tables or headings inside, or with a single column."""
    if any(True for inner in table.iter("table", *_HEADINGS) if inner is not table):
        return False
    return any(sum(1 for _ in line.iterchildren("td", "th")) > 1 for line in table.iter("tr"))


def _rows(table: Any) -> Iterator[str]:
    for caption in table.iter("caption"):
        yield " ".join(caption.itertext())
    for line in table.iter("tr"):
        if text := row(" ".join(block.text for block in _blocks(cell)) for cell in line.iterchildren("td", "th")):
            yield text


# --- metadata ------------------------------------------------------------------------------------------------------


def _metadata(root: Any) -> dict[str, Any]:
    meta: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if element.get("content", "").strip():
            meta.setdefault(name.lower(), element.get("content").strip())
    linked = _linked_data(root)
    title = next((" ".join(element.itertext()) for element in root.iter("title")), "")
    links = [link.get("href", "") for link in root.iter("link") if link.get("rel", "").lower() == "canonical"]
    links = [url for url in (*links, meta.get("og:url", "")) if url.startswith(("http://", "https://"))]
    publishers = (meta.get("og:site_name"), linked.get("publisher"), meta.get("dc.publisher"), meta.get("publisher"))
    found = {
        "title": meta.get("og:title") or title.strip(),
        "language": root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or root.get("xml:lang"),
        "date": meta.get(_DATES[0]) or linked.get("date") or next((meta[name] for name in _DATES if name in meta), ""),
        "publisher": next(filter(None, publishers), ""),
        "source": next(iter(links), ""),
    }
    return {key: value for key, value in found.items() if value}


def _linked_data(root: Any) -> dict[str, str]:
    """The first publication date and publisher in the page's JSON-LD."""
    found: dict[str, str] = {}
    waiting: list[Any] = []
    for script in root.iter("script"):
        if "ld+json" in script.get("type", ""):
            try:
                waiting.append(json.loads(script.text or ""))
            except (ValueError, RecursionError):
                continue
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            publisher = item.get("publisher")
            publisher = publisher.get("name") if isinstance(publisher, dict) else publisher
            for key, value in (("date", item.get("datePublished")), ("publisher", publisher)):
                if isinstance(value, str) and value:
                    found.setdefault(key, value)
            waiting.extend(value for value in item.values() if isinstance(value, (list, dict)))
    return found
