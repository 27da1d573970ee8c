"""What a document says about itself: front matter, header fields, datelines, embargo openings.

It knows how dates and metadata are written, not the formats they come from, and it decides nothing: whether
a held document may be shown is the caller's business. Month names and embargo words come from the language packs.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.cleaning import clean, unspaced
from assistant.language.dates import FoundDate, find_dates
from assistant.language.packs import packs

FRONT_MATTER_BYTES = 64 * 1024
_NODES = 10_000  # YAML aliases let 1 KB stand for gigabytes
_DATELINE_WITHIN = 1500
_EMBARGO_WITHIN = 600

# --- dates ---------------------------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})(?:[-/.年]\s?(\d{1,2})(?:[-/.月]\s?(\d{1,2})日?(?:[T ].*)?|月)?)?$", re.DOTALL)
_COMPACT = re.compile(r"(?:D:)?(\d{4})(\d{2})(\d{2})|D:(\d{4})(\d{2})?$")
_CLOCK = re.compile(
    r"(?P<half>午前|午後|上午|下午|晚上|오전|오후)?\s*(?<![\d.])(?P<hour>\d{1,2})"
    r"(?:[:：.](?P<minute>\d{2})(?![\d.])|\s?(?:[時时点點시]|Uhr|h(?=\s?\d|\b))\s?(?P<minutes>\d{2}(?!\d))?|(?=\s?[ap]\.?m\b))"
    r"(?:\s?(?P<mark>[ap])\.?m\b)?",
    re.IGNORECASE,
)
_LATE = ("午後", "下午", "晚上", "오후", "p")
_OFFSET = re.compile(r"(?:UTC|GMT|(?<=\d))\s?([+\-−])(\d{1,2})(?::?(\d{2}))?\b")
# Only unambiguous names: CST is Chicago and Shanghai, "London time" changes twice a year.
_ZONES = {
    "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "MSK": 3, "HKT": 8, "SGT": 8,
    "北京时间": 8, "北京時間": 8, "Beijing time": 8, "JST": 9, "KST": 9, "日本時間": 9, "한국시간": 9,
    "EST": -5, "EDT": -4, "PST": -8, "PDT": -7,
}  # fmt: skip


def _full_dates(text: str) -> list[FoundDate]:
    """The text's dates that name a day, in order."""
    return [date for date in find_dates(text) if len(date.iso) == 10]


def _valid(year: str | int, month: str | int | None = None, day: str | int | None = None) -> str:
    """The ISO date of these numbers, as exact as they are; empty when there is no such date."""
    try:
        date = dt.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return ""
    return "" if date.year < 1000 else date.isoformat()[: 10 if day else 7 if month else 4]


def iso_date(value: object) -> str:
    """A date as `yyyy[-mm[-dd]]`, empty when `value` is none.

    Takes dates, datetimes, years, ISO, RFC 2822 and PDF ("D:2024…") strings, and what a language pack can write.
    """
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    text = str(value).strip()
    if match := _COMPACT.match(text):
        return _valid(*(match.groups()[:3] if match[1] else match.groups()[3:]))
    if match := _ISO.match(text):
        return _valid(*match.groups())
    if (found := _full_dates(text)) and found[0].start == 0:
        return found[0].iso
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def iso_moment(value: object) -> str:
    """A date, with time and zone when `value` states them ("2024-11-15T10:00+01:00"); empty when there is none."""
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="minutes")
    text = str(value).strip()
    if re.match(r"\d{4}-\d\d-\d\d[T ]\d", text):
        try:
            return dt.datetime.fromisoformat(re.sub(r"\s+(?=[-+Z])", "", text)).isoformat(timespec="minutes")
        except ValueError:
            pass
    date = iso_date(value)
    if found := _full_dates(text):
        date = date or found[0].iso
        text = f"{text[: found[0].start]} {text[found[0].end :]}"
    return f"{date}{_clock(text)}" if len(date) == 10 else date


def _clock(text: str) -> str:
    match = _CLOCK.search(text)
    if not match:
        return ""
    hour, minute = int(match["hour"]), int(match["minute"] or match["minutes"] or 0)
    half = match["half"] or (match["mark"] or "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half in _LATE else 0)
    return f"T{hour:02}:{minute:02}{_zone(text)}" if hour < 24 and minute < 60 else ""


def _zone(text: str) -> str:
    if match := _OFFSET.search(text):
        sign = "+" if match[1] == "+" else "-"
        return f"{sign}{int(match[2]):02}:{match[3] or '00'}"
    for name, hours in _ZONES.items():
        if re.search(rf"(?<![A-Za-z]){name}(?![A-Za-z])", text):
            return f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    return ""


# --- metadata ------------------------------------------------------------------------------------------------------

_OTHER_NAMES = {"lang": "language", "url": "source", "published": "date"}
_MISTAKEN_CODES = {"jp": "ja", "cn": "zh", "kr": "ko", "tw": "zh"}  # countries, often found in lang attributes


def language_code(value: object) -> str:
    """The bare two-letter code ("zh-Hans" -> "zh"), empty when `value` is none."""
    match = re.fullmatch(r"([a-z]{2})(?:[-_].*)?", str(value).strip().lower())
    return _MISTAKEN_CODES.get(match[1], match[1]) if match else ""


def normalised(given: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata under the keys, and in the forms, that `RawDocument` promises. Idempotent.

    A date or a source that isn't one is kept as `date_as_given`, `source_as_given`.
    """
    data = {str(key): value for key, value in given.items() if value is not None}
    for other, name in _OTHER_NAMES.items():
        if other in data:
            data.setdefault(name, data.pop(other))
    forms: dict[str, Callable[[Any], Any]] = {
        "title": lambda value: " ".join(clean(str(value)).split()),
        "publisher": lambda value: " ".join(clean(str(value)).split()),
        "language": language_code,
        "date": iso_date,
        "source": lambda value: str(value) if re.match(r"https?://\S+$", str(value)) else "",
        "aliases": _alias_groups,
        "embargo_until": lambda value: iso_moment(value) or str(value),
        "expires": lambda value: iso_moment(value) or str(value),
    }
    for name, form in forms.items():
        if name in data:
            value = data.pop(name)
            if formed := form(value):
                data[name] = formed
            elif name in ("date", "source") and value:
                data[f"{name}_as_given"] = str(value)
    return {key: _plain(value) for key, value in data.items()}


def _alias_groups(value: object) -> list[list[str]]:
    """Groups of names for one thing, from `[[a, b], [c, d]]`, `[a, b]` or `{a: [b, c]}`."""
    if isinstance(value, Mapping):
        value = [[key, *(names if isinstance(names, list) else [names])] for key, names in value.items()]
    if not isinstance(value, list):
        return []
    groups = value if any(isinstance(group, list) for group in value) else [value]
    named = ([clean(str(name)) for name in group if name] for group in groups if isinstance(group, list))
    return [group for group in named if group]


def _plain(value: object) -> Any:
    """`value` in JSON's types; ValueError when it is too large, or contains itself."""
    count = 0

    def plain(value: object) -> Any:
        nonlocal count
        count += 1
        if count > _NODES:
            raise ValueError("it is too large once its aliases are written out")
        if isinstance(value, Mapping):
            return {str(key): plain(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [plain(inner) for inner in value]
        if isinstance(value, (dt.date, dt.datetime)):
            return value.isoformat()
        return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)

    return plain(value)


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML front matter and the text below it. Raises ReadError (reason "front-matter") when it is broken."""
    text = text.removeprefix("\ufeff")
    opened = re.match(r"---[ \t]*\r?\n", text)
    if not opened:
        return {}, text
    closed = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE).search(text, opened.end())
    if not closed:
        if not re.match(r"[\w-]+:(?:\s|$)", text[opened.end() :]):
            return {}, text  # a thematic break
        fix = "close it with a line of ---"
        raise ReadError("the front matter opens in line 1 and is never closed", reason="front-matter", fix=fix)
    data = load_yaml(text[opened.end() : closed.start()], first_line=2, what="front matter", reason="front-matter")
    return (data, text[closed.end() :]) if isinstance(data, dict) else ({}, text)


@cache
def _loader() -> type:
    """YAML with JSON's scalars: `language: no` isn't False, `15:43` isn't 943, dates stay as they are written."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {}
    tag = "tag:yaml.org,2002:"
    Loader.add_implicit_resolver(f"{tag}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
    Loader.add_implicit_resolver(f"{tag}null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    Loader.add_implicit_resolver(f"{tag}int", re.compile(r"^[-+]?(?:0|[1-9]\d{0,17})$"), list("-+0123456789"))
    Loader.add_implicit_resolver(f"{tag}float", re.compile(r"^[-+]?\d+\.\d+$"), list("-+0123456789"))
    Loader.add_implicit_resolver(f"{tag}merge", re.compile(r"^<<$"), ["<"])
    return Loader


def load_yaml(text: str, *, what: str, reason: str, first_line: int = 1) -> Any:
    """Plain values from YAML. Raises ReadError naming the line where it is broken."""
    import yaml

    fix = "correct the YAML, e.g. put quotes around a value that holds a colon"
    if len(text.encode("utf-8", "replace")) > FRONT_MATTER_BYTES:
        raise ReadError(f"the {what} is larger than 64 KB", reason=reason, fix="move the text below it")
    try:
        data = yaml.load(text, Loader=_loader())  # noqa: S506 - a subclass of SafeLoader
        return _plain(normalised(data) if isinstance(data, dict) else data)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + first_line if error.problem_mark else first_line
        raise ReadError(f"the {what} is broken in line {line}: {error.problem}", reason=reason, fix=fix) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(f"the {what} is broken from line {first_line} on: {why}", reason=reason, fix=fix) from error


# --- openings ------------------------------------------------------------------------------------------------------

_BRACKETED = re.compile(r"\s*[【（(\[［〔]([^】）)\]］〕\n]{4,120})[】）)\]］〕]")
_PLACE = re.compile(r"[^\d!?。！？;；:：]{1,60}[,，、،/(（\-–—―]\s*(?:\w{1,3}\.?\s+)?|(?P<wire>[^\W\d]{2,14})|")
_AFTER = re.compile(r"\s*(?:\w{1,2}\.)?\s*(?:$|[-–—―/(（|)）・·:：.。])|[电電讯訊]")


def _openings(text: str, within: int) -> Iterator[str]:
    yield from filter(None, (line.strip() for line in text[:within].split("\n")))


def dateline(text: str) -> str:
    """The date that the opening gives as its own ("SHANGHAI, 9 December 2025 –", "【北京2024年11月15日…】").

    Only at the start of a line, after at most a place, or in brackets there; never a range, never a date
    that runs on into a sentence ("Am 9. Dezember 2025 fand …" dates the event, not the text).
    """
    for line in _openings(text, _DATELINE_WITHIN):
        bracketed = _BRACKETED.match(line)
        if bracketed and (inside := _full_dates(bracketed[1])):
            return inside[0].iso
        found = _full_dates(line)
        if found and (place := _PLACE.fullmatch(line[: found[0].start])):
            rest = line[found[0].end :]
            after = _AFTER.match(rest)
            ranges = re.match(r"\s*[-–—]\s*", rest)
            if not after or (ranges and any(date.start == found[0].end + ranges.end() for date in found[1:])):
                continue
            if place["wire"] and not rest.startswith(tuple("电電讯訊-–—―/(（")):
                continue  # "大会于2024年11月15日" is a sentence; "新华社北京2024年11月15日电" is not
            return found[0].iso
    return ""


def embargo(text: str) -> tuple[str, str]:
    """The opening line that holds the text back, and until when; both empty when there is none."""
    for line in _openings(text, _EMBARGO_WITHIN):
        start = re.sub(r"^[\W_]+", "", line).casefold()
        if any(_begins(start, word) for pack in packs() for word in pack.embargo):
            until = iso_moment(line)
            # "Embargo levé", "Sperrfrist: keine"; with a date it holds until then all the same.
            if until or not any(_begins(start, word) for pack in packs() for word in pack.immediate):
                return line, until
    return "", ""


def _begins(line: str, word: str) -> bool:
    after = line[len(word) : len(word) + 1]
    return line.startswith(word) and (not after.isalnum() or unspaced(word[-1]))


def completed(text: str, metadata: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Metadata, completed by what the text's opening says, and the line that holds the text back.

    A weak date (`date_from` names a file property) gives way to a dateline.
    """
    data = normalised(metadata)
    if (not data.get("date") or data.get("date_from")) and (date := dateline(text)):
        data["date"] = date
        data.pop("date_from", None)
    if not data.get("date"):
        data.pop("date_from", None)
    held, until = embargo(f"{data.get('title', '')}\n{text}")
    if until:
        data.setdefault("embargo_until", until)
    return data, held
