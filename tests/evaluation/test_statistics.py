"""Intervals and comparisons against known answers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from assistant.evaluation.statistics import Power, difference, estimate, holm, power, smallest_found


def questions(random: np.random.Generator, clusters: int, size: int, share: float) -> tuple[np.ndarray, list[str]]:
    """0/1 values whose clusters differ: each cluster has a rate of its own around `share`."""
    rates = random.beta(2 * share, 2 * (1 - share), clusters)
    values = random.random((clusters, size)) < rates[:, None]
    return values.astype(float).ravel(), [str(n) for n in range(clusters) for _ in range(size)]


@pytest.mark.slow
def test_the_same_system_twice_differs_in_no_more_than_one_comparison_in_twenty() -> None:
    """A/A: two runs of one system, whose clustered answers change at random. Within binomial error over 1,000 simulations."""
    random = np.random.default_rng(1)
    rejected = 0
    for _ in range(1000):
        base, clusters = questions(random, 40, 14, 0.7)
        # What changes does so for a cluster's translations together, up as often as down.
        changed = np.repeat(random.random(40) < 0.3, 14) & (random.random(560) < 0.5)
        first, second = (np.where(changed, np.repeat(random.random(40) < 0.7, 14).astype(float), base) for _ in range(2))
        found = difference(first, second, clusters, resamples=1000)
        assert found is not None
        rejected += found.p < 0.05
    assert rejected <= binom.ppf(0.999, 1000, 0.05)


@pytest.mark.slow
def test_an_interval_covers_the_truth_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(2)
    covered = 0
    for _ in range(500):
        found = estimate(*questions(random, 60, 7, 0.7), resamples=1000)
        assert found is not None
        covered += found.low <= 0.7 <= found.high
    assert covered / 500 >= 0.91


def test_a_loss_is_found() -> None:
    base, clusters = questions(np.random.default_rng(3), 60, 14, 0.8)
    worse = base.copy()
    worse[::8] = 0
    found = difference(worse, base, clusters)
    assert found is not None
    assert found.high < 0
    assert found.p < 0.01
    assert (found.gained, found.count, found.clusters) == (0, 840, 60)


def test_clusters_widen_the_interval() -> None:
    values = np.repeat([0.0, 1.0], 50)
    alone, together = (estimate(values, [str(n // size) for n in range(100)]) for size in (1, 10))
    assert alone is not None
    assert together is not None
    assert alone.mean == together.mean == 0.5
    assert together.high - together.low > 2 * (alone.high - alone.low)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from("abc")), min_size=1, max_size=30))
def test_a_run_against_itself_is_no_difference_and_the_mean_lies_in_its_interval(rows: list[tuple[float, str]]) -> None:
    values, clusters = [v for v, _ in rows], [c for _, c in rows]
    found = difference(values, values, clusters, resamples=200)
    assert found is not None
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)
    own = estimate(values, clusters, resamples=200)
    assert own is not None
    assert own.low - 1e-9 <= own.high
    assert own.mean == pytest.approx(np.mean(values))


def test_nothing_is_no_estimate_and_unpaired_values_are_an_error() -> None:
    assert estimate([], []) is None
    assert difference([], [], []) is None
    with pytest.raises(ValueError, match="lengths"):
        difference([1.0], [], ["a"])


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(ps: dict[str, float]) -> None:
    adjusted = holm(ps)
    assert all(adjusted[name] >= p for name, p in ps.items())
    ordered = sorted(ps, key=lambda name: ps[name])
    assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(ordered))
    assert min(adjusted.values()) == pytest.approx(min(1.0, len(ps) * min(ps.values())))


def test_power_grows_with_the_loss_and_shrinks_with_churn_and_with_clusters_changing_whole() -> None:
    values, clusters = questions(np.random.default_rng(4), 60, 14, 0.8)
    single = [str(number // 7) for number in range(len(values))]
    table = power(values, single, clusters, losses=(0.01, 0.05, 0.1), churns=(0.0, 0.05), margin=0.02, trials=100)
    seen = {(row.loss, row.churn): row.seen for row in table}
    assert seen[0.01, 0.0] < seen[0.05, 0.0] <= seen[0.1, 0.0] == 1.0
    assert seen[0.05, 0.05] < seen[0.05, 0.0]
    assert all(row.stopped <= row.seen for row in table)
    whole = power(values, clusters, clusters, losses=(0.05,), churns=(0.0,), margin=0.02, trials=100)
    assert whole[0].seen < seen[0.05, 0.0]


@pytest.mark.slow
def test_no_loss_is_seen_no_more_often_than_an_interval_errs() -> None:
    values, clusters = questions(np.random.default_rng(5), 60, 14, 0.7)
    (row,) = power(values, clusters, clusters, losses=(0.0,), churns=(0.1,), margin=0.0, trials=1000)
    assert row.seen <= binom.ppf(0.999, 1000, 0.035)


def test_a_change_that_the_values_cannot_hold_is_left_out() -> None:
    assert power([1.0] * 60, ["a"] * 60, ["a"] * 60, losses=(0.1,), churns=(0.05,), margin=0.02, trials=5) == []


def test_the_smallest_loss_found_lies_between_those_tried() -> None:
    table = [Power(0.01, 0.0, 0.2, 0.0), Power(0.03, 0.0, 1.0, 0.4), Power(0.05, 0.0, 1.0, 0.5)]
    assert smallest_found(table, 0.0) == pytest.approx(0.025)
    assert smallest_found(table, 0.0, stopped=True) is None
    assert smallest_found(table, 0.1) is None
