"""Lexical tokens that treat scripts alike, and the folding under which spellings meet.

Words for spaced scripts; overlapping bigrams (a single character where a run is one long) for Han, kana,
Hangul, Thai, Lao, Burmese and Khmer; a script change ends a word. It knows nothing of indexes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache

from assistant.language import scripts

_TOKEN = re.compile(
    r"(?P<number>[0-9]+(?:[.,][0-9]+)*)|"
    + "|".join(f"(?P<{name}>[{chars}]+)" for name, chars in {**scripts.UNSPACED, **scripts.SPACED}.items())
    + r"|(?P<rest>[^\W\d_]+|\d+)"
)
# A character and what may compose with it: combining marks, half-width voicing marks, the jamo of one syllable.
_COMPOSED = re.compile(r"[\u1100-\u115f][\u1160-\u11a7]?[\u11a8-\u11ff]?[\u0300-\u036f]*|(?s:.)[\u0300-\u036f\u0653-\u0655\u3099\u309a\uff9e\uff9f\u11a8-\u11ff]*")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
# "ue" for ü: only between a consonant (not q) and a consonant, so that "neue", "queue" and "true" stay.
_UMLAUT_DIGRAPH = re.compile(r"(?<=[b-df-hj-npr-tv-z])([aou])e(?=[b-df-hj-np-tv-z])|^([aou])e(?=[b-df-hj-np-tv-z])")
_LATIN_LETTERS = {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
_ARABIC_FORMS = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": "", "ک": "ك", "ی": "ي"}


@cache
def _folding() -> dict[int, str]:
    """Character -> folded form: Latin without diacritics, one form per Han character, plain Arabic and ё."""
    table: dict[int, str] = {ord(c): f for c, f in {**_LATIN_LETTERS, **_ARABIC_FORMS, "ё": "е"}.items()}
    marks = (*range(0x0300, 0x0370), *range(0x064B, 0x0660), 0x0670, *range(0x0591, 0x05C8))
    table |= {mark: "" for mark in marks if unicodedata.category(chr(mark)) == "Mn"}
    table |= {code: str(unicodedata.decimal(chr(code))) for code in range(0x0600, 0xFF00) if chr(code).isdecimal()}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))
        if len(base) > 1:
            table[code] = "".join(c for c in base if not unicodedata.combining(c))
    return table | _han_forms()


def _han_forms() -> dict[int, str]:
    """Han character -> one form for its traditional, simplified and Japanese forms, which NFKC leaves apart.

    OpenCC's tables are joined as an equivalence: followed one after another they lead 衛 and 卫, both 卫生, apart.
    """
    import opencc

    han = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    simplified, traditional, japanese = (
        dict(zip(han, opencc.OpenCC(name).convert("\n".join(han)).split("\n"), strict=True)) for name in ("t2s", "jp2t", "t2jp")
    )
    sources = Counter(new for old, new in japanese.items() if old != new)
    named = {new for old, new in simplified.items() if old != new}
    owner: dict[str, str] = {}

    def root(character: str) -> str:
        while character in owner:
            character = owner[character]
        return character

    for old in han:
        # A Japanese form that stands for several characters (弁) or is another one elsewhere (連) joins nothing.
        new = japanese[old]
        told_apart = sources[new] <= 2 and simplified.get(new) == new
        for other in (simplified[old], traditional[old], new if told_apart else old):
            one, another = root(old), root(other)
            if one != another and len(other) == 1:
                # A simplified form names the group.
                owner.update({another: one} if one in named or another not in named else {one: another})
    return {ord(character): root(character) for character in owner}


def fold(text: str) -> str:
    """The form under which spellings are compared: NFKC, case-folded, without Latin diacritics, Han forms joined.

    It may change lengths; `fold_aligned` keeps the way back to the original's offsets.
    """
    return unicodedata.normalize("NFKC", text).casefold().translate(_folding())


def fold_aligned(text: str) -> tuple[str, list[int]]:
    """`fold` character by character, with the original index of every folded character (and the end's).

    A character is folded together with the marks behind it, which may be one with it: ﾊﾟ = パ.
    """
    folded: list[str] = []
    origin: list[int] = []
    for match in _COMPOSED.finditer(text):
        piece = fold(match.group())
        folded.append(piece)
        origin.extend([match.start()] * len(piece))
    origin.append(len(text))
    return "".join(folded), origin


@lru_cache(maxsize=1 << 16)
def fold_word(word: str) -> str:
    """A folded Latin word with "ae", "oe", "ue" written as the bare vowel: Muenchen = München = Munchen."""
    return _UMLAUT_DIGRAPH.sub(lambda m: m.group(1) or m.group(2), word)


def _number(token: str) -> str:
    if _GROUPED.fullmatch(token):
        return re.sub("[.,]", "", token)
    return token.replace(",", ".")


def tokens_with_offsets(folded: str) -> Iterator[tuple[str, int, int]]:
    """Tokens of a folded text with their offsets in it, in reading order."""
    for match in _TOKEN.finditer(folded):
        kind, run, start = match.lastgroup or "", match.group(), match.start()
        if kind == "number":
            yield _number(run), start, match.end()
        elif kind in scripts.UNSPACED:
            if len(run) == 1:
                yield run, start, start + 1
            for index in range(len(run) - 1):
                yield run[index : index + 2], start + index, start + index + 2
        else:
            yield fold_word(run) if kind == "Latin" else run, start, match.end()


def lexical_tokens(text: str) -> list[str]:
    """The tokens that lexical search indexes and asks for, in reading order, repeats kept.

    >>> lexical_tokens("2019年 München")
    ['2019', '年', 'munchen']
    """
    return [token for token, _, _ in tokens_with_offsets(fold(text))]


def token_count(text: str) -> int:
    """The length of a text in tokens: a word or number counts one, two characters of an unspaced script one.

    Most Chinese words have two characters, so passages hold about as much in every language.
    """
    count = 0.0
    for match in _TOKEN.finditer(text):
        count += (match.end() - match.start()) / 2 if match.lastgroup in scripts.UNSPACED else 1
    return int(count + 0.5)
