"""Sentence boundaries in every script, by rules whose words come from the language packs.

It knows marks, abbreviations and ordinals; it knows nothing of passages. Compared with sentencex in
docs/decisions/003-sentences.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from assistant.language.packs import FALLBACK, codes, pack, packs
from assistant.language.scripts import HAN, HIRAGANA, KATAKANA, THAI, is_unspaced

# Marks of scripts whose languages have no pack yet: Devanagari, Armenian, Ethiopic, Khmer, Burmese.
_WITHOUT_PACK = "।॥։።។၊။"
# “ and « close where a language opens with „ and »; French puts a space before its ».
_CLOSERS = "\"'”’“‘»«›‹）)］\\]」』】》〉"
_CLOSING = rf"(?:[ \u00a0\u202f]?»(?=\s|$)|[{_CLOSERS}])*"
# After a quoted sentence these carry the sentence on: 「…。」と述べた, “…。”的, “…”、
_CARRY_ON = ("と", "の", "は", "を", "が", "に", "で", "も", "や", "など", "って", "から", "より", "まで", "的", "地", "得", "、", "，")
# A year, month and day with a dot and a space after each is one date ("2024. 5. 9.", as Korean writes it).
_DOTTED_DATE = re.compile(r"(?<!\d)\d{4}\.\s?\d{1,2}\.\s?\d{1,2}\.")
_NUMBERED = re.compile(r"\s*\(?(?:\d{1,3}|[ivxIVX]{1,4}|[A-Za-z])")
_NEXT_WORD = re.compile(r"\s*[^\w\s]*([^\W\d_]+)(?!\w|\.)")
_LAST_WORD = re.compile(r"[^\W\d_]+$")
_MORE = re.compile(r"\S")
_BULLET = re.compile(r"\s*(?:[-•*·◦▪‣–]\s|\(?\d{1,3}[.)]\s|[a-z]\)\s|[①-⑳])")
_THAI_SPACE = re.compile(rf"(?<=[{THAI}])[ ]+(?=[{THAI}])")
_CLAUSE = re.compile(r"[;,:、，；：]\s*|\s+")
_THAI_LETTER = re.compile(rf"[{THAI}]")
_THAI_MINIMUM = 60
LONGEST = 1200


@dataclass(frozen=True, slots=True)
class _Marks:
    """What ends a sentence in any text: `full` marks wherever they stand, `candidate` also . ! ? before a space and
    line breaks; `word_before` is the word that a dot belongs to.
    """

    full: str
    candidate: re.Pattern[str]
    word_before: re.Pattern[str]


@cache
def _marks() -> _Marks:
    """The packs' marks are those of one script each, so all of them end sentences in every language's texts."""
    always = "".join(dict.fromkeys(mark for item in packs() for mark in item.sentence_ends)) + _WITHOUT_PACK
    wide = HAN + HIRAGANA + KATAKANA
    return _Marks(
        always + "．",
        re.compile(rf"(?:[{always}…][!?{always}…]*{_CLOSING})+|(?<=[{wide}）」』])．[{_CLOSERS}]*|[.!?]+{_CLOSING}(?=\s|$)|\n+"),
        re.compile(rf"[^\s(（\[„“‚‘’\"'«»‹/|{always}{wide}]+$"),
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """A language's words that tell a boundary, English abbreviations among them. `several` finds those with spaces."""

    abbreviations: frozenset[str]
    final: frozenset[str]
    several: re.Pattern[str]
    stopwords: frozenset[str]
    ordinal_dot: bool


@cache
def _words(language: str) -> _Words:
    items = [pack(code) for code in (FALLBACK, language) if code in codes()]
    known = {a for item in items for a in item.abbreviations | item.final_abbreviations}
    several = sorted((a for a in known if " " in a), key=len, reverse=True)
    own = pack(language) if language in codes() else None
    return _Words(
        frozenset(known),
        frozenset(a for item in items for a in item.final_abbreviations),
        re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(a).replace(chr(92) + ' ', chr(92) + 's?') for a in several)})", re.IGNORECASE),
        own.stopwords if own else frozenset(),
        own.ordinal_dot if own else False,
    )


def _inside(text: str, words: _Words) -> dict[int, str]:
    """Dots inside dates and abbreviations of several words, by position: "" inside, the abbreviation at its last."""
    dots: dict[int, str] = {}
    for match in _DOTTED_DATE.finditer(text):
        dots.update((i, "") for i in range(match.start(), match.end()) if text[i] == ".")
    for match in words.several.finditer(text):
        dots.update((i, "") for i in range(match.start(), match.end() - 1) if text[i] == ".")
        dots[match.end() - 1] = " ".join(match.group().casefold().replace(".", ". ").split())
    return dots


def sentences(text: str, language: str = FALLBACK) -> list[tuple[int, int]]:
    """Spans of the sentences of a text, in order, without surrounding space; together they hold all its words.

    A line break ends a sentence where the line is a heading, list item or table row, not where prose was
    wrapped. A run without any end longer than 1,200 characters is cut at a clause mark or space, so that no
    sentence is unbounded.
    """
    cuts: list[int] = []
    marks, words = _marks(), _words(language)
    inside = _inside(text, words)
    for match in marks.candidate.finditer(text):
        mark = match.group()
        if mark[0] == "\n":
            if _line_ends_sentence(text, match.start(), match.end(), words):
                cuts.append(match.end())
        elif any(character in marks.full for character in mark):
            quoted = mark[-1] in _CLOSERS
            if not (quoted and text.startswith(_CARRY_ON, match.end())):
                cuts.append(match.end())
        elif mark[0] == "…":
            # Between letters of an unspaced script dots only pause: しかし……まだ
            if not text[match.end() : match.end() + 1].strip() and _starts_anew(text, match.end(), mark):
                cuts.append(match.end())
        elif not _goes_on(text, match, words, inside):
            cuts.append(match.end())
    spans: list[tuple[int, int]] = []
    start = 0
    for cut in (*cuts, len(text)):
        if cut > start:
            spans.extend(_pieces(text, start, cut))
            start = cut
    return spans


def _starts_anew(text: str, position: int, mark: str) -> bool:
    rest = text[position : position + 6].lstrip()
    if mark[-1] in _CLOSERS and rest[:1] in tuple("—–-"):
        # «…?» — спросили: a dash behind a quote leads back to who said it.
        rest = rest[1:].lstrip()
    return not rest or not rest[0].islower()


def _goes_on(text: str, match: re.Match[str], words: _Words, inside: Mapping[int, str]) -> bool:
    """True when . ! ? does not end a sentence: an abbreviation, an initial, an ordinal, or a small letter after it."""
    mark, start, end = match.group(), match.start(), match.end()
    if "\n" not in text[end : end + 2] and not _starts_anew(text, end, mark):
        return True
    if mark[0] != "." or len(mark.rstrip(_CLOSERS + " \u00a0\u202f")) > 1 or not _MORE.search(text, end):
        return False
    if start in inside and not inside[start]:
        return True
    found = _marks().word_before.search(text, max(0, start - 40), start)
    if not found:
        return False
    bare = found.group().casefold()
    word = inside.get(start) or f"{bare}."
    if word in words.abbreviations:
        return word not in words.final or not _opens_with_stopword(text, end, words)
    line_start = text.rfind("\n", max(0, start - 8), start) + 1
    if (line_start or start <= 8) and _NUMBERED.fullmatch(text, line_start, start):
        return True
    if len(bare) == 1 and bare.isalpha() and found.group().isupper():
        return True
    if _THAI_LETTER.match(bare[-1]):
        # Thai writes a full stop in abbreviations only.
        return True
    return words.ordinal_dot and bare.isdigit() and len(bare) <= 2 and not _opens_with_stopword(text, end, words)


def _opens_with_stopword(text: str, position: int, words: _Words) -> bool:
    """True when a capitalised function word follows: after "usw." or "Phase 2." it opens a sentence."""
    following = _NEXT_WORD.match(text, position)
    return following is not None and following[1][0].isupper() and following[1].casefold() in words.stopwords


def _line_ends_sentence(text: str, start: int, end: int, words: _Words) -> bool:
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
    # Wrapped prose: the line is long, and it breaks off at a comma or function word, or the next one carries on with a
    # small letter, digit or unspaced script.
    last = _LAST_WORD.search(line)
    if line.endswith((",", "،")) or (last and last.group() in words.stopwords):
        return False
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
