"""Intervals and comparisons that resample clusters: translations of a question, and questions about one document, share their fate.

Paired bootstrap over clusters, seeded (Efron & Tibshirani 1993); Holm's correction over slices (Holm 1979). It knows numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
SMALLEST = 50  # questions; smaller slices are shown and never gated
_SEED = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `count` questions in `clusters` clusters, with its 95% interval."""

    mean: float
    low: float
    high: float
    count: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate minus baseline over the questions that both have: mean, 95% interval, and the two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float
    count: int
    clusters: int
    gained: int
    lost: int


def estimate(values: Sequence[float], clusters: Sequence[str], *, resamples: int = RESAMPLES) -> Estimate | None:
    """The mean of the values with its interval; None without values."""
    if not len(values):
        return None
    sums, sizes = _by_cluster(np.asarray(values, dtype=np.float64), clusters)
    means = _resampled(sums, sizes, resamples)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(sums.sum() / sizes.sum()), float(low), float(high), len(values), len(sums))


def difference(candidate: Sequence[float], baseline: Sequence[float], clusters: Sequence[str], *, resamples: int = RESAMPLES) -> Difference | None:
    """The paired difference of the same questions' values; None without any. Raises ValueError when they are not paired."""
    if not len(candidate) == len(baseline) == len(clusters):
        raise ValueError("candidate, baseline and clusters are of different lengths")
    if not len(candidate):
        return None
    deltas = np.asarray(candidate, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    sums, sizes = _by_cluster(deltas, clusters)
    mean = float(sums.sum() / sizes.sum())
    means = _resampled(sums, sizes, resamples)
    low, high = np.percentile(means, [2.5, 97.5])
    # Twice the smaller tail beyond zero; one more resample stands for what was seen.
    tail = min((means <= 0).sum(), (means >= 0).sum())
    p = 1.0 if not deltas.any() else min(1.0, 2 * (tail + 1) / (resamples + 1))
    return Difference(mean, float(low), float(high), float(p), len(deltas), len(sums), int((deltas > 0).sum()), int((deltas < 0).sum()))


def holm(ps: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for their number (Holm 1979)."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, (name, p) in enumerate(sorted(ps.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(ps) - place) * p))
        adjusted[name] = highest
    return adjusted


def _by_cluster(values: NDArray[np.float64], clusters: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _, owners = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    return np.bincount(owners, values).astype(np.float64), np.bincount(owners).astype(np.float64)


def _resampled(sums: NDArray[np.float64], sizes: NDArray[np.float64], resamples: int) -> NDArray[np.float64]:
    """Means of resampled clusters [resamples]."""
    drawn = np.random.default_rng(_SEED).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), resamples)
    return np.asarray((drawn @ sums) / (drawn @ sizes))
