"""Figures from results that are made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluation import baselines, metrics
from assistant.evaluation.metrics import METRICS, balanced_accuracy, follow_ups, matrix, measured, risk_coverage, spread
from assistant.evaluation.runs import Result, Run
from assistant.evaluation.scoring import Found, Score


def result(key: str, *, answered: bool = True, answerable: bool = True, vital: float | None = 1.0, confidence: float | None = 0.5, **more: Any) -> Result:
    score = Score(answered, more.pop("found", {}), vital, cited=1, valid=1, precise=1)
    values: dict[str, Any] = {"set": "forums", "item": key, "kind": "fact", "language": "de", "cluster": key, "split": "dev", "question": "?", "gold": (), "reviewed": False}
    values |= {"text": "", "mode": "extractive", "citations": (), "score": score, "confidence": confidence, "answerable": answerable}
    return Result(key=key, **values | more)


@given(st.sets(st.integers(1, 10), max_size=10), st.integers(1, 12))
def test_ranks_are_measured_as_their_definitions_say(places: set[int], relevant: int) -> None:
    ranks, relevant = tuple(sorted(places)), max(relevant, len(places))
    assert measured("Success@5", ranks, relevant) == float(any(place <= 5 for place in ranks))
    assert measured("R@5", ranks, relevant) == pytest.approx(sum(place <= 5 for place in ranks) / relevant)
    assert measured("RR@10", ranks, relevant) == pytest.approx(1 / ranks[0] if ranks else 0.0)
    assert 0 <= measured("nDCG@10", ranks, relevant) <= 1


def test_a_question_is_averaged_over_its_foreign_pools() -> None:
    found = {"mixed": Found((2,), 3), "de": Found((1,), 1), "en": Found((6,), 1), "ja": Found((1,), 1)}
    one = result("a", found=found)
    assert METRICS["success@5, across"](one) == 0.5
    assert METRICS["recall@5, same language"](one) == 1.0
    assert METRICS["language gap"](one) == 0.5
    assert METRICS["recall@5, across"](result("b")) is None
    cells = matrix([one])
    assert cells == {"de": {"de": metrics.Cell(1.0, 1), "en": metrics.Cell(0.0, 1), "ja": metrics.Cell(1.0, 1)}}


def test_risk_and_coverage_go_from_the_surest_answer_on() -> None:
    results = [
        result("a", confidence=0.9), result("b", confidence=0.8, vital=0.0), result("c", confidence=0.8), result("d", answered=False, confidence=None),
        result("e", confidence=0.1, answerable=False, vital=None),
    ]  # fmt: skip
    assert [(p.confidence, p.coverage, p.risk) for p in risk_coverage(results)] == [(0.9, 0.2, 0.0), (0.8, 0.6, pytest.approx(1 / 3)), (0.1, 0.8, 0.5)]


def test_follow_ups_are_paired_with_themselves_written_out() -> None:
    results = [result("a", vital=0.5), result("a/full", vital=1.0, variant="full"), result("b", vital=1.0)]
    found = follow_ups(results)
    assert found is not None
    assert (found.asked, found.full, found.difference.mean) == (0.5, 1.0, -0.5)
    assert follow_ups(results[2:]) is None


def test_the_spread_of_repeats() -> None:
    results = [result("a"), result("a/again 2", variant="again 2", vital=0.0), result("b"), result("b/again 2", variant="again 2")]
    found = {one.metric: one for one in spread(results)}
    assert found["vital nuggets"].means == (1.0, 0.5)
    assert found["vital nuggets"].changed == 0.5
    assert found["citation validity"].deviation == 0
    assert spread([results[0]]) == []


def test_whoever_always_abstains_is_right_half_of_the_time() -> None:
    run = Run({}, (result("a"), result("b", answerable=False, vital=None)))
    assert balanced_accuracy(run.results) == 0.5
    never = baselines.never(run)
    assert balanced_accuracy(never.results) == 0.5
    assert [METRICS[name](never.results[0]) for name in ("vital nuggets", "answers when it can", "citation precision")] == [0.0, 0.0, None]
    assert replace(never.results[1], score=run.results[1].score).score.answered
