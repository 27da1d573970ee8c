"""Search: dense and lexical candidates, ranked by dense, late-interaction and lexical scores together.

The weights are what held-out questions chose. It knows a generation and an encoder; it knows nothing of answers.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.index.encoders import Encoder, HashedEncoder, LateEncoder
from assistant.index.generation import EXACT_ROWS, Generation, nearest
from assistant.index.lexical import LexicalQuery
from assistant.language.sentences import sentences
from assistant.retrieval.catalogue import COLUMNS, Catalogue, Thing
from assistant.retrieval.exact import exact_passages, kept_near_the_top
from assistant.retrieval.glossary import Glossary
from assistant.retrieval.names import Names
from assistant.retrieval.questions import Question, spelling_tokens, understand
from assistant.retrieval.release import Release, now
from assistant.retrieval.rerankers import Reranker
from assistant.retrieval.versions import grouped
from assistant.schema import Chunk, Filters, ScoredChunk
from assistant.settings import RetrievalSettings

_EXCERPT = 300
_TOP = 5  # places for exact tokens, and for passages that say different things
_FEWER_BY_WORDS = 4
_ORDERED = 30  # passages that are put in order beyond their scores, at least


# A generation's folder and number, when the glossary changed, and what the public must not know of.
_Key = tuple[str, int, float, frozenset[str]]


@dataclass(frozen=True, slots=True)
class View:
    """What is derived from a generation once: its names and its release rules."""

    names: Names
    release: Release


@dataclass(frozen=True, slots=True)
class Found:
    """Ranked passages, with the question as it was understood and milliseconds by stage."""

    question: Question
    passages: tuple[ScoredChunk, ...]
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each score counts, all z-scored over the candidates."""

    dense: float
    late: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates by key, ascending; `parts` [3, candidates]: dense, late and lexical scores, each standardised over them.

    `exact` are those that hold the question's rare exact tokens, best first.
    """

    question: Question
    keys: list[int]
    parts: NDArray[np.float64]
    dense: Set[int]
    lexical: Set[int]
    exact: list[int]

    def ranked(self, weights: Weights) -> tuple[list[int], NDArray[np.float64]]:
        """Positions in `keys`, best first (equal scores by key), and the score of each position."""
        totals = np.array([weights.dense, weights.late, weights.lexical]) @ self.parts
        return np.argsort(-totals, kind="stable").tolist(), totals

    def found_by(self, key: int) -> tuple[str, ...]:
        """The searches that put a candidate forward."""
        return tuple(name for name, hits in (("dense", self.dense), ("lexical", self.lexical)) if key in hits)


def weights(settings: RetrievalSettings, encoder: Encoder) -> Weights:
    """The settings' weights; where they say nothing, what held-out questions chose for such an encoder.

    docs/decisions/004-fusion.md (hashed), docs/decisions/006-encoder.md (the others).
    """
    chosen = Weights(0.2, 0.0, 0.8) if isinstance(encoder, HashedEncoder) else Weights(0.7, 0.0, 0.3)
    if isinstance(encoder, LateEncoder):
        chosen = Weights(0.25, 0.65, 0.1)
    given = (settings.dense_weight, settings.late_weight, settings.lexical_weight)
    return Weights(*(default if value is None else value for value, default in zip(given, (chosen.dense, chosen.late, chosen.lexical), strict=True)))


class Retriever:
    """Ranks a generation's passages for a question; thread-safe."""

    def __init__(
        self,
        settings: RetrievalSettings,
        encoder: Encoder,
        clock: dt.datetime | None = None,
        glossary: Path | None = None,
        reranker: Reranker | None = None,
        scope: Filters | None = None,
    ) -> None:
        """`scope` is all that may ever be found, and all that names and lists are made from."""
        self._settings = settings
        self._encoder = encoder
        self._weights = weights(settings, encoder)
        self._clock = clock
        self._glossary = glossary
        self._reranker = reranker
        self._scope = scope or Filters()
        self._releases: dict[tuple[str, int], Release] = {}
        self._views: dict[_Key, View] = {}
        self._catalogues: dict[_Key, Catalogue] = {}
        self._guard = threading.Lock()

    def _key(self, generation: Generation) -> _Key:
        changed = self._glossary.stat().st_mtime if self._glossary and self._glossary.exists() else 0.0
        # What the public may not know yet it does not know by name either; staff may look for what is announced.
        unknown = self._release(generation).hidden(now(self._clock)) if self._scope.public else frozenset()
        return str(generation.folder), generation.manifest.number, changed, unknown

    def _release(self, generation: Generation) -> Release:
        place = str(generation.folder), generation.manifest.number
        with self._guard:
            if place not in self._releases:
                self._releases = {place: Release(generation)}
            return self._releases[place]

    def hidden(self, generation: Generation) -> frozenset[str]:
        """Ids of the documents that must not be found now."""
        return self._release(generation).hidden(now(self._clock))

    def view(self, generation: Generation) -> View:
        """The generation's names and rules, made when first asked for, and again when the glossary has changed, or for the public what is out."""
        key, release = self._key(generation), self._release(generation)
        with self._guard:
            if key not in self._views:
                rows = generation.documents("d.aliases", self._scope, "AND d.aliases <> '[]'", hidden=key[3])
                groups = [group for (text,) in rows for group in json.loads(text)]
                if self._glossary:
                    glossary = Glossary.read(self._glossary)
                    # What was found in a document says something of it: who may not see the one does not learn the other.
                    groups.extend(glossary.seen(generation.documents_passing(self._scope, key[3])) if self._scope.public else glossary.groups)
                self._views = {key: View(Names(groups), release)}
            return self._views[key]

    def catalogue(self, generation: Generation) -> Catalogue:
        """What the generation's documents are about, read when first asked for."""
        key, names = self._key(generation), self.view(generation).names
        with self._guard:
            if key not in self._catalogues:
                self._catalogues = {key: Catalogue(generation.documents(COLUMNS, self._scope, "ORDER BY d.id", hidden=key[3]), names)}
            return self._catalogues[key]

    def things(self, generation: Generation, filters: Filters) -> list[Thing]:
        """Everything that the documents that pass the filters, and may be quoted now, are about."""
        release = self.view(generation).release
        passing = generation.documents_passing(filters.within(self._scope), self.hidden(generation))
        return self.catalogue(generation).things(lambda document_id: document_id in passing and release.display(document_id) != "link")

    def may_find(self, generation: Generation, document_id: str) -> bool:
        """True for a document of the scope that is out and neither expired nor replaced."""
        return document_id in generation.documents_passing(Filters(documents=(document_id,)).within(self._scope), self.hidden(generation))

    def passages(self, generation: Generation, document_id: str) -> list[Chunk]:
        """As much of a document's passages as may be shown."""
        release = self.view(generation).release
        return [_shown(chunk, release) for chunk in generation.passages(document_id)]

    def search(
        self, generation: Generation, text: str, *, top_k: int, filters: Filters | None = None, language: str = ""
    ) -> Found:
        """The best passages for a question, best first. What may not be shown now is not found.

        `language` is the reader's, by default the question's.
        """
        timings: dict[str, float] = {}
        clock = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal clock
            timings[stage] = (time.perf_counter() - clock) * 1000
            clock = time.perf_counter()

        scored = self.scored(generation, text, (filters or Filters()).within(self._scope), lap=lap)
        passages = self._ordered(generation, scored, top_k, language or scored.question.language)
        lap("fuse")
        return Found(scored.question, passages, timings)

    def scored(
        self, generation: Generation, text: str, filters: Filters, *, lap: Callable[[str], None] = lambda stage: None
    ) -> Scored:
        """The candidates for a question, with each search's scores."""
        view = self.view(generation)
        question = understand(text, view.names)
        lap("understand")
        vector = self._encoder.encode_questions([_widened(question)])[0]
        lap("encode")
        hidden = view.release.hidden(now(self._clock))
        allowed = generation.keys_passing(filters, hidden) if filters.restricts_rows else None
        blocked = generation.keys_passing(Filters(documents=tuple(hidden))) if hidden and allowed is None else None
        dense = dict(self._dense(generation, vector, filters, allowed, blocked))
        lap("dense")

        def by_words(wanted: LexicalQuery, limit: int) -> list[tuple[int, float]]:
            return _overfetch(lambda size: generation.search_lexical(wanted, size, filters.collections), limit, len(generation.keys), allowed, blocked)

        query = LexicalQuery(question.terms, tuple(spelling_tokens(name) for name in question.names))
        # Late interaction costs by the passage, and words of its language are what it needs least help with.
        limit = self._settings.candidates // (_FEWER_BY_WORDS if self._weights.late else 1)
        lexical = dict(by_words(query, limit))
        exact = exact_passages(question, generation.manifest.passages, generation.lexical.frequency, by_words)
        lap("lexical")
        keys = sorted({*dense, *lexical, *exact})
        lacking = [key for key in keys if key not in dense]
        cosines = dense | dict(zip(lacking, (generation.rows(lacking) @ vector).tolist(), strict=True))
        by_dense, by_lexical = (np.array([found.get(key, 0.0) for key in keys]) for found in (cosines, lexical))
        parts = np.stack([_standardised(by_dense), _standardised(self._late(generation, question, keys)), _standardised(by_lexical)])
        lap("late")
        return Scored(question, keys, parts, dense.keys(), lexical.keys(), exact)

    def _ordered(self, generation: Generation, scored: Scored, top_k: int, language: str) -> tuple[ScoredChunk, ...]:
        """The best candidates read by the reranker if there is one, versions put together, exact passages kept near the top."""
        release = self.view(generation).release
        order, totals = scored.ranked(self._weights)
        size = max(_ORDERED, 3 * top_k, self._settings.rerank)
        places = order[:size] + [place for place in order[size:] if scored.keys[place] in scored.exact]
        head = [_Candidate(scored.keys[place], float(totals[place]), scored.found_by(scored.keys[place])) for place in places]
        chunks = generation.chunks([candidate.key for candidate in head])
        if self._reranker is not None:
            front = head[: self._settings.rerank]
            given = self._reranker.scores(scored.question.text, [chunks[candidate.key].text for candidate in front])
            order = np.argsort(-given, kind="stable").tolist()
            head = [replace(front[i], score=float(given[i])) for i in order] + head[len(front) :]
        keys = [candidate.key for candidate in head]
        versions = grouped([chunks[key] for key in keys], generation.rows(keys), language, _TOP)
        lead_of = {keys[position]: keys[lead] for position, lead in versions.lead.items()}
        order = kept_near_the_top([keys[position] for position in versions.order], scored.exact, _TOP)
        found_by = {candidate.key: candidate.found_by for candidate in head}
        # A score says how good a place is: what moved takes the score of its new place.
        scores = sorted((candidate.score for candidate in head), reverse=True)
        shown = order[:top_k]
        return tuple(
            ScoredChunk(
                _shown(chunks[key], release), score, rank, found_by[key], chunks[lead_of[key]].id if lead_of.get(key) in shown else ""
            )
            for rank, (key, score) in enumerate(zip(shown, scores, strict=False), 1)
        )

    def _late(self, generation: Generation, question: Question, candidates: list[int]) -> Sequence[float] | NDArray[np.float32]:
        """Late interaction of the question with the candidates; zeros where it has no weight or the encoder none of it."""
        if not self._weights.late or not isinstance(self._encoder, LateEncoder):
            return [0.0] * len(candidates)
        return self._encoder.late_interaction(_parts(question, self._encoder), generation.token_ids(candidates))

    def _dense(
        self, generation: Generation, vector: NDArray[np.float32], filters: Filters, allowed: NDArray[np.int64] | None, blocked: NDArray[np.int64] | None
    ) -> list[tuple[int, float]]:
        limit = self._settings.candidates
        if allowed is not None and len(allowed) <= EXACT_ROWS:
            return nearest(allowed, generation.rows(allowed) @ vector, limit)
        return _overfetch(lambda size: generation.search_dense(vector, size, filters.collections), limit, len(generation.keys), allowed, blocked)


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: int
    score: float
    found_by: tuple[str, ...]


def _parts(question: Question, encoder: LateEncoder) -> list[list[NDArray[np.uint32]]]:
    """The question for late interaction: what stands between its names, and each name with its spellings as alternatives."""
    return [encoder.token_ids([question.bare]), *(encoder.token_ids(list(name.spellings)) for name in question.names)]


def _widened(question: Question) -> str:
    """The question with its names' other spellings behind it."""
    extra = [s for name in question.names for s in name.spellings if s.casefold() not in question.text.casefold()]
    return f"{question.text} {' '.join(extra[:6])}" if extra else question.text


def _standardised(values: Sequence[float] | NDArray[np.float32]) -> NDArray[np.float64]:
    """z-scores over the candidates: BM25 and cosine have different scales."""
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        return array
    spread = array.std()
    return (array - array.mean()) / spread if spread > 1e-9 else np.zeros_like(array)


def _overfetch(
    search: Callable[[int], list[tuple[int, float]]], limit: int, total: int, allowed: NDArray[np.int64] | None, blocked: NDArray[np.int64] | None
) -> list[tuple[int, float]]:
    """Results that are allowed and not blocked, asking for twice as many until there are enough or no more."""
    size = limit
    while True:
        hits = search(size)
        kept = hits
        keys = np.fromiter((key for key, _ in hits), dtype=np.int64)
        if allowed is not None:
            kept = [hit for hit, keep in zip(hits, np.isin(keys, allowed), strict=True) if keep]
        elif blocked is not None:
            kept = [hit for hit, drop in zip(hits, np.isin(keys, blocked), strict=True) if not drop]
        if len(kept) >= limit or len(hits) < size or size >= total:
            return kept[:limit]
        size = min(size * 2, total)


def _shown(chunk: Chunk, release: Release) -> Chunk:
    """As much of the passage as its document allows: all, an excerpt, or (a link only) nothing but its title."""
    display = release.display(chunk.document_id)
    if display == "full":
        return chunk
    end = 0
    if display == "excerpt":
        ends = [b for _, b in sentences(chunk.text, chunk.language)]
        end = max((b for b in ends if b <= _EXCERPT), default=min(len(chunk.text), _EXCERPT))
    return replace(chunk, text=chunk.text[:end], end=chunk.start + end)
