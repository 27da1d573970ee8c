"""Reads Word files (.docx): paragraphs and tables in order, headings by style, core properties.

It knows the body of the document; headers, footers, notes and comments are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.ingestion.cleaning import row
from assistant.ingestion.reading import Block, Limits, Reading, unpacked

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_W}p": "\n"}
_WRAPPERS = [f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml")]
_TEMPLATE = "2013-12-23"  # python-docx's own template was made then


def read(path: Path, limits: Limits) -> Reading:
    import docx

    document = docx.Document(unpacked(path, limits))
    levels, lists = _styles(document.styles.element)
    blocks: list[Block] = []
    for element in _body(document.element.body):
        if element.tag == f"{_W}tbl":
            rows = (row(map(_text, _own(line, "tc", "tr"))) for line in _own(element, "tr", "tbl"))
            blocks.append(Block("\n".join(filter(None, rows))))
            continue
        style = element.find(f"{_W}pPr/{_W}pStyle")
        name = style.get(f"{_W}val") if style is not None else ""
        outline = element.find(f"{_W}pPr/{_W}outlineLvl")
        level = levels.get(name, 0) if outline is None else _outline_level(outline)
        if level < 0:
            continue
        text = _text(element).strip()
        item = name in lists or element.find(f"{_W}pPr/{_W}numPr") is not None
        if item and text and not level:
            if blocks and blocks[-1].text.startswith("• "):
                blocks[-1] = Block(f"{blocks[-1].text}\n• {text}")
            else:
                blocks.append(Block(f"• {text}"))
        else:
            blocks.append(Block(text, level=level))
    return Reading(blocks, _properties(document.core_properties))


def _properties(core: Any) -> dict[str, Any]:
    created = core.created.date().isoformat() if core.created else ""
    weak = {"date": created, "date_from": "docx-properties"} if created and created != _TEMPLATE else {}
    return {"title": core.title or None, "language": core.language or None, **weak}


def _body(body: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, also those inside content controls."""
    waiting = [iter(body)]
    while waiting:
        for element in waiting[-1]:
            if element.tag in (f"{_W}p", f"{_W}tbl"):
                yield element
            elif element.tag in _WRAPPERS:
                waiting.append(iter(element))
                break
        else:
            waiting.pop()


def _own(parent: Any, name: str, nearest: str) -> Iterator[Any]:
    """Rows of a table, or cells of a row, without those of tables nested in it; content controls may wrap them."""
    return (e for e in parent.iter(f"{_W}{name}") if next(e.iterancestors(f"{_W}{nearest}"), None) is parent)


def _outline_level(element: Any) -> int:
    value = element.get(f"{_W}val", "9")
    return int(value) + 1 if value.isdigit() and int(value) < 6 else 0


def _styles(styles: Any) -> tuple[dict[str, int], set[str]]:
    """Heading levels by style id (-1 for lines of a table of contents), and the styles of list items.

    Word keeps built-in names in English whatever it shows ("Überschrift 1" is `heading 1`); a style made
    from another one has that one's level.
    """
    named = {style.get(f"{_W}styleId"): style for style in styles.iter(f"{_W}style")}
    levels: dict[str, int] = {}
    lists: set[str] = set()
    for key, style in named.items():
        current, seen = style, set()
        while current is not None and current.get(f"{_W}styleId") not in seen:
            own = current.get(f"{_W}styleId")
            seen.add(own)
            name = current.find(f"{_W}name")
            names = f"{own} / {name.get(f'{_W}val') if name is not None else ''}"
            outline = current.find(f"{_W}pPr/{_W}outlineLvl")
            if match := re.search(r"\bheading ?([1-6])\b", names, re.IGNORECASE):
                levels[key] = int(match[1])
            elif re.search(r"\btitle\b", names, re.IGNORECASE):
                levels[key] = 1
            elif re.search(r"\btoc ?\d\b", names, re.IGNORECASE):
                levels[key] = -1
            elif outline is not None:
                levels[key] = _outline_level(outline)
            elif re.search(r"\blist ?(bullet|number)", names, re.IGNORECASE):
                lists.add(key)
            else:
                base = current.find(f"{_W}basedOn")
                current = named.get(base.get(f"{_W}val")) if base is not None else None
                continue
            break
    return levels, lists


def _text(element: Any) -> str:
    """The text in a paragraph as it stands: insertions and text boxes with it, deletions without."""
    pieces: list[str] = []
    skipped = {inner for fallback in element.iter(_FALLBACK) for inner in fallback.iter()}
    for inner in element.iter():
        if inner in skipped:
            continue
        if inner.tag == f"{_W}t":
            pieces.append(inner.text or "")
        elif inner.tag in _BREAKS and inner.getparent().tag != f"{_W}tabs":
            pieces.append(_BREAKS[inner.tag])
    return "".join(pieces)
