"""Answers without a language model: the sentences that answer, quoted and cited, or an honest refusal.

It knows passages, evidence and language packs; it knows nothing of the index's files or of any interface.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from assistant.answering.citations import cite
from assistant.answering.evidence import Held, Needs, TokenSet, held_by, kind_strength, tokens_of
from assistant.language.dates import write_date
from assistant.language.packs import Pack, pack, pack_or_english
from assistant.language.sentences import sentences
from assistant.retrieval.names import Names
from assistant.schema import Answer, Chunk, Citation, Document, ScoredChunk, Statement
from assistant.settings import AnsweringSettings

# A further quote must be nearly as good as the first, or it is noise.
_WORTH = 0.85
# What a find counts in a sentence's heading, title, and the rest of its passage; in the sentence itself it counts 1.
_HEADING, _TITLE, _PASSAGE = 0.85, 0.7, 0.4
_LEAST = 0.15
# A word of the question that stands in no document makes an answer unlikely: so much more must be held.
_UNSEEN = 0.12
_FOREIGN = 0.15
_LITERAL = 0.7
_KIND = 0.4
_PER_RANK = 0.01
# "X is …" defines X, most surely where a document begins.
_DEFINES = 0.3
_LIST_ITEM = re.compile(r"\s*(?:[-•*·▪]|\d{1,2}[.)])\s")
_LONGEST_LIST = 900
# A small table is quoted whole: its rows say nothing without their header.
_ROW = " | "
_LONGEST_TABLE = 500
_OPENS_LIST = (":", "：")
_TAKES_LISTS = ("list", "who", "reason", "definition", "")
_NEAREST_NAMED = 3
# The most that a sentence can score; what `confidence` is a share of.
_BEST = 1 + _KIND + _DEFINES


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence (or whole list) of a passage: `chunk.text[start:end]`, with what it is worth as an answer."""

    chunk: Chunk
    start: int
    end: int
    score: float
    strength: float
    tokens: TokenSet

    @property
    def text(self) -> str:
        return self.chunk.text[self.start : self.end]


def answer(
    wanted: Needs, passages: Sequence[ScoredChunk], documents: Callable[[str], Document], names: Names, settings: AnsweringSettings, language: str = ""
) -> Answer:
    """The extractive answer, or an abstention that offers the nearest passages; in `language`, else the question's.

    Raises SettingsError for a `language` without a pack.
    """
    question = wanted.question
    words = pack(language) if language else pack_or_english(question.language)
    candidates = sorted(_candidates(wanted, passages, names, settings.evidence), key=lambda c: -c.score)
    if not candidates:
        return refuse(wanted, passages[: settings.top_k], words)
    chosen = _choose(candidates, settings.quotes, question.kind)
    cited = {candidate.chunk.id for candidate in chosen}
    shown = [p for p in passages if p.rank <= settings.top_k or p.chunk.id in cited]
    made = _compose(question.text, words, chosen, shown, documents)
    return replace(made, confidence=max(0.0, min(1.0, chosen[0].score / _BEST)))


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


def _candidates(wanted: Needs, passages: Sequence[ScoredChunk], names: Names, evidence: float) -> list[Candidate]:
    """Sentences of passages that hold enough of the question, and that hold the kind of thing it asks for."""
    kind = wanted.question.kind
    found: list[Candidate] = []
    begins: dict[str, int] = {}
    for scored in passages:
        chunk = scored.chunk
        begins[chunk.document_id] = min(chunk.start, begins.get(chunk.document_id, chunk.start))
    for scored in passages:
        chunk = scored.chunk
        if not chunk.text:
            continue
        foreign = chunk.language != wanted.question.language
        heading, title, whole = tokens_of(chunk.heading), tokens_of(chunk.title), tokens_of(chunk.text)
        context = ((heading, _HEADING), (title, _TITLE), (whole, _PASSAGE))
        if not _enough(wanted, chunk, held_by(wanted, ((whole, 1.0), (heading, 1.0), (title, 1.0))), evidence):
            continue
        for start, end in _units(chunk, kind):
            text = chunk.text[start:end]
            tokens = tokens_of(text)
            near = held_by(wanted, ((tokens, 1.0), (heading, _HEADING)))
            # A sentence that says only the names says nothing about them; one in another language must say them itself.
            if near.all < _LEAST or (near.words == 0 and kind != "date") or (foreign and not _named(wanted, near)):
                continue
            strength = kind_strength(kind, text, chunk.language, names, wanted.question.names)
            if not strength:
                continue
            score = held_by(wanted, ((tokens, 1.0), *context)).all + _KIND * strength - _PER_RANK * scored.rank
            if foreign:
                score -= _FOREIGN
            if kind in ("definition", "place") and any(tokens.starts_with(spelling) for spellings, _ in wanted.names for spelling in spellings):
                score += _DEFINES if start == 0 and chunk.start == begins[chunk.document_id] else _DEFINES / 2
            found.append(Candidate(chunk, start, end, score, strength, tokens))
    return found


def _enough(wanted: Needs, chunk: Chunk, held: Held, evidence: float) -> bool:
    """True when a passage with its title may answer at all.

    In the question's language its own terms must be held, not only its names, or "the budget of the X forum" would be
    answered by anything about X. Across languages words say nothing without a model: there a date beside the names
    may answer, nothing else.
    """
    kind = wanted.question.kind
    if held.names < 0.5:
        return False
    if chunk.language != wanted.question.language:
        if not _named(wanted, held) or not (kind == "date" or held.words >= evidence):
            return False
        if kind == "date":
            return True
    needed = evidence + (_UNSEEN if wanted.unseen else 0.0)
    return held.all >= needed and (kind == "date" or held.words >= needed * 0.7)


def _named(wanted: Needs, held: Held) -> bool:
    """True when a text in another language is about what the question names: its known names stand there, or most of
    its words do letter for letter, as an unknown name's would.
    """
    return held.names >= 0.8 if wanted.anchored else held.literal >= _LITERAL


def _units(chunk: Chunk, kind: str) -> list[tuple[int, int]]:
    """Sentences; one that opens a list (with a colon) and the list are one unit, up to 900 characters."""
    units: list[tuple[int, int]] = []
    for start, end in sentences(chunk.text, chunk.language):
        if units:
            first, last = units[-1]
            if _ROW in chunk.text[first:last] and _ROW in chunk.text[start:end] and end - first <= _LONGEST_TABLE and "\n\n" not in chunk.text[last:start]:
                units[-1] = (first, end)
                continue
            opened = chunk.text[first:last].endswith(_OPENS_LIST)
            item = bool(_LIST_ITEM.match(chunk.text, start))
            goes_on = item and (_LIST_ITEM.match(chunk.text, first) or "\n" in chunk.text[first:last])
            if (opened or (goes_on and kind in _TAKES_LISTS)) and end - first <= _LONGEST_LIST:
                units[-1] = (first, end)
                continue
        units.append((start, end))
    return units


def _choose(candidates: Sequence[Candidate], quotes: int, kind: str) -> list[Candidate]:
    """The best sentence, then further ones that are nearly as good and say something else."""
    best = candidates[0]
    chosen = [best]
    # One fact was asked for: another document may confirm or contradict it, more is noise.
    single = kind in ("date", "number", "place")
    for other in candidates[1:]:
        if len(chosen) == (min(quotes, 2) if single else quotes):
            break
        if other.score < _WORTH * best.score or other.strength < best.strength or any(_same(other, c) for c in chosen):
            continue
        if single and other.chunk.document_id == best.chunk.document_id:
            continue
        chosen.append(other)
    return chosen


def _same(a: Candidate, b: Candidate) -> bool:
    """True when two sentences say the same in the same words, or overlap in one document."""
    if a.chunk.document_id == b.chunk.document_id and a.chunk.start + a.start < b.chunk.start + b.end and b.chunk.start + b.start < a.chunk.start + a.end:
        return True
    one, other = set(a.tokens.sequence), set(b.tokens.sequence)
    return len(one & other) > 0.8 * max(1, min(len(one), len(other)))


def _compose(question: str, language: Pack, chosen: Sequence[Candidate], passages: Sequence[ScoredChunk], documents: Callable[[str], Document]) -> Answer:
    by_document: dict[str, list[Candidate]] = {}
    for candidate in chosen:
        by_document.setdefault(candidate.chunk.document_id, []).append(candidate)
    citations: list[Citation] = []
    statements: list[Statement] = []
    paragraphs: list[str] = []
    notes = _links(passages, language)
    for document_id, members in by_document.items():
        document = documents(document_id)
        lines = [_lead_in(language, document)]
        for candidate in sorted(members, key=lambda c: c.chunk.start + c.start):
            citation = cite(len(citations) + 1, candidate.chunk, candidate.start, candidate.end, document)
            citations.append(citation)
            statements.append(Statement(citation.quote, (citation.number,)))
            lines.append(f"{citation.quote} [{citation.number}]")
        if document.display == "excerpt":
            notes.append(f"{document.title}: {language.answers['excerpt_only']}")
        if document.language != language.code:
            note = language.answers["untranslated"].format(language=language.language_name(document.language))
            if note not in notes:
                notes.append(note)
        paragraphs.append("\n".join(lines))
    text = "\n\n".join((*paragraphs, "\n".join(notes)) if notes else paragraphs)
    return Answer(question, text, language.code, "extractive", False, tuple(statements), tuple(citations), tuple(passages), notes=tuple(notes))


def _lead_in(language: Pack, document: Document) -> str:
    foreign = document.language != language.code
    key = ("lead_in_foreign" if foreign else "lead_in") + ("" if document.date else "_undated")
    fields: Mapping[str, str] = {
        "title": document.title, "date": write_date(document.date, language.code), "language": language.language_name(document.language),
    }  # fmt: skip
    return language.answers[key].format(**fields)
