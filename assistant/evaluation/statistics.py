"""Intervals and comparisons that resample clusters: translations of a question, and questions about one document, share their fate.

Paired bootstrap over clusters, seeded (Efron & Tibshirani 1993); Holm's correction over slices (Holm 1979). It knows numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

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
    drawn = _drawn(len(sums), resamples)
    return np.asarray((drawn @ sums) / (drawn @ sizes))


@lru_cache(maxsize=64)
def _drawn(clusters: int, resamples: int) -> NDArray[np.float64]:
    """How often each cluster is drawn [resamples, clusters]; the same draws for all figures of as many clusters."""
    return np.random.default_rng(_SEED).multinomial(clusters, np.full(clusters, 1 / clusters), resamples).astype(np.float64)


# -- power --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Power:
    """How often (0 to 1) a loss of `loss` is seen, with `churn` gained elsewhere and as much more lost.

    `seen`: the interval of the difference lies below zero; `stopped`: it lies below minus the margin.
    """

    loss: float
    churn: float
    seen: float
    stopped: float


def power(
    values: Sequence[float], units: Sequence[str], clusters: Sequence[str], *, losses: Sequence[float], churns: Sequence[float], margin: float, trials: int = 200
) -> list[Power]:
    """The power of `difference` on questions like these, by simulation.

    In each trial clusters are drawn anew, and whole units (a question with its translations, or a cluster) lose all that they have or
    gain what they lack, so often that the expected loss is `loss`. Losses and churns are shares of all questions; one that the values
    cannot hold (a gain of more than is missing) is left out.
    """
    own = np.asarray(values, dtype=np.float64)
    _, unit_of = np.unique(np.asarray(units, dtype=object).astype(str), return_inverse=True)
    _, cluster_of = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(cluster_of).astype(np.float64)
    drawn = _drawn(len(sizes), 1000)
    random = np.random.default_rng(_SEED)
    held, missing = float(own.mean()), float(1 - own.mean())
    found = []
    for churn in churns:
        for loss in losses:
            if loss + churn > held or churn > missing:
                continue
            seen = stopped = 0
            for _ in range(trials):
                fate = random.random(unit_of.max() + 1)[unit_of]
                lost = fate < (loss + churn) / held
                gained = fate > 1 - (churn / missing if churn else 0.0)
                deltas = np.where(lost, -own, np.where(gained, 1 - own, 0.0))
                chosen = random.integers(0, len(sizes), len(sizes))
                sums = np.bincount(cluster_of, deltas, len(sizes))[chosen]
                high = float(np.percentile((drawn @ sums) / (drawn @ sizes[chosen]), 97.5))
                seen += high < 0
                stopped += high < -margin
            found.append(Power(loss, churn, seen / trials, stopped / trials))
    return found


def smallest_found(table: Sequence[Power], churn: float, *, stopped: bool = False, share: float = 0.8) -> float | None:
    """The smallest loss found in `share` of the trials, between two losses of the table by a straight line; None beyond them."""
    before: tuple[float, float] = (0.0, 0.0)
    for row in sorted((row for row in table if row.churn == churn), key=lambda row: row.loss):
        rate = row.stopped if stopped else row.seen
        if rate >= share:
            return before[0] + (row.loss - before[0]) * (share - before[1]) / (rate - before[1])
        before = (row.loss, rate)
    return None
