"""Answers without a language model: the sentences that answer, quoted and cited, or an honest refusal.

It knows passages, evidence and language packs; it knows nothing of the index's files or of any interface.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.answering.citations import cite
from assistant.answering.evidence import Needs, TokenSet, coverage, kind_strength, name_coverage
from assistant.language.dates import write_date
from assistant.language.packs import FALLBACK, Pack, codes, pack
from assistant.language.sentences import sentences
from assistant.retrieval.names import Names
from assistant.schema import Answer, Chunk, Citation, Document, ScoredChunk, Statement
from assistant.settings import AnsweringSettings

# A further quote must be nearly as good as the first, or it is noise.
_WORTH = 0.72
_LIST_ITEM = re.compile(r"(?:^|\n)\s*(?:[-•*·▪]|\d{1,2}[.)])\s")
_LONGEST_LIST = 900
_OPENS_LIST = (":", "：")
_TAKES_LISTS = ("list", "who", "reason", "definition", "")
_NEAREST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence (or whole list) of a passage: `chunk.text[start:end]`, with what it is worth as an answer."""

    chunk: Chunk
    start: int
    end: int
    score: float
    tokens: TokenSet

    @property
    def text(self) -> str:
        return self.chunk.text[self.start : self.end]


def answer(
    wanted: Needs, passages: Sequence[ScoredChunk], documents: Callable[[str], Document], names: Names, settings: AnsweringSettings, language: str = ""
) -> Answer:
    """The extractive answer, or an abstention that offers the nearest passages; in `language`, else the question's."""
    question = wanted.question
    speaks = language or question.language
    words = pack(speaks if speaks in codes() else FALLBACK)
    candidates = sorted(_candidates(wanted, passages, names, settings.evidence), key=lambda c: -c.score)
    if not candidates:
        return refuse(wanted, passages, words)
    chosen = _choose(candidates, settings.quotes, question.kind)
    return _compose(question.text, words, chosen, passages, documents)


def refuse(wanted: Needs, passages: Sequence[ScoredChunk], language: Pack) -> Answer:
    """Says that the documents hold no answer, what was looked for, and which passages come nearest."""
    lines = [language.answers["refusal"]]
    if wanted.question.keywords:
        lines.append(language.answers["refusal_looked_for"].format(terms=", ".join(wanted.question.keywords)))
    if passages:
        titles = list(dict.fromkeys(p.chunk.title for p in passages))[:_NEAREST_NAMED]
        lines.append(language.answers["refusal_nearest"] + "\n" + "\n".join(f"- {title}" for title in titles))
    return Answer(wanted.question.text, "\n".join(lines), language.code, "abstained", True, passages=tuple(passages))


def _candidates(wanted: Needs, passages: Sequence[ScoredChunk], names: Names, evidence: float) -> Iterator[Candidate]:
    """Sentences of passages that hold enough of the question, and that hold the kind of thing it asks for."""
    kind = wanted.question.kind
    for found in passages:
        chunk = found.chunk
        if not chunk.text:
            continue
        context = TokenSet(f"{chunk.title} {chunk.heading}")
        whole = TokenSet(f"{chunk.title} {chunk.heading} {chunk.text}")
        foreign = chunk.language != wanted.question.language
        held = coverage(wanted, whole)
        if foreign and kind in ("date", "number"):
            # Words do not cross languages without a model; names, numbers and dates do.
            held = max(held, name_coverage(wanted, whole) * 0.8)
        if held < evidence:
            continue
        for start, end in _units(chunk, kind):
            text = chunk.text[start:end]
            tokens = TokenSet(text)
            own, around = coverage(wanted, tokens), coverage(wanted, context)
            # What the title says need not stand in the sentence again, but a sentence that says it is better.
            score = own + 0.5 * max(0.0, around - own) + 0.3 * held - 0.02 * found.rank
            if kind in ("date", "number", "who"):
                strength = kind_strength(kind, text, chunk.language, names)
                if not strength:
                    continue
                score += 0.25 * strength
            if own == 0 and around < evidence:
                continue
            yield Candidate(chunk, start, end, score, tokens)


def _units(chunk: Chunk, kind: str) -> list[tuple[int, int]]:
    """Sentences; one that opens a list (with a colon) and the list are one unit, up to 900 characters."""
    units: list[tuple[int, int]] = []
    for start, end in sentences(chunk.text, chunk.language):
        if units:
            first, last = units[-1]
            opened = chunk.text[first:last].endswith(_OPENS_LIST)
            item = bool(_LIST_ITEM.match(chunk.text, start))
            goes_on = item and (_LIST_ITEM.search(chunk.text, first, last) or "\n" in chunk.text[first:last])
            if (opened or (goes_on and kind in _TAKES_LISTS)) and end - first <= _LONGEST_LIST:
                units[-1] = (first, end)
                continue
        units.append((start, end))
    return units


def _choose(candidates: Sequence[Candidate], quotes: int, kind: str) -> list[Candidate]:
    """The best sentence, then further ones that are nearly as good and say something else."""
    best = candidates[0]
    chosen = [best]
    if kind in ("date", "number") and len(candidates) > 1:
        quotes = min(quotes, 2)
    for other in candidates[1:]:
        if len(chosen) == quotes:
            break
        if other.score < _WORTH * best.score or any(_same(other, c) for c in chosen):
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
    notes: list[str] = []
    for document_id, members in by_document.items():
        document = documents(document_id)
        lines = [_lead_in(language, document)]
        for candidate in sorted(members, key=lambda c: c.chunk.start + c.start):
            citation = cite(len(citations) + 1, candidate.chunk, candidate.start, candidate.end, document)
            citations.append(citation)
            statements.append(Statement(citation.quote, (citation.number,)))
            lines.append(f"{citation.quote} [{citation.number}]")
        if document.language != language.code:
            note = language.answers["untranslated"].format(language=language.language_name(document.language))
            if note not in notes:
                notes.append(note)
        paragraphs.append("\n".join(lines))
    return Answer(question, "\n\n".join((*paragraphs, *notes)), language.code, "extractive", False, tuple(statements), tuple(citations), tuple(passages), notes=tuple(notes))


def _lead_in(language: Pack, document: Document) -> str:
    foreign = document.language != language.code
    key = ("lead_in_foreign" if foreign else "lead_in") + ("" if document.date else "_undated")
    fields: Mapping[str, str] = {
        "title": document.title, "date": write_date(document.date, language.code), "language": language.language_name(document.language),
    }  # fmt: skip
    return language.answers[key].format(**fields)
