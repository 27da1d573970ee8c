"""Search: dense and lexical candidates, fused by weights that held-out questions chose.

It knows a generation and an encoder; it knows nothing of answers.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.index.encoders import Encoder
from assistant.index.generation import EXACT_ROWS, Generation, nearest
from assistant.index.lexical import LexicalQuery
from assistant.language.sentences import sentences
from assistant.retrieval.names import Names
from assistant.retrieval.questions import Question, spelling_tokens, understand
from assistant.retrieval.release import Release, now
from assistant.schema import Chunk, Filters, ScoredChunk
from assistant.settings import RetrievalSettings

_EXCERPT = 300


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


class Retriever:
    """Ranks a generation's passages for a question; thread-safe."""

    def __init__(self, settings: RetrievalSettings, encoder: Encoder, clock: dt.datetime | None = None) -> None:
        self._settings = settings
        self._encoder = encoder
        self._clock = clock
        self._views: dict[tuple[str, int], View] = {}
        self._guard = threading.Lock()

    def view(self, generation: Generation) -> View:
        """The generation's names and rules, made when first asked for."""
        key = (str(generation.folder), generation.manifest.number)
        with self._guard:
            if key not in self._views:
                groups = generation.db.execute("SELECT aliases FROM documents WHERE aliases <> '[]'")
                names = Names(group for (text,) in groups for group in json.loads(text))
                self._views = {key: View(names, Release(generation))}
            return self._views[key]

    def search(
        self, generation: Generation, text: str, *, top_k: int, filters: Filters | None = None, context: str = ""
    ) -> Found:
        """The best passages for a question, best first. What may not be shown now is not found."""
        timings: dict[str, float] = {}
        clock = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal clock
            timings[stage] = (time.perf_counter() - clock) * 1000
            clock = time.perf_counter()

        filters = filters or Filters()
        view = self.view(generation)
        question = understand(text, view.names, context=context)
        lap("understand")
        vector = self._encoder.encode_questions([_widened(question)])[0]
        lap("encode")
        hidden = view.release.hidden(now(self._clock))
        allowed = generation.keys_passing(filters, hidden) if filters.restricts_rows else None
        blocked = generation.keys_passing(Filters(documents=tuple(hidden))) if hidden and allowed is None else None
        dense = self._dense(generation, vector, filters, allowed, blocked)
        lap("dense")
        query = LexicalQuery(question.terms, tuple(spelling_tokens(name) for name in question.names))
        lexical = self._lexical(generation, query, filters, allowed, blocked)
        lap("lexical")
        ranked = self._fuse(generation, vector, dense, lexical, top_k)
        chunks = generation.chunks([key for key, _, _ in ranked])
        passages = tuple(
            ScoredChunk(_shown(chunks[key], view.release), float(score), rank, found_by)
            for rank, (key, score, found_by) in enumerate(ranked, 1)
        )
        lap("fuse")
        return Found(question, passages, timings)

    def _dense(
        self, generation: Generation, vector: NDArray[np.float32], filters: Filters, allowed: NDArray[np.int64] | None, blocked: NDArray[np.int64] | None
    ) -> list[tuple[int, float]]:
        limit = self._settings.candidates
        if allowed is not None and len(allowed) <= EXACT_ROWS:
            return nearest(allowed, generation.rows(allowed) @ vector, limit)
        return _overfetch(lambda size: generation.search_dense(vector, size, filters.collections), limit, len(generation.keys), allowed, blocked)

    def _lexical(
        self, generation: Generation, query: LexicalQuery, filters: Filters, allowed: NDArray[np.int64] | None, blocked: NDArray[np.int64] | None
    ) -> list[tuple[int, float]]:
        limit = self._settings.candidates
        return _overfetch(lambda size: generation.search_lexical(query, size, filters.collections), limit, len(generation.keys), allowed, blocked)

    def _fuse(
        self, generation: Generation, vector: NDArray[np.float32], dense: list[tuple[int, float]], lexical: list[tuple[int, float]], top_k: int
    ) -> list[tuple[int, float, tuple[str, ...]]]:
        by_dense, by_lexical = dict(dense), dict(lexical)
        keys = sorted(by_dense.keys() | by_lexical.keys())
        if not keys:
            return []
        lacking = [key for key in keys if key not in by_dense]
        cosines = dict(by_dense)
        cosines.update(zip(lacking, (generation.rows(lacking) @ vector).tolist(), strict=True))
        scores = self._settings.dense_weight * _standardised([cosines[key] for key in keys])
        scores += self._settings.lexical_weight * _standardised([by_lexical.get(key, 0.0) for key in keys])
        searches = (("dense", by_dense), ("lexical", by_lexical))
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [(keys[i], float(scores[i]), tuple(name for name, hits in searches if keys[i] in hits)) for i in order]


def _widened(question: Question) -> str:
    """The question with its names' other spellings behind it."""
    extra = [s for name in question.names for s in name.spellings if s.casefold() not in question.text.casefold()]
    return f"{question.text} {' '.join(extra[:6])}" if extra else question.text


def _standardised(values: Sequence[float]) -> NDArray[np.float64]:
    """z-scores over the candidates: BM25 and cosine have different scales."""
    array = np.asarray(values, dtype=np.float64)
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
