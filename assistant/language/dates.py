"""Dates in running text, in every language that has a pack, as ISO strings with their offsets.

It knows how dates are written; what a date means (an event's, a publication's) is not its business.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache

from assistant.language.packs import pack_or_english, packs


@dataclass(frozen=True, slots=True)
class FoundDate:
    """`text[start:end]` is a date; `iso` is `2024`, `2024-11` or `2024-11-22`, or `--11-22` without a year."""

    iso: str
    start: int
    end: int


_NUMERIC = (
    re.compile(r"(?<!\d)(?P<year>\d{4})\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*(?:(?P<day>\d{1,2})\s*[日号號일])?"),
    re.compile(r"(?<![\d年년])(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日号號일]"),
    re.compile(r"(?<!\d)(?P<year>\d{4})\s*[年년]"),
    re.compile(r"(?<![\d./-])(?P<year>\d{4})(?P<link>[-/]|\. ?)(?P<month>\d{1,2})(?P=link)(?P<day>\d{1,2})(?![\d])"),
    re.compile(r"(?<![\d./-])(?P<day>\d{1,2})(?P<link>[/-]|\. ?)(?P<month>\d{1,2})(?P=link)(?P<year>\d{4})(?!\d)"),
    # A month in two figures and a year of ours ("05.2024"): neither a decimal nor a DOI ("10.2024/…").
    re.compile(r"(?<![\d.,/-])(?P<month>0[1-9]|1[0-2])\.(?P<year>(?:19|20)\d{2})(?![\d/]|[.,]\d)"),
)
_YEAR = re.compile(r"(?<![\d.,])(?P<year>(?:19|20)\d{2})(?![\d]|[.,]\d)")


@cache
def _months() -> dict[str, int]:
    return {form: number for item in packs() for number, forms in enumerate(item.months, 1) for form in forms if not form[0].isdigit()}


@cache
def _worded() -> tuple[re.Pattern[str], ...]:
    names = "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))
    month = rf"(?P<name>{names})\.?"
    suffixes = "|".join(sorted({re.escape(s) for item in packs() for s in item.ordinal_suffixes}, key=len, reverse=True))
    day = rf"(?P<day>\d{{1,2}})(?:\.|º|{suffixes})?" if suffixes else r"(?P<day>\d{1,2})(?:\.|º)?"
    year = r"(?P<year>\d{4})(?!\d)"
    link = r"(?:\s+(?:de|del|of))?"
    return tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            rf"(?<!\d){day}{link}\s+{month}(?:{link},?\s+{year})?(?!\w)",
            rf"(?<!\w){month}\s+{day}(?:,?\s+{year})?(?!\d)",
            rf"(?<!\w){month}{link},?\s+{year}",
        )
    )


def find_dates(text: str) -> list[FoundDate]:
    """Every date of the text, in order, the longest reading of each; impossible dates are left out."""
    taken: list[tuple[int, int]] = []
    found: list[FoundDate] = []
    for pattern in (*_NUMERIC[:2], *_worded(), *_NUMERIC[2:], _YEAR):
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            parts = match.groupdict()
            month = int(parts["month"]) if parts.get("month") else _months().get((parts.get("name") or "").casefold(), 0)
            iso = _iso(int(parts.get("year") or 0), month, int(parts.get("day") or 0))
            if iso:
                taken.append((match.start(), match.end()))
                found.append(FoundDate(iso, match.start(), match.end()))
    return sorted(found, key=lambda item: item.start)


# What stands between the two days of a period: "12–14 October", "10月12日至14日", "vom 12. bis 14. Oktober", "del 12 al 14 de octubre".
_DAY = r"(\d{1,2})\s*(?:\.|st|nd|rd|th|er|º|[日号號일])?"
_TO = r"\s*(?:[-–—~〜～至到]|から|부터|bis(?:\s+zum)?|und|to|through|and|au|à|et|al|a|y|e|до|по|и|إلى)\s*"
_BEFORE = re.compile(rf"(?<!\d){_DAY}{_TO}(?:the|den|dem|le|el)?\s*$", re.IGNORECASE)
_AFTER = re.compile(rf"{_TO}{_DAY}(?!\s*[月월])(?:,?\s+(\d{{4}}))?(?!\d)", re.IGNORECASE)
_BETWEEN = re.compile(_TO, re.IGNORECASE)


def days_named(text: str) -> list[FoundDate]:
    """The dates of the text, and the further ends of periods that share their month or year with one: "12–14 October 2016" names two days."""
    found = find_dates(text)
    year = {place: date.iso[:4] for place, date in enumerate(found)}
    for place in range(len(found) - 1):
        joined = _BETWEEN.fullmatch(text[found[place].end : found[place + 1].start])
        if joined and found[place].iso.startswith("--") and not found[place + 1].iso.startswith("--"):
            year[place] = found[place + 1].iso[:4]
    named: list[FoundDate] = []
    for place, date in enumerate(found):
        own_year, month_day = year[place], date.iso[-5:]
        if len(date.iso) < 7 or (len(date.iso) == 7 and not date.iso.startswith("--")):
            named.append(date)
            continue
        month = int(month_day[:2])
        before, after = _BEFORE.search(text[max(0, date.start - 16) : date.start]), _AFTER.match(text, date.end)
        if after and after[2]:
            own_year = after[2]
        whole = 0 if own_year.startswith("--") else int(own_year)
        named.append(FoundDate(_iso(whole, month, int(month_day[3:])) or date.iso, date.start, date.end))
        for other in (before, after):
            if other and (iso := _iso(whole, month, int(other[1]))):
                named.append(FoundDate(iso, date.start, date.end))
    return named


def _iso(year: int, month: int, day: int) -> str:
    try:
        if day:
            dt.date(year or 2000, month, day)
        elif month:
            dt.date(year or 2000, month, 1)
    except ValueError:
        return ""
    if not year:
        return f"--{month:02}-{day:02}" if month and day else ""
    return f"{year:04}" + (f"-{month:02}" if month else "") + (f"-{day:02}" if month and day else "")


def write_date(iso: str, language: str) -> str:
    """An ISO date (`2024`, `2024-11`, `2024-11-22`) as a reader of the language writes it; the ISO string failing that."""
    parts = iso.split("-")
    if len(parts) == 1 or not all(part.isdigit() for part in parts):
        return iso
    item = pack_or_english(language)
    month = int(parts[1])
    name = item.month_names[month - 1] if len(item.month_names) == 12 else parts[1]
    fields = {"year": int(parts[0]), "month": month, "month_name": name}
    if len(parts) == 2:
        return item.month_format.format(**fields)
    return item.day_format.format(day=int(parts[2]), **fields)
