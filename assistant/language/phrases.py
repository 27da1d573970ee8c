"""Phrases of language packs in folded texts: whole words where a script parts words, anywhere where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assistant.language.lexical import fold
from assistant.language.scripts import is_unspaced

Span = tuple[int, int]


def folded(text: str) -> str:
    """A text as phrases are looked for in it: folded, its white space single."""
    return " ".join(fold(text).split())


def spans_of(text: str, phrase: str) -> Iterator[Span]:
    """Where a folded phrase stands whole in a folded text."""
    position = text.find(phrase) if phrase else -1
    while position >= 0:
        end = position + len(phrase)
        if _whole(text, position, end):
            yield position, end
        position = text.find(phrase, position + 1)


def all_phrases(text: str, phrases: Iterable[str]) -> list[Span]:
    """Where any of the phrases stands, in order; of overlapping ones the longest."""
    found: list[Span] = []
    for start, end in sorted((span for phrase in phrases for span in spans_of(text, fold(phrase))), key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= a or b <= start for a, b in found):
            found.append((start, end))
    return sorted(found)


def first_phrase(text: str, phrases: Iterable[str]) -> Span | None:
    """The first of them in the text."""
    return next(iter(all_phrases(text, phrases)), None)


def _whole(text: str, start: int, end: int) -> bool:
    def joined(left: str, right: str) -> bool:
        return left.isalnum() and right.isalnum() and not is_unspaced(left) and not is_unspaced(right)

    return not ((start and joined(text[start - 1], text[start])) or (end < len(text) and joined(text[end - 1], text[end])))
