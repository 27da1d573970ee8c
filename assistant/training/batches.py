"""Batches: which texts meet, in which languages. Query and passage sides as sparse token counts.

It knows tokenised texts and a random generator; nothing of vectors. A batch is a function of the seed and its number, so
training goes on after a stop as if there had been none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from assistant.training.corpus import Side, Texts
from assistant.training.sources import LANGUAGES

Integers = NDArray[np.int64]

# How often a language is drawn where it is at hand: English pivots most sources, Arabic is a guest.
_DRAWN = {"en": 2.5, "de": 1.0, "ja": 1.2, "zh": 1.2, "fr": 0.9, "es": 0.8, "ko": 1.2, "ru": 1.1, "pt": 0.8, "it": 0.7, "ar": 0.4}
_SHORT = {"titles": 0.35, "sentences": 0.45, "documents": 0.2}
_LONG = {"sentences": 0.2, "documents": 0.2, "sections": 0.3, "questions": 0.3}
_SAME_LANGUAGE = 0.25  # of sections: question and section in one language
_PASSAGE = 200  # tokens
_WINDOW = 3  # lines before and after, at most


@dataclass(frozen=True, slots=True)
class Batch:
    """`queries` and `passages`: sparse [batch, vocabulary of the batch]; `tokens`: that vocabulary's ids, ascending;
    `same` [batch, batch]: pairs off the diagonal that are no negatives, their texts being equal."""

    tokens: Integers
    queries: Any
    passages: Any
    same: NDArray[np.bool_]


class Batches:
    """Draws batches from texts; `short` ones of parallel lines, `long` ones of questions against passages."""

    def __init__(self, texts: Sequence[Texts], vocabulary: int, seed: int) -> None:
        self._texts = list(texts)
        self._vocabulary = vocabulary
        self._seed = seed
        self._codes = np.random.default_rng(seed).integers(1, 2**62, vocabulary, dtype=np.int64)
        self._drawn = np.log([_DRAWN[language] for language in LANGUAGES])

    def draw(self, number: int, size: int, *, long: bool) -> Batch:
        """The batch of that number."""
        random = np.random.default_rng((self._seed, number))
        sides: list[tuple[Any, Any]] = []
        for source, count in zip(self._texts, self._counts(random, size, _LONG if long else _SHORT), strict=True):
            if count:
                sides.append(self._examples(random, source, int(count), long=long))
        queries = _joined([query for query, _ in sides])
        passages = _joined([passage for _, passage in sides])
        return self._batch(queries, passages)

    def _counts(self, random: np.random.Generator, size: int, shares: dict[str, float]) -> Integers:
        """Examples by source: groups by their shares, sources within by the square root of their size."""
        roots = np.array([len(source) ** 0.5 if source.group in shares else 0.0 for source in self._texts])
        weights = np.zeros_like(roots)
        for group, share in shares.items():
            members = np.array([source.group == group for source in self._texts])
            if roots[members].sum():
                weights[members] = share * roots[members] / roots[members].sum()
        return random.multinomial(size, weights / weights.sum()).astype(np.int64)

    def _examples(self, random: np.random.Generator, source: Texts, count: int, *, long: bool) -> tuple[Any, Any]:
        asked, found = source.queries, source.passages
        rows = random.integers(0, len(source), count)
        rows = rows[(asked.sizes[:, rows] > 0).any(axis=0) & (found.sizes[:, rows] > 0).any(axis=0)]
        if source.group == "sections":
            return self._sections(random, source, rows)
        first = self._language(random, asked.sizes[:, rows] > 0)
        if source.group == "questions":
            return _slices(asked, first, rows), _slices(found, first, rows)
        others = asked.sizes[:, rows] > 0
        others[first, np.arange(len(rows))] = False
        second = self._language(random, others)
        keep = others.any(axis=0)
        rows, first, second = rows[keep], first[keep], second[keep]
        if not long:
            return _slices(asked, first, rows), _slices(found, second, rows)
        return _spans(random, _slices(asked, first, rows), share=0.6), _windows(random, found, second, rows)

    def _sections(self, random: np.random.Generator, source: Texts, rows: Integers) -> tuple[Any, Any]:
        """A heading, or some words of the section, against the section: mostly in another language."""
        there = source.passages.sizes[:, rows] > 0
        second = self._language(random, there)
        others = there.copy()
        others[second, np.arange(len(rows))] = False
        same = (random.random(len(rows)) < _SAME_LANGUAGE) | ~others.any(axis=0)
        first = np.where(same, second, self._language(random, others))
        headings = random.random(len(rows)) < 0.5
        headings &= source.queries.sizes[first, rows] > 0
        spans = _spans(random, _slices(source.passages, first[~headings], rows[~headings], limit=10**6), share=1.0)
        passages = _slices(source.passages, second, rows)
        ordered = np.concatenate([np.flatnonzero(headings), np.flatnonzero(~headings)])
        return _joined([_slices(source.queries, first[headings], rows[headings]), spans]), (passages[0], passages[1][ordered], passages[2][ordered])

    def _language(self, random: np.random.Generator, there: NDArray[np.bool_]) -> Integers:
        """One language per column, drawn by weight among those that are there."""
        noise = self._drawn[:, np.newaxis] + random.gumbel(size=there.shape)
        return np.asarray(np.where(there, noise, -np.inf).argmax(axis=0), dtype=np.int64)

    def _batch(self, queries: Any, passages: Any) -> Batch:
        asked, found = (_counts_of(side, self._vocabulary) for side in (queries, passages))
        seen = np.zeros(self._vocabulary, dtype=bool)
        seen[asked.indices] = True
        seen[found.indices] = True
        tokens = np.flatnonzero(seen)
        place = np.zeros(self._vocabulary, dtype=np.int32)
        place[tokens] = np.arange(len(tokens))
        codes = [side @ self._codes for side in (asked, found)]
        same = (codes[0][:, None] == codes[0]) | (codes[1][:, None] == codes[1])
        np.fill_diagonal(same, False)
        sparse = [
            csr_matrix((np.asarray(side.data, dtype=np.float32), place[side.indices], side.indptr), shape=(side.shape[0], len(tokens)))
            for side in (asked, found)
        ]
        # A word said ten times in a passage is not ten times as important (1 + log tf).
        sparse[1].data = 1 + np.log(sparse[1].data)
        return Batch(tokens, sparse[0], sparse[1], same)


def _slices(side: Side, languages: Integers, rows: Integers, limit: int = _PASSAGE) -> Any:
    """(ids, where each slice begins, its length)."""
    return side.ids, side.starts[languages, rows], np.minimum(side.sizes[languages, rows], limit).astype(np.int64)


def _windows(random: np.random.Generator, side: Side, languages: Integers, rows: Integers) -> Any:
    """Slices of the rows with some of their neighbours: a language's lines lie one behind the other."""
    last = side.sizes.shape[1] - 1
    before = np.maximum(rows - random.integers(0, _WINDOW + 1, len(rows)), 0)
    after = np.minimum(rows + random.integers(0, _WINDOW + 1, len(rows)), last)
    own = side.starts[languages, rows]
    begin = side.starts[languages, before]
    begin = np.where(own - begin > _PASSAGE // 2, own, begin)
    end = side.starts[languages, after] + side.sizes[languages, after]
    return side.ids, begin, np.minimum(end - begin, _PASSAGE)


def _spans(random: np.random.Generator, slices: Any, *, share: float) -> Any:
    """Of a share of the slices, 4 to 16 tokens somewhere within."""
    ids, begins, sizes = slices
    wanted = random.integers(4, 17, len(sizes))
    cut = (random.random(len(sizes)) < share) & (sizes > wanted)
    moved = (random.random(len(sizes)) * (sizes - wanted + 1)).astype(np.int64)
    return ids, np.where(cut, begins + moved, begins), np.where(cut, wanted, sizes)


def _joined(parts: Sequence[Any]) -> Any:
    """Slices of several sources as one: their tokens copied behind each other."""
    tokens, lengths = [], []
    for ids, begins, sizes in parts:
        ends = np.cumsum(sizes)
        where = np.repeat(begins - (ends - sizes), sizes) + np.arange(ends[-1] if len(ends) else 0)
        tokens.append(ids[where])
        lengths.append(sizes)
    sizes = np.concatenate(lengths)
    return np.concatenate(tokens), np.cumsum(sizes) - sizes, sizes


def _counts_of(side: Any, vocabulary: int) -> Any:
    ids, _, sizes = side
    rows = csr_matrix(
        (np.ones(len(ids), dtype=np.int64), ids.astype(np.int32), np.concatenate([[0], np.cumsum(sizes)])), shape=(len(sizes), vocabulary)
    )
    rows.sum_duplicates()
    return rows
