"""What a question asks of the catalogue: "Which forums took place in Beijing in 2024?" -> forums, Beijing, 2024.

A question is one for the catalogue only when everything in it is understood: whatever else it says asks for something else. It knows packs,
names and the catalogue's records; nothing of answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from assistant.language.dates import find_dates
from assistant.language.lexical import fold, fold_word, lexical_tokens
from assistant.language.packs import pack_or_english
from assistant.language.phrases import all_phrases, folded
from assistant.language.scripts import is_unspaced, script_of
from assistant.language.territories import find_territories, lies_in, territory_name
from assistant.retrieval.catalogue import EVENTS, Catalogue, Period, Record, Spellings, Thing
from assistant.retrieval.names import FoundName, Names
from assistant.retrieval.questions import kind_of, light_tokens, stopwords

# What kinds of question may ask for a list; "which organisations" asks for a who.
_MAY_LIST = ("list", "")
_WHO = "organisation"
# Most words between "which" and the kind ("life science parks"), and most characters of a Korean particle.
_MODIFIERS = 3
_PARTICLE = 3
# Languages that put what is listed before the words that ask for the list.
_KIND_FIRST = ("ja", "zh", "ko")


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a question: a country's or continent's code, a known name's spellings, or a word of the records' places."""

    said: str
    territory: str = ""
    spellings: Spellings = ()

    def holds(self, record: Record) -> bool:
        if self.territory:
            return any(lies_in(country, self.territory) for country in record.territories)
        return self.spellings in record.places if self.spellings else self.said in lexical_tokens(record.place)

    def named(self, language: str) -> str:
        """As the language names a territory; else as the question does."""
        return territory_name(self.territory, language) if self.territory else self.said


@dataclass(frozen=True, slots=True)
class Listing:
    """What a thing must be to be listed. `dates` are ISO days, months or years; `hosts` those who organise."""

    kinds: tuple[str, ...]
    places: tuple[Place, ...] = ()
    dates: tuple[str, ...] = ()
    hosts: tuple[tuple[str, Spellings], ...] = ()

    def fits(self, thing: Thing) -> bool:
        """True when the thing is what was asked for, its dates aside."""
        kinds = {*self.kinds, *(EVENTS if "event" in self.kinds else ())}
        held = [any(place.holds(record) for record in thing.records) for place in self.places]
        # "In Germany and France" is either; "in Changping, Beijing" both.
        placed = any(held) if all(place.territory for place in self.places) else all(held)
        return thing.kind in kinds and (placed or not self.places) and all(host in thing.any(lambda r: r.hosts) for _, host in self.hosts)

    def periods(self, thing: Thing) -> tuple[Period, ...]:
        """The thing's periods that meet the dates; all without any."""
        return thing.during(self.dates)


def may_ask(text: str, language: str, *, timed: bool) -> bool:
    """False where a question surely asks nothing of a catalogue, which then need not be read: it names no kind and asks for no date."""
    said = folded(text)
    kinds = pack_or_english(language).kinds.values()
    return timed or kind_of(text, language)[0] == "date" or any(all_phrases(said, phrases) for phrases in kinds)


def listing_of(text: str, language: str, catalogue: Catalogue, names: Names, *, telling: Callable[[str], bool]) -> Listing | None:
    """What a question asks of the catalogue; None where it asks for something else.

    `telling` is false of a word that tells nothing apart.
    """
    words = pack_or_english(language)
    asked, _ = kind_of(text, language)
    said = folded(text)
    parts = _parts(said, language, catalogue, names)
    kinds = tuple(dict.fromkeys(part.kind for part in parts if part.role == "K"))
    if not kinds or any(part.role == "X" for part in parts):
        return None
    # 日本の展示会は何ですか asks as a definition does.
    narrowed = asked == "definition" and language in _KIND_FIRST and any(part.role == "N" for part in parts)
    if asked not in _MAY_LIST and not narrowed and not (asked == "who" and kinds == (_WHO,)):
        return None
    found = _shape("".join(part.role for part in parts), words.code)
    if found is None:
        return None
    listing = _read(said, kinds, parts)
    modifiers = range(*found)
    for place, part in enumerate(parts):
        if part.role != "T":
            continue
        if place in modifiers:
            if telling(part.text):
                return None
        elif catalogue.place_words.issuperset(lexical_tokens(part.text)):
            listing = replace(listing, places=(*listing.places, Place(lexical_tokens(part.text)[0])))
        else:
            return None
    return listing


def going_on(text: str, language: str, before: Listing, catalogue: Catalogue, names: Names) -> Listing | None:
    """What a question asks that only changes the one before: "and in Japan?", 2025年は？; None where it asks for something else."""
    said = folded(text)
    parts = _parts(said, language, catalogue, names)
    if kind_of(text, language)[0] not in _MAY_LIST or any(part.role in "TX" for part in parts):
        return None
    now = _read(said, tuple(dict.fromkeys(part.kind for part in parts if part.role == "K")), parts)
    if now == Listing(()):
        return None
    return Listing(now.kinds or before.kinds, now.places or before.places, now.dates or before.dates, now.hosts or before.hosts)


def _read(question: str, kinds: tuple[str, ...], parts: Sequence[_Part]) -> Listing:
    hosts = tuple((part.text, part.spellings) for part in parts if part.role == "N" and part.spellings and not part.place)
    return Listing(kinds, tuple(part.place for part in parts if part.place), _dates(question), hosts)


def _dates(question: str) -> tuple[str, ...]:
    """Days, months and years of a question, ISO; a day without its year is none."""
    return tuple(date.iso for date in find_dates(question) if not date.iso.startswith("--"))


def _shape(roles: str, language: str) -> tuple[int, int] | None:
    """Where the words stand that describe the kind, where the order of roles asks for a list; None where it does not.

    L a phrase that asks for all, K a kind, T a telling word, S another word, N a place, a host or a date.
    """
    # "which [life science] parks", "どのような[医療]プラットフォーム"; several kinds may follow one another, but nowhere else may one stand.
    ahead = re.fullmatch(rf"[^LK]*L[SLN]*(T{{0,{_MODIFIERS}}})K(?:[SN]*K)*[^K]*", roles)
    if ahead:
        return ahead.span(1)
    # "[医薬]フォーラムの一覧", "论坛有哪些": nothing that tells may stand between or behind.
    behind = re.fullmatch(rf"[^LKT]*(?:[SN]*)(T{{0,{_MODIFIERS}}})K(?:[SN]*K)*[SN]*L[SLN]*", roles)
    return behind.span(1) if behind and language in _KIND_FIRST else None


@dataclass(frozen=True, slots=True)
class _Part:
    """`role` is X for a name that is neither a place nor a host; the others as in `_shape`. `spellings` are a name's."""

    role: str
    text: str = ""
    kind: str = ""
    place: Place | None = None
    spellings: Spellings = ()


def _parts(question: str, language: str, catalogue: Catalogue, names: Names, asking: str = "") -> list[_Part]:
    """The folded question in parts; `asking` is a phrase of it that asks for nothing more."""
    words = pack_or_english(language)
    spans: list[tuple[int, int, _Part]] = [(start, end, _Part("S")) for start, end in all_phrases(question, [asking] if asking else [])]

    def free(start: int, end: int) -> bool:
        return all(end <= a or b <= start for a, b, _ in spans)

    for name in names.find(question):
        said = question[name.start : name.end]
        territories = [found for found in find_territories(said, language) if (found.start, found.end) == (0, len(said))]
        if name.spellings in catalogue.places:
            part = _Part("N", said, place=Place(_written(name, said), spellings=name.spellings), spellings=name.spellings)
        elif name.spellings in catalogue.hosts:
            part = _Part("N", _written(name, said), spellings=name.spellings)
        elif territories:
            part = _Part("N", said, place=Place(said, territory=territories[0].code))
        else:
            part = _Part("X", said, spellings=name.spellings)
        if free(name.start, name.end):
            spans.append((name.start, name.end, part))
    for territory in find_territories(question, language):
        if free(territory.start, territory.end):
            spans.append((territory.start, territory.end, _Part("N", place=Place(question[territory.start : territory.end], territory=territory.code))))
    spans += [(date.start, date.end, _Part("N")) for date in find_dates(question) if free(date.start, date.end)]
    by_kind = [(start - end, start, end, kind) for kind, phrases in words.kinds.items() for start, end in all_phrases(question, phrases)]
    for _, start, end, kind in sorted(by_kind):
        if free(start, end):
            spans.append((start, end, _Part("K", kind=kind)))
    # A phrase that asks for all may hold the kind itself ("qué foros").
    for start, end in all_phrases(question, words.listing):
        inner = [a for a, b, _ in spans if start < b and a < end]
        if not inner or min(inner) > start:
            spans.append((start, min([end, *inner]), _Part("L")))
    parts: list[_Part] = []
    position = 0
    for start, end, part in sorted(spans, key=lambda span: span[:2]):
        parts += _others(question[position:start], language, behind=position > 0)
        parts.append(part)
        position = end
    return [*parts, *_others(question[position:], language, behind=position > 0)]


def _written(name: FoundName, said: str) -> str:
    """As the name is written, which the folded question does not show."""
    return next((spelling for spelling in name.spellings if fold(spelling) == said), said)


@dataclass(frozen=True, slots=True)
class EditionQuestion:
    """A question for the dates of an event: of the `periods` that meet the question's own dates, or of all that there are."""

    thing: Thing
    periods: tuple[Period, ...]


def editions_of(text: str, language: str, catalogue: Catalogue, names: Names, things: Callable[[], Sequence[Thing]], *, timed: bool) -> EditionQuestion | None:
    """The event whose dates a question asks for and nothing else; None for other questions.

    `timed` is true of a question that says when as seen from today ("next", "last year"), which need not say "when" as well.
    """
    asked, asking = kind_of(text, language)
    said = folded(text)
    if asked != "date" and not (timed and asked in _MAY_LIST):
        return None
    parts = _parts(said, language, catalogue, names, asking)
    if any(part.role == "T" for part in parts):
        return None
    named = {part.spellings for part in parts if part.spellings in catalogue.dated}
    about = [thing for thing in things() if thing.spellings in named] if named else []
    if len(about) != 1:
        return None
    return EditionQuestion(about[0], about[0].during(_dates(said)))


def _others(text: str, language: str, *, behind: bool) -> list[_Part]:
    """What stands between marks, or `behind` one: telling words, and others."""
    spaced, runs = stopwords(language)
    passing, passing_runs = _passing(language)
    found: list[_Part] = []
    for word in re.findall(r"[^\W_]+(?:[-.'’][^\W_]+)*", text):
        if not is_unspaced(word[0]):
            # "a-t-elle", "s'est": each part for itself.
            bits = [bit for bit in re.split(r"[-.'’]", word) if len(bit) > 1]
            tells = any(fold_word(bit) not in spaced and fold_word(bit) not in passing and not light_tokens(language).issuperset(lexical_tokens(bit)) for bit in bits)
            found.append(_Part("T" if tells else "S", word))
            continue
        if script_of(word[0]) == "Hangul":
            # A Korean word says at its beginning what it is; what is joined to a mark is its particle.
            particle = behind and text.startswith(word) and len(word) <= _PARTICLE
            tells = len(word) > 1 and not particle and not any(word.startswith(stem) for stem in passing_runs) and bool(_bare(word, runs))
            found.append(_Part("T" if tells else "S", word))
            continue
        left = word
        for phrase in passing_runs:
            left = left.replace(phrase, " ")
        for piece in _bare(left, runs).split():
            # What hiragana is left is grammar.
            tells = any(script_of(c) not in ("Hiragana", "") for c in piece) and len(piece) > 1
            found.append(_Part("T" if tells else "S", piece))
        if len(_bare(left, runs).strip()) < len(word):
            found.append(_Part("S", ""))
    return found


def _bare(text: str, runs: re.Pattern[str] | None) -> str:
    return runs.sub(" ", text) if runs else text


@cache
def _passing(language: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """What may stand in such a question and asks for nothing: words of spaced scripts, and runs of the others, longest first."""
    item = pack_or_english(language)
    # What changes with today has been read by then.
    said = [fold(word) for word in (*item.beside, *item.light, *(word for group in item.time.values() for word in group))]
    spaced = frozenset(fold_word(part) for word in said for part in word.split() if not is_unspaced(word[0]))
    return spaced, tuple(sorted({word for word in said if is_unspaced(word[0])}, key=len, reverse=True))

