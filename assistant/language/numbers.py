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


_HAN = {c: value for value, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}
_HAN_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_HAN_NUMBER = re.compile(r"(?<!\d)[〇零一二三四五六七八九十百千万萬亿億两兩]+(?=[\s余多數数]?[年月日天个個名社人家回つ届屆位所项項场場次大种種件棟期カか倍点万萬元円席张張名])")
_ERA = re.compile(r"(令和|平成)\s?(\d{1,2}|元)年")
_ERAS = {"令和": 2018, "平成": 1988}
_KOREAN = re.compile(r"(?<![\d.,])\d[\d.,]*\s?[조억만천백](?:\s?(?:\d[\d.,]*)?[조억만천백])*")
_RAISED = str.maketrans(dict.fromkeys("²³", " "))  # of units of measure
_KOREAN_UNITS = {"조": 10**12, "억": 10**8, "만": 10**4, "천": 1000, "백": 100}


def with_digits(text: str, language: str) -> str:
    """The text with numbers that several words or signs make up as digits: "two million" 2000000, 二十 20, 6만 9천 69000, 令和7年 2025年.

    >>> with_digits("seventy thousand guests, 34 of them twenty-one", "en")
    '70000 guests, 34 of them 21'
    """
    text = text.translate(_RAISED)
    text = _ERA.sub(lambda m: f"{_ERAS[m[1]] + (1 if m[2] == '元' else int(m[2]))}年", text)
    text = _HAN_NUMBER.sub(lambda m: str(_han(m.group())), text)
    text = _KOREAN.sub(lambda m: str(_korean(m.group())), text)
    pattern = _compounds(language)
    return pattern.sub(lambda m: _compound(m.group(), language), text) if pattern else text


def _han(text: str) -> int:
    if not any(c in _HAN_UNITS or c in _HAN_MYRIADS for c in text):
        return int("".join(str(_HAN[c]) for c in text))
    total = part = digit = 0
    for character in text:
        if character in _HAN_MYRIADS:
            total = (total + part + digit or 1) * _HAN_MYRIADS[character]
            part = digit = 0
        elif character in _HAN_UNITS:
            part, digit = part + (digit or 1) * _HAN_UNITS[character], 0
        else:
            digit = digit * 10 + _HAN[character]
    return total + part + digit


def _korean(text: str) -> Decimal:
    total = part = digit = Decimal(0)
    for number, unit in re.findall(r"(\d[\d.,]*)|([조억만천백])", text):
        if number:
            digit = _value(number.rstrip(".,"))
        elif _KOREAN_UNITS[unit] < 10**4:
            part, digit = part + (digit or 1) * _KOREAN_UNITS[unit], Decimal(0)
        else:
            total, part, digit = total + (part + digit or 1) * _KOREAN_UNITS[unit], Decimal(0), Decimal(0)
    result = total + part + digit
    return result.quantize(Decimal(1)) if result == result.to_integral_value() else result


@cache
def _compounds(language: str) -> re.Pattern[str] | None:
    """Runs of two or more number words, multipliers among them, or a run that closes with a multiplier."""
    if language not in codes() or not pack(language).number_words:
        return None
    item = pack(language)
    small = "|".join(sorted((re.escape(w) for w in item.number_words if not is_unspaced(w[0])), key=len, reverse=True))
    large = "|".join(sorted((re.escape(w) for w in item.multipliers if not is_unspaced(w[0])), key=len, reverse=True))
    if not small or not large:
        return None
    link = r"(?:\s+(?:and|e|y|et)\s+|[\s-]+)"
    return re.compile(rf"(?<![\w.,])(?:{small}|\d{{1,3}})(?:{link}(?:{small}|{large}))+(?!\w)", re.IGNORECASE)


def _compound(text: str, language: str) -> str:
    item = pack(language)
    total = part = 0
    for word in re.findall(r"\w+", text.lower()):
        if word in item.multipliers:
            factor = item.multipliers[word]
            if factor >= 1000:
                total, part = total + (part or 1) * factor, 0
            else:
                part = (part or 1) * factor
        elif word in item.number_words:
            value = item.number_words[word]
            # "four, five": two numbers that only stand side by side.
            if part and (value >= 10 or part % 10) and part % 100 != 0:
                return text
            part += value
        elif word.isdigit():
            part = int(word)
    return str(total + part)


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
