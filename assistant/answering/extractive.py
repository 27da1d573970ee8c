"""Answers without a language model: the sentences that answer, quoted and cited, or an honest refusal.

Which sentence answers is what `selection` has learnt; here it is cut out, freed of repetitions, and put into words. It knows passages and
language packs; it knows nothing of the index's files or of any interface.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from assistant.answering.citations import cite
from assistant.answering.evidence import Needs, kind_strength
from assistant.answering.matching import Matcher, Matrix
from assistant.answering.selection import Selection, Weighed
from assistant.answering.units import Unit, units_of
from assistant.answering.values import asked_for, in_readers_words, values_of
from assistant.language.dates import write_date
from assistant.language.packs import Pack, pack, pack_or_english
from assistant.retrieval.names import Names
from assistant.retrieval.questions import Question, kinds_of
from assistant.schema import Answer, Citation, Document, ScoredChunk, Statement
from assistant.settings import AnsweringSettings

# How much less than the best a neighbour may score to be quoted with it, and a further quote to be shown (logits; chosen on dev,
# docs/decisions/008-answers.md).
_NEIGHBOUR = 2.0
_FURTHER = 0.7
# Units of which one says what the other says (cosine), and how much less a unit in the reader's language may score to stand for both.
_SAME = 0.6
_SAME_VALUES = 0.35  # of units that give the same dates and numbers
_OWN_LANGUAGE = 0.7
_LONGEST = 700
_NEAREST_NAMED = 3
_SEVERAL = ("list", "who", "")


@dataclass(frozen=True, slots=True)
class Considered:
    """A question with every unit that might answer it, in the order of their passages, and what is said of each [units, FEATURES]."""

    wanted: Needs
    units: tuple[Unit, ...]
    features: Matrix
    vectors: Matrix

    @property
    def kind(self) -> str:
        """The kind of thing asked for."""
        return self.wanted.question.kind


@dataclass(frozen=True, slots=True)
class Quote:
    """`chunk.text[start:end]` of a unit's passage, with the unit that answers."""

    unit: Unit
    start: int
    end: int


def consider(wanted: Needs, passages: Sequence[ScoredChunk], names: Names, matcher: Matcher) -> Considered:
    """What the passages hold that might answer; of one that may only be linked to, nothing."""
    units = units_of(passages)
    found = matcher.match(wanted, units, names)
    return Considered(wanted, tuple(units), found.features, found.vectors)


def answer(
    considered: Considered, passages: Sequence[ScoredChunk], documents: Callable[[str], Document], names: Names, selection: Selection, settings: AnsweringSettings,
    language: str = "",
) -> Answer:
    """The extractive answer, or an abstention that offers the nearest passages; in `language`, else the question's.

    Raises SettingsError for a `language` without a pack.
    """  # fmt: skip
    question = considered.wanted.question
    words = pack(language) if language else pack_or_english(question.language)
    if not considered.units:
        return refuse(considered.wanted, passages[: settings.top_k], words)
    weighed = selection.weigh(considered.features, question.kind)
    needed = selection.needed(question.language) if settings.confidence is None else settings.confidence
    if weighed.confidence < needed or not _about_anything(considered):
        return replace(refuse(considered.wanted, passages[: settings.top_k], words), confidence=weighed.confidence)
    chosen = choose(considered, weighed, settings.quotes, words.code)
    cited = {quote.unit.chunk.id for quote in chosen}
    shown = [p for p in passages if p.rank <= settings.top_k or p.chunk.id in cited]
    return replace(_compose(considered, words, chosen, shown, documents, names), confidence=weighed.confidence)


def confidence(considered: Considered, selection: Selection) -> float:
    """How likely (0 to 1) the best unit answers the question; 0 where there is none."""
    return selection.weigh(considered.features, considered.kind).confidence if considered.units else 0.0


def noted(answer: Answer, key: str, **fields: str) -> Answer:
    """The answer with one of its language's notes behind it."""
    note = pack_or_english(answer.language).answers[key].format(**fields)
    separator = "\n" if answer.notes else "\n\n"
    return replace(answer, text=f"{answer.text}{separator}{note}", notes=(*answer.notes, note))


def _about_anything(considered: Considered) -> bool:
    """False for a question without a telling word or name: nothing can answer that."""
    return bool(considered.wanted.terms or considered.wanted.names)


def _links(passages: Sequence[ScoredChunk], language: Pack) -> list[str]:
    """Documents among the best passages that may only be linked to, with their links."""
    found = [p.chunk for p in passages[:_NEAREST_NAMED] if not p.chunk.text]
    return list(dict.fromkeys(f"{c.title}: {language.answers['link_only']} {c.source}".strip() for c in found))


def refuse(wanted: Needs, passages: Sequence[ScoredChunk], language: Pack) -> Answer:
    """Says that the documents hold no answer, what was looked for, and which passages come nearest."""
    lines = [language.answers["refusal"]]
    if wanted.question.keywords:
        lines.append(language.answers["refusal_looked_for"].format(terms=", ".join(wanted.question.keywords)))
    if passages:
        titles = list(dict.fromkeys(p.chunk.title for p in passages))[:_NEAREST_NAMED]
        lines.append(language.answers["refusal_nearest"] + "\n" + "\n".join(f"- {title}" for title in titles))
    notes = _links(passages, language)
    text = "\n".join((*lines, *notes))
    return Answer(wanted.question.text, text, language.code, "abstained", True, passages=tuple(passages), notes=tuple(notes))


def choose(considered: Considered, weighed: Weighed, most: int, language: str) -> list[Quote]:
    """The best unit with a neighbour that is nearly as good, then further ones that are nearly as good and say something else.

    Of units that say the same in several languages the one in the reader's is quoted.
    """
    units, scores = considered.units, weighed.scores
    order = np.argsort(-scores, kind="stable").tolist()
    limit = min(most, 3 if considered.kind in _SEVERAL else 2)
    chosen: list[int] = []
    found: list[Quote] = []
    for place in order:
        if len(found) == limit or scores[place] < scores[order[0]] - _FURTHER:
            break
        place = _own_language(considered, scores, place, language)
        if any(_repeats(considered, place, other) for other in chosen):
            continue
        quote = _with_neighbour(units, scores, place)
        if any(quote.unit.chunk.document_id == q.unit.chunk.document_id and _overlap(quote, q) for q in found):
            continue
        chosen.append(place)
        found.append(quote)
    return found


def _own_language(considered: Considered, scores: NDArray[np.float64], place: int, language: str) -> int:
    units = considered.units
    if units[place].chunk.language == language:
        return place
    alike = considered.vectors @ considered.vectors[place]
    own = [
        other for other, unit in enumerate(units)
        if unit.chunk.language == language and alike[other] > _SAME and scores[other] > scores[place] - _OWN_LANGUAGE and _values(unit) == _values(units[place])
    ]  # fmt: skip
    return max(own, key=lambda other: float(scores[other]), default=place)


def _values(unit: Unit) -> frozenset[str]:
    return values_of(unit.text, unit.chunk.language)


def _repeats(considered: Considered, one: int, other: int) -> bool:
    """True when both say the same; what gives other dates or numbers does not repeat but contradict."""
    values = _values(considered.units[one])
    alike = float(considered.vectors[one] @ considered.vectors[other]) > (_SAME_VALUES if values else _SAME)
    return one == other or (alike and values == _values(considered.units[other]))


def _with_neighbour(units: Sequence[Unit], scores: NDArray[np.float64], place: int) -> Quote:
    unit = units[place]
    start, end = unit.span.first, unit.span.last
    near = [
        other for other in (place - 1, place + 1)
        if 0 <= other < len(units) and units[other].chunk.id == unit.chunk.id and scores[other] > scores[place] - _NEIGHBOUR
    ]  # fmt: skip
    if near:
        span = units[max(near, key=lambda other: float(scores[other]))].span
        wide = (min(start, span.first), max(end, span.last))
        if wide[1] - wide[0] <= max(_LONGEST, end - start):
            start, end = wide
    return Quote(unit, start, end)


def _overlap(one: Quote, other: Quote) -> bool:
    a, b = one.unit.chunk.start, other.unit.chunk.start
    return a + one.start < b + other.end and b + other.start < a + one.end


def _compose(
    considered: Considered, language: Pack, chosen: Sequence[Quote], passages: Sequence[ScoredChunk], documents: Callable[[str], Document], names: Names
) -> Answer:
    by_document: dict[str, list[Quote]] = {}
    for quote in chosen:
        by_document.setdefault(quote.unit.chunk.document_id, []).append(quote)
    citations: list[Citation] = []
    statements: list[Statement] = []
    paragraphs: list[str] = []
    notes = _links(passages, language)
    for document_id, members in by_document.items():
        document = documents(document_id)
        lines = [_lead_in(language, document)]
        for quote in sorted(members, key=lambda q: q.unit.chunk.start + q.start):
            citation = _emphasised(cite(len(citations) + 1, quote.unit.chunk, quote.start, quote.end, document), quote, considered.wanted.question, names)
            citations.append(citation)
            statements.append(Statement(citation.quote, (citation.number,)))
            if quote.unit.chunk.language != language.code and (said := in_readers_words(quote.unit, considered.wanted.question, names, language)):
                lines.append(f"→ {said}")
            lines.append(f"{citation.quote} [{citation.number}]")
        if document.display == "excerpt":
            notes.append(f"{document.title}: {language.answers['excerpt_only']}")
        if document.language != language.code:
            note = language.answers["untranslated"].format(language=language.language_name(document.language))
            if note not in notes:
                notes.append(note)
        paragraphs.append("\n".join(lines))
    notes += _conflict(considered, chosen, citations, language)
    notes += [language.answers[f"missing_{kind}"] for kind in _missing(considered.wanted.question, chosen, names)]
    text = "\n\n".join((*paragraphs, "\n".join(notes)) if notes else paragraphs)
    question = considered.wanted.question.text
    return Answer(question, text, language.code, "extractive", False, tuple(statements), tuple(citations), tuple(passages), notes=tuple(notes))


def _emphasised(citation: Citation, quote: Quote, question: Question, names: Names) -> Citation:
    """The citation with what was asked for in the unit that answers; its neighbours say other things."""
    unit = quote.unit
    return replace(citation, asked=tuple((unit.span.start - quote.start + a, unit.span.start - quote.start + b) for a, b in asked_for(unit.text, unit.chunk.language, question, names)))


def _conflict(considered: Considered, chosen: Sequence[Quote], citations: Sequence[Citation], language: Pack) -> list[str]:
    """A note where quotes of several documents answer the same with other dates or numbers; the newest is named where they are dated."""
    question, units = considered.wanted.question, considered.units
    if question.kind not in ("date", "number"):
        return []
    known = values_of(question.text, question.language)
    values = [_values(q.unit) - known for q in chosen]
    for (i, one), (j, other) in combinations(enumerate(chosen), 2):
        apart = one.unit.chunk.document_id != other.unit.chunk.document_id and values[i] and values[j] and not values[i] & values[j]
        if apart and float(considered.vectors[units.index(one.unit)] @ considered.vectors[units.index(other.unit)]) > _SAME_VALUES:
            cited = [c for c in citations if c.document_id in (one.unit.chunk.document_id, other.unit.chunk.document_id)]
            newest = max(cited, key=lambda c: c.date)
            if all(c.date for c in cited):
                return [language.answers["conflict"].format(number=newest.number, date=write_date(newest.date, language.code))]
            return [language.answers["conflict_undated"]]
    return []


def _missing(question: Question, chosen: Sequence[Quote], names: Names) -> list[str]:
    """Of several kinds of value that a question asks for ("when and where") those that no quote holds."""
    kinds = kinds_of(question.text, question.language)
    if len(kinds) < 2:
        return []
    quoted = [(q.unit.chunk.text[q.start : q.end], q.unit.chunk.language) for q in chosen]
    return [kind for kind in kinds if not any(kind_strength(kind, text, language, names, question.names) for text, language in quoted)]


def _lead_in(language: Pack, document: Document) -> str:
    foreign = document.language != language.code
    key = ("lead_in_foreign" if foreign else "lead_in") + ("" if document.date else "_undated")
    fields: Mapping[str, str] = {
        "title": document.title, "date": write_date(document.date, language.code), "language": language.language_name(document.language),
    }  # fmt: skip
    return language.answers[key].format(**fields)
