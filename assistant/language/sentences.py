"""Sentence boundaries in every script, by rules whose words come from the language packs.

It knows marks, abbreviations and ordinals; it knows nothing of passages. Compared with sentencex in
docs/decisions/003-sentences.md.
"""

from __future__ import annotations

import re
from functools import cache

from assistant.language.packs import FALLBACK, codes, pack
from assistant.language.scripts import THAI, is_unspaced

# Marks that end a sentence wherever they stand: full-width, Arabic, Devanagari, Armenian, Ethiopic, Khmer, Burmese.
_ALWAYS = "。！？｡؟۔।॥։።។၊။"
_CLOSERS = "\"'”’»›）)］\\]」』】》〉"
_CANDIDATE = re.compile(rf"[{_ALWAYS}…]+[!?{_ALWAYS}…]*[{_CLOSERS}]*|[.!?]+[{_CLOSERS}]*(?=\s|$|[{_CLOSERS}])|\n+")
# After a quoted sentence these carry the sentence on: 「…。」と述べた, “…。”的
_CARRY_ON = "とのはをがにでもや的地得"
_BULLET = re.compile(r"\s*(?:[-•*·◦▪‣–]\s|\(?\d{1,3}[.)]\s|[a-z]\)\s|[①-⑳])")
_THAI_SPACE = re.compile(rf"(?<=[{THAI}])[ ]+(?=[{THAI}])")
_CLAUSE = re.compile(r"[;,:、，；：]\s*|\s+")
_WORD_BEFORE = re.compile(r"[^\s(\[„“\"'«‹/|]+$")
_THAI_MINIMUM = 60
LONGEST = 1200


@cache
def _abbreviations(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """Abbreviations of the language and of English: single words, and ones of several words ("z. b.")."""
    known = set(pack(FALLBACK).abbreviations)
    if language in codes():
        known |= pack(language).abbreviations
    return frozenset(a for a in known if " " not in a), frozenset(a for a in known if " " in a)


def sentences(text: str, language: str = FALLBACK) -> list[tuple[int, int]]:
    """Spans of the sentences of a text, in order, without surrounding space; together they hold all its words.

    A line break ends a sentence where the line is a heading, list item or table row, not where prose was
    wrapped. A run without any end longer than 1,200 characters is cut at a clause mark or space, so that no
    sentence is unbounded.
    """
    cuts: list[int] = []
    ordinal = language in codes() and pack(language).ordinal_dot
    for match in _CANDIDATE.finditer(text):
        mark = match.group()
        if mark[0] == "\n":
            if _line_ends_sentence(text, match.start(), match.end()):
                cuts.append(match.end())
        elif mark[0] in _ALWAYS or (mark[0] == "…" and _starts_anew(text, match.end())):
            quoted = mark[-1] in _CLOSERS
            if not (quoted and match.end() < len(text) and text[match.end()] in _CARRY_ON):
                cuts.append(match.end())
        elif mark[0] in ".!?" and not _goes_on(text, match, language, ordinal):
            cuts.append(match.end())
    spans: list[tuple[int, int]] = []
    start = 0
    for cut in (*cuts, len(text)):
        if cut > start:
            spans.extend(_pieces(text, start, cut))
            start = cut
    return spans


def _starts_anew(text: str, position: int) -> bool:
    rest = text[position : position + 3].lstrip()
    return not rest or not rest[0].islower()


def _goes_on(text: str, match: re.Match[str], language: str, ordinal: bool) -> bool:
    """True when . ! ? does not end a sentence: an abbreviation, an initial, an ordinal, or a small letter after it."""
    if "\n" not in text[match.end() : match.end() + 2] and not _starts_anew(text, match.end()):
        return True
    if match.group()[0] != "." or len(match.group().rstrip(_CLOSERS)) > 1:
        return False
    found = _WORD_BEFORE.search(text, max(0, match.start() - 40), match.start())
    if not found:
        return False
    word = found.group().casefold() + "."
    single, several = _abbreviations(language)
    if word in single or any(text[max(0, match.start() + 1 - len(a)) : match.start() + 1].casefold() == a for a in several):
        return match.end() < len(text.rstrip())
    bare = word[:-1]
    if len(bare) == 1 and bare.isalpha() and found.group().isupper():
        return True
    return ordinal and bare.isdigit() and len(bare) <= 2


def _line_ends_sentence(text: str, start: int, end: int) -> bool:
    if end - start > 1 or end >= len(text):
        return True
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line, following = text[line_start:start], text[end : line_end if line_end >= 0 else len(text)]
    if " | " in line or " | " in following or _BULLET.match(following):
        return True
    wide = sum(1 for c in line if is_unspaced(c)) * 2 > len(line)
    if len(line) < (24 if wide else 48):
        return True
    # Wrapped prose: the line is long and the next one carries on with a small letter, digit or unspaced script.
    first = following.lstrip()[:1]
    return not (first.islower() or first.isdigit() or (first and is_unspaced(first)) or first in "(（«„“\"'")


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    cut = start
    for space in _THAI_SPACE.finditer(text, start, end):
        if space.start() - cut >= _THAI_MINIMUM:
            found.append((cut, space.end()))
            cut = space.end()
    found.append((cut, end))
    spans: list[tuple[int, int]] = []
    for piece_start, piece_end in found:
        while piece_end - piece_start > LONGEST:
            marks = [m.end() for m in _CLAUSE.finditer(text, piece_start + LONGEST // 2, piece_start + LONGEST)]
            middle = marks[-1] if marks else piece_start + LONGEST
            spans.append((piece_start, middle))
            piece_start = middle
        spans.append((piece_start, piece_end))
    return [span for span in (_strip(text, *s) for s in spans) if span[1] > span[0]]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
