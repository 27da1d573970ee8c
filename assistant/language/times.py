"""Times that depend on today: "last year", 今年, "the next one". It knows packs and a day; nothing of documents."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from assistant.language.dates import write_date
from assistant.language.packs import pack_or_english
from assistant.language.phrases import first_phrase, folded

_YEARS = {"last_year": -1, "this_year": 0, "next_year": 1}
_MONTHS = {"last_month": -1, "this_month": 0, "next_month": 1}
_NAMED_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class Timed:
    """A text (folded where something was put into it) with its relative year or month written out; `when` is that, ISO, `which` is "next",
    "latest" or "". `without` is the text without the words that say which.
    """

    text: str
    when: str = ""
    which: str = ""
    without: str = ""


def timed(text: str, language: str, today: dt.date) -> Timed:
    """What a text says of time, seen from today; a text that names a year means that year.

    >>> timed("Welche Foren fanden letztes Jahr statt?", "de", dt.date(2025, 6, 1)).text
    'welche foren fanden 2024 statt?'
    >>> timed("When is the next BioJapan?", "en", dt.date(2025, 6, 1)).which
    'next'
    """
    if _NAMED_YEAR.search(text):
        return Timed(text, without=text)
    words, said = pack_or_english(language).time, folded(text)
    for key in (*_YEARS, *_MONTHS):
        span = first_phrase(said, words.get(key, ()))
        # "cette année-là" is a year spoken of, not this one.
        if span and not said.startswith("-la", span[1]):
            when = str(today.year + _YEARS[key]) if key in _YEARS else _month(today, _MONTHS[key])
            dated = f"{said[: span[0]]}{write_date(when, language)}{said[span[1] :]}"
            return Timed(dated, when, without=dated)
    for which in ("next", "latest"):
        if span := first_phrase(said, words.get(which, ())):
            return Timed(text, which=which, without=" ".join(f"{said[: span[0]]} {said[span[1] :]}".split()))
    return Timed(text, without=text)


def _month(today: dt.date, distance: int) -> str:
    months = today.year * 12 + today.month - 1 + distance
    return f"{months // 12:04}-{months % 12 + 1:02}"
