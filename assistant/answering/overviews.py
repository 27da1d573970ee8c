"""Answers from the catalogue: a table of what the documents are about, and the editions of an event; each row rests on a quote.

It knows things, passages and packs; which questions ask for it is `retrieval.listings`' business.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.answering.citations import cite
from assistant.answering.units import Span, spans
from assistant.answering.values import readable
from assistant.language.dates import days_named, write_date
from assistant.language.lexical import fold
from assistant.language.packs import Pack, pack_or_english
from assistant.language.territories import territory_name
from assistant.retrieval.catalogue import Period, Thing
from assistant.retrieval.listings import EditionQuestion, Listing
from assistant.retrieval.names import Names
from assistant.schema import Answer, Chunk, Citation, Document, Statement

_ROWS = 25
_PERIODS = 3
_HOSTS = 3
# Passages in which a document says what it is about.
_OPENING = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """What answers may be made of: `passages` gives as much of a document's passages as may be shown, `document` the document.

    `translated` is true where a language model could say in the reader's language what a quote says.
    """

    passages: Callable[[str], Sequence[Chunk]]
    document: Callable[[str], Document]
    names: Names
    translated: bool = False


@dataclass(frozen=True, slots=True)
class _Evidence:
    chunk: Chunk
    span: Span
    dated: bool


def table(question: str, listing: Listing, which: str, today: dt.date, things: Sequence[Thing], shown: Shown, language: Pack) -> Answer | None:
    """The things that fit, a row and a citation each, and how many would fit but have no date; None where none does.

    `which` "next" leaves those that have not ended, soonest first.
    """
    fitting = [thing for thing in things if listing.fits(thing)]
    rows = [(thing, tuple(p for p in listing.periods(thing) if which != "next" or p.standing(today) != "past")) for thing in fitting]
    rows.sort(key=lambda row: row[0].spellings[0].casefold())
    rows.sort(key=lambda row: row[1][0] if row[1] else Period("", ""), reverse=which != "next")
    if which == "next" or listing.dates:
        rows = [row for row in rows if row[1]]
    if not rows:
        return None
    columns = ["name", *(["kind"] if len({thing.kind for thing in fitting}) > 1 else []), "place"]
    columns += ["dates"] if any(periods for _, periods in rows) else []
    columns += ["organisers"] if any(thing.first(lambda r: r.organisers) for thing, _ in rows) else []
    citations: list[Citation] = []
    statements: list[Statement] = []
    lines = [_line([language.answers[f"column_{column}"] for column in columns] + [language.interface["sources"]]), _line(["---"] * (len(columns) + 1))]
    for thing, periods in rows[:_ROWS]:
        found = _evidence(thing, periods[0] if periods else None, shown, language)
        if found is None:
            continue
        citations.append(cite(len(citations) + 1, found.chunk, found.span.first, found.span.last, shown.document(found.chunk.document_id)))
        cells = [_cell(column, thing, periods, shown.names, language) for column in columns]
        statements.append(Statement(" · ".join(filter(None, cells)), (len(citations),), found.dated))
        lines.append(_line([*cells, f"[{len(citations)}]"]))
    if not citations:
        return None
    notes = [language.answers["read_as"].format(terms=_read_as(listing, language))]
    if len(rows) > len(citations):
        notes.append(language.answers["catalogue_more"].format(count=len(rows) - len(citations)))
    undated = sum(not thing.periods for thing in fitting) if listing.dates or which == "next" else 0
    if undated:
        notes.append(language.answers["catalogue_undated"].format(count=undated))
    lead = language.answers["catalogue"].format(count=len(rows))
    return _answer(question, [lead + "\n\n" + "\n".join(lines)], notes, statements, citations, language, shown)


def editions(question: str, asked: EditionQuestion, which: str, today: dt.date, shown: Shown, language: Pack) -> Answer | None:
    """The event's editions, each past or upcoming as seen from `today`; only the next or the latest where `which` says so.

    None where there is nothing to choose from, or no document says when in its text.
    """
    periods, lead = _asked_for(asked.periods, which, today), ""
    own = [spelling for spelling in asked.thing.spellings if spelling.casefold() in question.casefold()]
    named = max(own, key=len) if own else called(asked.thing, language)
    if which == "next" and all(period.standing(today) == "past" for period in periods):
        lead = language.answers["edition_next"]
    citations: list[Citation] = []
    statements: list[Statement] = []
    lines: list[str] = []
    for period in periods:
        found = _evidence(asked.thing, period, shown, language)
        if found is None or not found.dated:
            continue
        citations.append(cite(len(citations) + 1, found.chunk, found.span.first, found.span.last, shown.document(found.chunk.document_id)))
        said = f"{named}: {write_period(period, language.code)} ({language.answers[period.standing(today)]})"
        statements.append(Statement(said, (len(citations),)))
        lines.append(f"{said} [{len(citations)}]")
    if not citations:
        return None
    if not lead and len(citations) > 1:
        lead = language.answers["editions"]
    return _answer(question, ["\n".join([lead, *lines] if lead else lines)], [], statements, citations, language, shown)


def _asked_for(periods: Sequence[Period], which: str, today: dt.date) -> list[Period]:
    """Those to show, newest first: all, the next that has not ended, or the latest that has begun; failing a next one the latest."""
    begun = [period for period in periods if period.standing(today) != "upcoming"]
    ahead = [period for period in periods if period.standing(today) != "past"]
    if which == "next":
        return ahead[-1:] or begun[:1]
    return begun[:1] if which == "latest" else list(periods)


def _answer(question: str, paragraphs: list[str], notes: list[str], statements: list[Statement], citations: list[Citation], language: Pack, shown: Shown) -> Answer:
    foreign = dict.fromkeys(language.language_name(c.language) for c in citations if c.language != language.code)
    notes = [*notes, *([language.answers["untranslated"].format(language=", ".join(foreign))] if foreign and not shown.translated else [])]
    text = "\n\n".join((*paragraphs, "\n".join(notes)) if notes else paragraphs)
    return Answer(question, text, language.code, "catalogue", False, tuple(statements), tuple(citations), notes=tuple(notes))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"


def _cell(column: str, thing: Thing, periods: Sequence[Period], names: Names, language: Pack) -> str:
    if column == "name":
        return called(thing, language)
    if column == "kind":
        return _kind(thing.kind, language)
    if column == "place":
        return _placed(thing, names, language)
    if column == "dates":
        return "; ".join(write_period(p, language.code) for p in periods[:_PERIODS]) + (" …" if len(periods) > _PERIODS else "")
    hosts: Sequence[str] = thing.first(lambda r: r.organisers)
    said = [next((alias for name in names.find(host)[:1] if len(name.spellings[0]) > len(host) / 2 and (alias := readable(name.spellings, language))), host) for host in hosts[:_HOSTS]]
    return "; ".join(said) + (" …" if len(hosts) > _HOSTS else "")


def _kind(kind: str, language: Pack) -> str:
    said = language.kinds.get(kind, (kind,))[0]
    return said[:1].upper() + said[1:]


def called(thing: Thing, language: Pack) -> str:
    """The thing's name for a reader: as a document in the reader's language has it in its title, else in the reader's script."""
    for record in thing.records:
        if record.language == language.code:
            title = fold(record.title)
            if held := [spelling for spelling in thing.spellings if fold(spelling) in title]:
                return max(held, key=len)
    return readable(thing.spellings, language) or thing.spellings[0]


def _placed(thing: Thing, names: Names, language: Pack) -> str:
    """Where it is: in the documents' words, or in a reader's script that is another by the names known in it."""
    place: str = thing.first(lambda r: r.place)
    if "Latin" in language.scripts:
        return place
    known = [said for name in names.find(place) if (said := readable(name.spellings, language))]
    countries = [territory_name(code, language.code) for code in sorted(thing.any(lambda r: r.territories))]
    return ", ".join(dict.fromkeys((*known, *countries))) or place


def write_period(period: Period, language: str) -> str:
    """A period as a reader of the language writes it.

    >>> write_period(Period("2016-10-12", "2016-10-14"), "en")
    '12–14 October 2016'
    """
    first, last = period.start, period.end
    if len(first) == len(last) == 10 and first[:7] == last[:7] and first != last:
        # What closes the day is said of both: "12.–14. Oktober", "10月12日–14日".
        day, words = int(first[8:]), pack_or_english(language)
        close = re.search(r"\{day\}([^\s{]?)", words.day_format)
        joined = f"{day}{close[1] if close else ''}–{int(last[8:])}"
        return words.day_format.format(year=int(first[:4]), month=int(first[5:7]), month_name=words.month_names[int(first[5:7]) - 1], day=joined)
    return " – ".join(dict.fromkeys((write_date(first, language), write_date(last, language))))


def _read_as(listing: Listing, language: Pack) -> str:
    kinds = [_kind(kind, language) for kind in listing.kinds]
    places = [place.named(language.code) for place in listing.places]
    return " · ".join((*kinds, *places, *(said for said, _ in listing.hosts), *(write_date(iso, language.code) for iso in dict.fromkeys(listing.dates))))


def _evidence(thing: Thing, period: Period | None, shown: Shown, language: Pack) -> _Evidence | None:
    """The sentence that says most of a row: its date first, then its name and place; of equal ones that in the reader's language."""
    places = thing.any(lambda r: r.places)
    best: tuple[float, _Evidence] | None = None
    for record in sorted(thing.records, key=lambda r: r.language != language.code):
        passages = shown.passages(record.document_id)
        for order, (chunk, span) in enumerate(_sentences(passages if period else passages[:_OPENING])):
            text = chunk.text[span.start : span.end]
            dated = period is None or _says(period, text)
            if best and (best[1].dated and not dated):
                continue
            held = {name.spellings for name in shown.names.find(text)} if dated else set()
            worth = 10 * dated + 2 * (thing.spellings in held) + bool(held & places) + 3 * (record.language == language.code) - order / 1000
            if best is None or worth > best[0]:
                best = (worth, _Evidence(chunk, span, dated))
    return best[1] if best else None


def _sentences(passages: Sequence[Chunk]) -> Iterator[tuple[Chunk, Span]]:
    for chunk in passages:
        yield from ((chunk, span) for span in spans(chunk.text, chunk.language))


def _says(period: Period, text: str) -> bool:
    """True when a text names the day on which the period begins, or the month or year that is all that is known of it."""
    if period.start[:4] not in text and not any(character.isdigit() for character in text):
        return False
    named = _days(text)
    return any(iso.startswith(period.start) for iso in named) or (f"--{period.start[5:]}" in named and len(period.start) == 10)



@lru_cache(maxsize=8192)
def _days(text: str) -> tuple[str, ...]:
    """Kept, since the same sentences are asked for every period."""
    return tuple(day.iso for day in days_named(text))
