"""The catalogue: what the documents are about (a forum, a cluster), where, when and by whom, so that lists need no search.

A record is what one document says in its front matter, or failing that in its title and first sentences; a thing is every record of the
same. It knows documents' rows and names; nothing of questions or of wording.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from assistant.language.dates import days_named
from assistant.language.lexical import fold, lexical_tokens
from assistant.language.packs import FALLBACK, pack_or_english
from assistant.language.phrases import all_phrases, folded
from assistant.language.sentences import sentences
from assistant.language.territories import find_territories, territory_name
from assistant.retrieval.names import FoundName, Names

EVENTS = ("forum", "conference", "event")
# A document without front matter says what it is about in its first sentences.
_OPENING = 1500
COLUMNS = f"d.id, d.title, d.language, d.date, d.metadata, d.aliases, substr(d.text, 1, {_OPENING})"
_SHORTEST_ENDING = 5
_STEM = re.compile(r"(\.[a-z]{2})?(\.[a-z]+)?$")
Spellings = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start` to `end`, ISO days, months or years, both included."""

    start: str
    end: str

    def meets(self, iso: str) -> bool:
        """True when some of it lies within the day, month or year."""
        return self.start[: len(iso)] <= iso[: len(self.start)] and iso[: len(self.end)] <= self.end[: len(iso)]

    def standing(self, today: dt.date) -> str:
        """"past", "ongoing" or "upcoming"; a month or year that has begun and not ended is ongoing."""
        day = today.isoformat()
        if self.end < day[: len(self.end)]:
            return "past"
        return "upcoming" if self.start > day[: len(self.start)] else "ongoing"


@dataclass(frozen=True, slots=True)
class Record:
    """What one document is about. `places` are the known names in `place`, `territories` the codes of its countries."""

    document_id: str
    title: str
    language: str
    kind: str
    spellings: Spellings
    place: str
    places: frozenset[Spellings]
    territories: frozenset[str]
    periods: tuple[Period, ...]
    organisers: tuple[str, ...]
    hosts: frozenset[Spellings]


@dataclass(frozen=True, slots=True)
class Thing:
    """The records of one forum, cluster or the like, in any language; its periods newest first."""

    records: tuple[Record, ...]

    @property
    def kind(self) -> str:
        return self.records[0].kind

    @property
    def spellings(self) -> Spellings:
        return self.records[0].spellings

    @property
    def periods(self) -> tuple[Period, ...]:
        found = {period for record in self.records for period in record.periods}
        # One source gives a fair's days one by one, another as a period.
        whole = {p for p in found if not any(other != p and other.start <= p.start and p.end <= other.end for other in found)}
        return tuple(sorted(whole, reverse=True))

    def during(self, dates: Sequence[str]) -> tuple[Period, ...]:
        """The periods that meet any of the days, months or years; all without any."""
        return tuple(period for period in self.periods if not dates or any(map(period.meets, dates)))

    def first(self, part: Callable[[Record], Any]) -> Any:
        """What the first record that says something says."""
        return next((value for record in self.records if (value := part(record))), part(self.records[0]))

    def any(self, part: Callable[[Record], frozenset[Any]]) -> frozenset[Any]:
        """What any record says."""
        return frozenset().union(*map(part, self.records))


class Catalogue:
    """The records of an index's documents. `places` and `hosts` are the known names that stand in their places and
    organisers, `place_words` all lexical tokens of the places; `dated` the names of what has dates.
    """

    def __init__(self, documents: Iterable[Sequence[Any]], names: Names) -> None:
        """`documents` are rows of the columns `COLUMNS`, in the order of their ids."""
        # Many documents share a place or an organiser.
        find = cache(lambda text: tuple(names.find(text)))
        stated = [(row, json.loads(row[4])) for row in documents]
        known = frozenset(name.spellings for _, metadata in stated for name in find(_where(metadata)))
        self._records = [record for row, metadata in stated if (record := _record(row, metadata, names, find, known))]
        self.places = known
        self.dated = frozenset(record.spellings for record in self._records if record.periods)
        self.place_words = frozenset(word for record in self._records for word in lexical_tokens(record.place))
        self.hosts = frozenset(host for record in self._records for host in record.hosts)

    def things(self, shown: Callable[[str], bool]) -> list[Thing]:
        """Everything that the documents which may be shown are about, in order of their ids."""
        groups: dict[tuple[str, str], list[Record]] = {}
        owner: dict[tuple[str, str], tuple[str, str]] = {}
        for record in self._records:
            if not shown(record.document_id):
                continue
            # Of the same name, or versions of one file: `forums/x.de.md`, `forums/x.ja.pdf`.
            keys = [(record.kind, fold(record.spellings[0])), (record.kind, _STEM.sub("", record.document_id))]
            key = next((owner[k] for k in keys if k in owner), keys[0])
            owner |= dict.fromkeys(keys, key)
            groups.setdefault(key, []).append(record)
        return [Thing(tuple(records)) for records in groups.values()]


def _where(metadata: Mapping[str, Any]) -> str:
    return ", ".join(str(metadata[key]) for key in ("place", "country") if metadata.get(key))


def _record(row: Sequence[Any], metadata: Mapping[str, Any], names: Names, find: Callable[[str], tuple[FoundName, ...]], known: frozenset[Spellings]) -> Record | None:
    document_id, title, language, date, _, aliases, opening = row
    kind, stated = str(metadata.get("kind") or ""), bool(metadata.get("kind"))
    if not stated and not (kind := _kind_of(title, language)):
        return None
    place, periods = _where(metadata), tuple(_periods(metadata.get("event_dates")))
    organisers = tuple(map(str, _listed(metadata.get("organisers") or metadata.get("organiser"))))
    if not stated:
        telling = _telling(title, language, kind, date, opening)
        periods = periods or tuple(_period_of(telling))
        if not place:
            near = [name for text in (title, telling) for name in find(text) if name.spellings in known]
            place = ", ".join(dict.fromkeys(name.spellings[0] for name in near)) or _country_of(title, language) or _country_of(telling, language)
    hosts = frozenset(name.spellings for organiser in organisers for name in find(organiser))
    return Record(
        document_id, title, language, kind, _subject(title, json.loads(aliases), names, known), place, frozenset(name.spellings for name in find(place)),
        _territories(place, language), periods, organisers, hosts,
    )  # fmt: skip


def _territories(place: str, language: str) -> frozenset[str]:
    """Countries by their English names, which front matter mostly uses; by the document's language where there is none."""
    said = fold(place)
    return frozenset(found.code for found in find_territories(said, FALLBACK) or find_territories(said, language))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value] if value else []


def _subject(title: str, groups: Sequence[Sequence[str]], names: Names, known: frozenset[Spellings]) -> Spellings:
    """The spellings of what a document is about: of its own names the first that its title holds and that is no place, else its first;
    its title where it has none.
    """
    own = [spellings for group in groups if group and (spellings := names.spellings_of(group[0]))]
    held = {name.spellings for name in names.find(title)}
    return next((spellings for spellings in own if spellings in held and spellings not in known), own[0] if own else (title,))


def _periods(value: Any) -> Iterator[Period]:
    """Those of the front matter: "2024-10-08", "2024-10-08/2024-10-10", "2022-11"; what cannot be read is none."""
    for entry in map(str, _listed(value)):
        start, _, end = entry.strip().partition("/")
        if _is_iso(start) and (not end or (_is_iso(end) and end >= start)):
            yield Period(start, end or start)


def _is_iso(text: str) -> bool:
    try:
        dt.date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return len(text) in (4, 7, 10)


# -- documents without front matter -----------------------------------------------------------------------------------------


def _kind_of(title: str, language: str) -> str:
    """The kind that a title names last before its first mark of punctuation: "Lake Health Forum: programme" is a forum's."""
    said = folded(title)
    head = re.split(r"[:：|–—]\s", said, maxsplit=1)[0] or said
    return max(((end, kind) for kind, words in pack_or_english(language).kinds.items() for end in _named(head, words)), default=(0, ""))[1]


def _named(text: str, words: Sequence[str]) -> Iterator[int]:
    """Where the words end in a folded text, alone or as the end of a compound (Ärztekongress)."""
    yield from (end for _, end in all_phrases(text, words))
    endings = tuple(fold(word) for word in words if len(word) >= _SHORTEST_ENDING)
    yield from (match.end() for match in re.finditer(r"[^\W\d_]+", text) if match[0].endswith(endings))


def _telling(title: str, language: str, kind: str, published: str, opening: str) -> str:
    """The first sentence of a document that says when: it names the day of something, and its kind; its title if none."""
    words = pack_or_english(language).kinds.get(kind, ())
    for start, end in sentences(opening, language):
        text = opening[start:end]
        days = [day.iso for day in days_named(text) if len(day.iso) >= 10]
        # The day on its own is the dateline, or the day on which it was published.
        if days and set(days) != {published} and any(_named(folded(text), words)):
            return text
    return title


def _period_of(text: str) -> Iterator[Period]:
    days = sorted({day.iso for day in days_named(text) if len(day.iso) >= 7 and not day.iso.startswith("--")})
    if days and days[0][:7] == days[-1][:7]:
        yield Period(days[0], days[-1])
    elif days:
        yield Period(days[0], days[0])


def _country_of(text: str, language: str) -> str:
    """The first country that a text names, by its English name."""
    return next((territory_name(found.code, FALLBACK) for found in find_territories(fold(text), language) if found.code.isalpha()), "")
