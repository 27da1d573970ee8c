"""An Answer as blocks of text that a page draws, links that may be shown, and the language that a reader wants.

It knows answers and packs; it knows nothing of HTML or HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from assistant.answering.citations import quotes_in
from assistant.answering.values import emphasised
from assistant.language.packs import FALLBACK, codes
from assistant.schema import Answer

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
