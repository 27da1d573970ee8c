"""Numbers in running text as canonical values: ３ = 3, 1,000 = 1.000 = 1000, 3万 = 30000, zwanzig = 20.

It knows how numbers are written; dates are another module's business.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from assistant.language.packs import codes, pack, packs
from assistant.language.scripts import is_unspaced


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """`text[start:end]` is a number of this value."""

    value: Decimal
    start: int
    end: int


# A group of three follows at most three digits: "2024 500 guests" are two numbers.
_DIGITS = re.compile(r"(?P<digits>(?:\d{1,3}(?:[.,’' \u00a0]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?)")


@cache
def _multipliers() -> dict[str, int]:
    return {word: value for item in packs() for word, value in item.multipliers.items()}


@cache
def _multiplier_pattern() -> re.Pattern[str]:
    words = sorted(_multipliers(), key=len, reverse=True)
    # In scripts without spaces a multiplier follows its number at once: "2024 백신" is no hundred.
    spaced = "|".join(re.escape(w) for w in words if not is_unspaced(w[0]))
    unspaced = "|".join(re.escape(w) for w in words if is_unspaced(w[0]))
    return re.compile(rf"(?:\s?(?P<spaced>{spaced})(?!\w))|(?P<unspaced>{unspaced or '(?!)'})", re.IGNORECASE)


@cache
def _words(language: str) -> re.Pattern[str] | None:
    words = [w for w in (pack(language).number_words if language in codes() else {}) if len(w) > 1]
    if not words:
        return None
    return re.compile(r"(?<!\w)(" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + r")(?!\w)", re.IGNORECASE)


def find_numbers(text: str, language: str = "") -> list[FoundNumber]:
    """Numbers of the text in order: digits with their multipliers, and the language's number words.

    Offsets are those of `text`; full-width digits are read as digits.
    """
    plain = "".join(folded if len(folded := unicodedata.normalize("NFKC", c)) == 1 else c for c in text)
    found: list[FoundNumber] = []
    position = 0
    while match := _DIGITS.search(plain, position):
        value, end, unit = _term(plain, match)
        # 1万5千 and 3만7,500 go on below their unit without a gap.
        while unit and (following := _DIGITS.match(plain, end)):
            more, further, below = _term(plain, following)
            if more >= unit:
                break
            value, end, unit = value + more, further, below
        found.append(FoundNumber(value, match.start(), end))
        position = end
    words = _words(language) if language else None
    for match in words.finditer(plain) if words else ():
        found.append(FoundNumber(Decimal(pack(language).number_words[match.group().lower()]), match.start(), match.end()))
    return sorted(found, key=lambda item: item.start)


def _term(text: str, digits: re.Match[str]) -> tuple[Decimal, int, int]:
    """Digits with their multipliers: the value, where it ends, and the last multiplier of a script without spaces (0 if none)."""
    value, end, unit = _value(digits.group("digits")), digits.end(), 0
    while multiplier := _multiplier_pattern().match(text, end):
        factor = _multipliers()[(multiplier["spaced"] or multiplier["unspaced"]).lower()]
        unit = factor if multiplier["unspaced"] else 0
        value *= factor
        end = multiplier.end()
    return value, end, unit


def _value(digits: str) -> Decimal:
    bare = re.sub(r"[’' \u00a0]", "", digits)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", bare):
        return Decimal(re.sub(r"[.,]", "", bare))
    separators = re.findall(r"[.,]", bare)
    if not separators:
        return Decimal(bare)
    # The last separator is the decimal one unless it stands with its like ("1.000.000").
    last = max(bare.rfind("."), bare.rfind(","))
    if bare.count(bare[last]) > 1:
        return Decimal(re.sub(r"[.,]", "", bare))
    return Decimal(re.sub(r"[.,]", "", bare[:last]) + "." + bare[last + 1 :])
