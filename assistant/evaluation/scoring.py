"""One answer against what its question's set says: ranks, nuggets, citations, abstention. Deterministic; no judge model.

It knows one item and one answer; nothing of sets, runs or statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.evaluation.sets import OVERVIEWS, Item, find, language_of, shows, subject_of
from assistant.language.detection import detect
from assistant.schema import Answer, Chunk

Range = tuple[int, int]
Located = Mapping[str, Sequence[Range]]
"""Gold by document: where its spans lie."""


@dataclass(frozen=True, slots=True)
class Found:
    """1-based ranks of the relevant passages among those searched, and how many there are in the pool."""

    ranks: tuple[int, ...] = ()
    relevant: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """What one answer is worth. Shares are None where the question has nothing to measure them by.

    `found`: by pool (`mixed`, or the language of the gold passages searched alone), where the relevant passages came.
    `valid`: citations that stand in their document, of `cited`; `precise`: those that touch gold. Of an overview, `listed` is the share of
    its things that are cited, `belonging` that of the citations that are of its things, `dated` that of its dates that the text shows;
    `kept_apart`: a question that only looks like one was not answered from the catalogue.
    """

    answered: bool
    found: Mapping[str, Found] = field(default_factory=dict)
    vital: float | None = None
    okay: float | None = None
    cited: int = 0
    valid: int = 0
    precise: int = 0
    gold_cited: bool | None = None
    language_kept: bool | None = None
    both_values: bool | None = None
    wrong: tuple[str, ...] = ()
    listed: float | None = None
    belonging: float | None = None
    dated: float | None = None
    kept_apart: bool | None = None


def locate(item: Item, text_of: Callable[[str], str | None]) -> dict[str, tuple[Range, ...]]:
    """Where the item's gold lies, by document."""
    found: dict[str, tuple[Range, ...]] = {}
    for gold in item.gold:
        found[gold.document] = (*found.get(gold.document, ()), *find(gold.quote, text_of(gold.document) or ""))
    return found


def relevant(chunk: Chunk, document: str, gold: Located) -> bool:
    """True when the passage covers half of a gold span or more: new passage boundaries void no label."""
    return any(2 * (min(chunk.end, end) - max(chunk.start, start)) >= end - start for start, end in gold.get(document, ()))


def ranks(chunks: Sequence[Chunk], gold: Located, document_of: Callable[[str], str]) -> tuple[int, ...]:
    """The 1-based ranks of the relevant passages."""
    return tuple(place for place, chunk in enumerate(chunks, 1) if relevant(chunk, document_of(chunk.document_id), gold))


def score(
    item: Item, language: str, answer: Answer, gold: Located, found: Mapping[str, Found], text_of: Callable[[str], str | None], document_of: Callable[[str], str]
) -> Score:
    """Score an answer to the item as asked in a language."""
    quotes = [(document_of(c.document_id), c) for c in answer.citations]
    valid = sum(bool(text) and text[c.start : c.end] == c.quote for d, c in quotes for text in (text_of(d) or "",))
    precise = sum(any(c.start < end and start < c.end for start, end in gold.get(d, ())) for d, c in quotes)
    said = [(answer.text, language), *((c.quote, language_of(d)) for d, c in quotes)]
    vital, okay = (
        None if not nuggets else sum(any(n.matches(text, own) for text, own in said) for n in nuggets) / len(nuggets)
        for nuggets in ([n for n in item.nuggets if n.vital], [n for n in item.nuggets if not n.vital])
    )
    answered = not answer.abstained
    both = None
    if item.values and answered:
        both = all(any(v.nugget.matches(c.quote, language_of(d)) for d, c in quotes) for v in item.values)
    made = Score(
        answered, dict(found), (vital if answered else 0.0) if item.answerable and vital is not None else None,
        (okay if answered else 0.0) if item.answerable and okay is not None else None,
        len(quotes), valid, precise, (precise > 0) if item.answerable and answered else None, kept_language(answer, language), both,
    )  # fmt: skip
    if item.kind in OVERVIEWS:
        return replace(made, **_overview(item, answer, [d for d, _ in quotes]))
    return replace(made, wrong=tuple(_wrong(item, made)))


def _overview(item: Item, answer: Answer, documents: Sequence[str]) -> dict[str, Any]:
    if item.kind == "apart":
        kept = answer.mode != "catalogue"
        return {"kept_apart": kept, "wrong": () if kept else ("answered with a list, though none was asked for",)}
    subjects = [subject_of(document) for document in documents]
    listed = sum(thing in subjects for thing in item.things) / len(item.things)
    belonging = sum(subject in item.things for subject in subjects) / len(subjects) if subjects else None
    dated = sum(shows(date, answer.text) for date in item.dates) / len(item.dates) if item.dates else None
    wrong = [what for what, share in (("a thing is not listed", listed), ("something else is listed", belonging), ("a date is not shown", dated)) if share is not None and share < 1]
    return {"listed": listed, "belonging": belonging, "dated": dated, "wrong": tuple(wrong)}


def kept_language(answer: Answer, language: str) -> bool | None:
    """Whether what the answer says beside its quotes is in the question's language; None when it is all quotes."""
    text = answer.text
    for citation in answer.citations:
        text = text.replace(citation.quote, " ")
    if sum(character.isalpha() for character in text) < 8:
        return None
    return detect(text) == language


def _wrong(item: Item, score: Score) -> list[str]:
    """What went wrong, in the words of the report."""
    found = []
    if not item.answerable:
        return ["answered, though the documents do not hold it"] if score.answered else []
    if "mixed" in score.found and not score.found["mixed"].ranks:
        found.append("the passage was not found")
    if not score.answered:
        found.append("abstained")
    elif score.vital is not None and score.vital < 1:
        found.append("a vital nugget is missing")
    if score.cited and not score.precise:
        found.append("cited something else")
    if score.valid < score.cited:
        found.append("a citation is not in its document")
    if score.both_values is False:
        found.append("not all of the conflicting values are cited")
    return found
