"""Units: what an answer may quote of a passage: a sentence, a list with what opens it, a row of a table.

It knows passages; nothing of questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.language.sentences import sentences
from assistant.schema import Chunk, ScoredChunk

_LIST_ITEM = re.compile(r"\s*(?:[-•*·▪]|\d{1,2}[.)])\s")
_OPENS_LIST = (":", "：")
_LONGEST_LIST = 900
# A small table is quoted whole: its rows say nothing without their header.
ROW = " | "
_LONGEST_TABLE = 500


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` is weighed; `text[first:last]` is what is quoted with it. `header` is the first row of a row's table."""

    start: int
    end: int
    first: int
    last: int
    header: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A span of a passage that was found at `rank`."""

    chunk: Chunk
    rank: int
    span: Span

    @property
    def text(self) -> str:
        return self.chunk.text[self.span.start : self.span.end]

    @property
    def quote(self) -> str:
        return self.chunk.text[self.span.first : self.span.last]


def units_of(passages: Sequence[ScoredChunk]) -> list[Unit]:
    """Every unit of the passages, in their order."""
    return [Unit(scored.chunk, scored.rank, span) for scored in passages for span in spans(scored.chunk.text, scored.chunk.language)]


@lru_cache(maxsize=8192)
def spans(text: str, language: str) -> tuple[Span, ...]:
    """The units of a text, in order; they do not overlap. Kept, since the same passages answer many questions."""
    return tuple(_spans(text, [span for span in sentences(text, language) if text[span[0] : span[1]].strip()]))


def _spans(text: str, found: Sequence[tuple[int, int]]) -> Iterator[Span]:
    place = 0
    while place < len(found):
        start, end = found[place]
        after = place + 1
        if ROW in text[start:end]:
            while after < len(found) and ROW in text[found[after][0] : found[after][1]] and "\n\n" not in text[found[after - 1][1] : found[after][0]]:
                after += 1
            yield from _rows(text, start, found[after - 1][1])
        elif text[start:end].endswith(_OPENS_LIST):
            while after < len(found) and _LIST_ITEM.match(text, found[after][0]) and found[after][1] - start <= _LONGEST_LIST:
                after += 1
            yield Span(start, found[after - 1][1], start, found[after - 1][1])
        else:
            yield Span(start, end, start, end)
        place = after


def _rows(text: str, start: int, end: int) -> Iterator[Span]:
    """A table's rows; of a small one each is quoted with the whole table."""
    rows = [(match.start() + start, match.end() + start) for match in re.finditer(r"[^\n]+", text[start:end])]
    whole = end - start <= _LONGEST_TABLE
    header = text[rows[0][0] : rows[0][1]]
    if len(rows) == 1:
        yield Span(start, end, start, end)
        return
    for first, last in rows[1:]:
        yield Span(first, last, *((start, end) if whole else (first, last)), header)
