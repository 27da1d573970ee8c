"""A run's results as figures: each metric with its interval, over all and by slice, beside a baseline's.

It knows results and statistics; nothing of files or of gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from assistant.evaluation.runs import Result
from assistant.evaluation.sets import OVERVIEWS
from assistant.evaluation.statistics import Difference, Estimate, difference, estimate, holm

Value = Callable[[Result], float | None]
"""What a metric makes of one result; None where it has nothing to say."""


def _rank(measure: str, pools: Callable[[Result], Sequence[str]]) -> Value:
    """A measure of ir-measures, averaged over a question's pools."""

    def value(result: Result) -> float | None:
        found = [result.score.found[pool] for pool in pools(result) if pool in result.score.found]
        return None if not found else sum(measured(measure, one.ranks, one.relevant) for one in found) / len(found)

    return value


@cache
def measured(measure: str, ranks: tuple[int, ...], relevant: int) -> float:
    """A measure of one ranking by its name in ir-measures (`Success@5`, `R@5`, `RR@10`, `nDCG@10`).

    `ranks`: 1-based places of relevant passages; `relevant`: how many there are.
    """
    import ir_measures

    parsed = ir_measures.parse_measure(measure)
    qrels = [ir_measures.Qrel("q", f"found {place}", 1) for place in ranks]
    qrels += [ir_measures.Qrel("q", f"missed {number}", 1) for number in range(max(1, relevant) - len(ranks))]
    # Scores are minus the place: measures break ties differently.
    run = [ir_measures.ScoredDoc("q", f"found {place}" if place in ranks else f"other {place}", -place) for place in range(1, max((*ranks, 1)) + 1)]
    values = [metric.value for metric in ir_measures.iter_calc([parsed], qrels, run)]
    assert len(values) == 1, f"ir-measures gave {len(values)} values for one ranking"
    return float(values[0])


def _own(result: Result) -> Sequence[str]:
    return [result.language]


def _foreign(result: Result) -> Sequence[str]:
    return [pool for pool in result.score.found if pool not in ("mixed", result.language)]


def _mixed(result: Result) -> Sequence[str]:
    return ["mixed"]


def _abstained(result: Result, *, wanted: bool) -> float | None:
    return float(not result.score.answered) if result.answerable is not wanted and result.kind not in OVERVIEWS else None


def _gap(result: Result) -> float | None:
    """Recall@5 in the question's language less that across, of questions that have both."""
    own, foreign = METRICS["recall@5, same language"](result), METRICS["recall@5, across"](result)
    return None if own is None or foreign is None else own - foreign


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


METRICS: dict[str, Value] = {
    "success@1, same language": _rank("Success@1", _own),
    "success@5, same language": _rank("Success@5", _own),
    "success@1, across": _rank("Success@1", _foreign),
    "success@5, across": _rank("Success@5", _foreign),
    "success@5, mixed": _rank("Success@5", _mixed),
    "recall@5, same language": _rank("R@5", _own),
    "recall@5, across": _rank("R@5", _foreign),
    "language gap": _gap,
    "MRR@10, mixed": _rank("RR@10", _mixed),
    "nDCG@10, mixed": _rank("nDCG@10", _mixed),
    "vital nuggets": lambda r: r.score.vital,
    "vital nuggets where answered": lambda r: r.score.vital if r.score.answered else None,
    "okay nuggets": lambda r: r.score.okay,
    "citation validity": lambda r: _share(r.score.valid, r.score.cited),
    "citation precision": lambda r: _share(r.score.precise, r.score.cited) if r.answerable else None,
    "gold cited": lambda r: None if r.score.gold_cited is None else float(r.score.gold_cited),
    "abstains when it should": lambda r: _abstained(r, wanted=True),
    "answers when it can": lambda r: None if (value := _abstained(r, wanted=False)) is None else 1 - value,
    "language kept": lambda r: None if r.score.language_kept is None else float(r.score.language_kept),
    "things listed": lambda r: r.score.listed,
    "rows that belong": lambda r: r.score.belonging,
    "dates shown": lambda r: r.score.dated,
    "no list where none was asked for": lambda r: None if r.score.kept_apart is None else float(r.score.kept_apart),
    "both conflicting values": lambda r: None if r.score.both_values is None else float(r.score.both_values),
}

LOWER_IS_BETTER = frozenset({"language gap"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric over one slice (`all`, `language de`, `kind date`); beside the baseline where there is one.

    `p` is corrected by Holm over the metric's slices.
    """

    metric: str
    slice: str
    estimate: Estimate
    difference: Difference | None = None
    p: float | None = None


def slices(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Every slice with its results: all of them, by set, by question language, by kind."""
    yield "all", list(results)
    for label in ("set", "language", "kind"):
        for value in sorted({getattr(result, label) for result in results}):
            yield f"{label} {value}", [result for result in results if getattr(result, label) == value]


def figures(results: Sequence[Result], baseline: Sequence[Result] = ()) -> list[Figure]:
    """Every metric over every slice that it says something about."""
    before = {result.key: result for result in baseline}
    found: list[Figure] = []
    for metric, value in METRICS.items():
        made = [figure for name, chosen in slices(results) if (figure := _figure(metric, value, name, chosen, before))]
        adjusted = holm({f.slice: f.difference.p for f in made if f.difference and f.slice != "all"})
        found += [Figure(f.metric, f.slice, f.estimate, f.difference, adjusted.get(f.slice, f.difference.p if f.difference else None)) for f in made]
    return found


def _figure(metric: str, value: Value, name: str, chosen: Sequence[Result], before: dict[str, Result]) -> Figure | None:
    rows = [(made, result) for result in chosen if (made := value(result)) is not None]
    own = estimate([made for made, _ in rows], [result.cluster for _, result in rows])
    if own is None:
        return None
    pairs = [(made, other, r.cluster) for made, r in rows if r.key in before and (other := value(before[r.key])) is not None]
    compared = difference([a for a, _, _ in pairs], [b for _, b, _ in pairs], [c for _, _, c in pairs]) if pairs else None
    return Figure(metric, name, own, compared)


def balanced_accuracy(results: Sequence[Result]) -> float | None:
    """Of abstention (positive = abstains): the mean of its two recalls; None unless both kinds of question were asked."""
    right = {answerable: [r.score.answered is answerable for r in results if r.answerable is answerable and r.kind not in OVERVIEWS] for answerable in (True, False)}
    return None if not all(right.values()) else sum(sum(values) / len(values) for values in right.values()) / 2


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the language matrix: the mean over `count` questions."""

    value: float
    count: int


def matrix(results: Sequence[Result], depth: int = 5) -> dict[str, dict[str, Cell]]:
    """Success@depth by question language and by the language of the gold passages, searched among that language's alone."""
    cells: dict[str, dict[str, list[float]]] = {}
    for result in results:
        for pool, found in result.score.found.items():
            if pool != "mixed":
                cells.setdefault(result.language, {}).setdefault(pool, []).append(measured(f"Success@{depth}", found.ranks, found.relevant))
    return {language: {pool: Cell(sum(v) / len(v), len(v)) for pool, v in sorted(row.items())} for language, row in sorted(cells.items())}


def wrong(result: Result) -> bool:
    """True when an answer was given that should not have been, or that lacks a vital nugget."""
    if result.kind in OVERVIEWS:
        return bool(result.score.wrong)
    return result.score.answered and (not result.answerable or (result.score.vital is not None and result.score.vital < 1))


@dataclass(frozen=True, slots=True)
class Point:
    """If only answers of at least this confidence were given: the share of questions answered, and of these the share that is wrong."""

    confidence: float
    coverage: float
    risk: float


def risk_coverage(results: Sequence[Result]) -> list[Point]:
    """The risk-coverage curve (El-Yaniv & Wiener 2010), from the most confident answer on; one point for each confidence."""
    answered = sorted((r for r in results if r.score.answered and r.confidence is not None), key=lambda r: -(r.confidence or 0.0))
    points: list[Point] = []
    failures = 0
    for place, result in enumerate(answered, 1):
        failures += wrong(result)
        point = Point(result.confidence or 0.0, place / len(results), failures / place)
        if points and points[-1].confidence == point.confidence:
            points.pop()
        points.append(point)
    return points


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Vital nuggets of follow-ups as they were asked and written out in full, and the difference."""

    asked: float
    full: float
    difference: Difference

    @property
    def ratio_text(self) -> str:
        return f"{self.asked / self.full:.0%} of it" if self.full else "nothing to compare"


def follow_ups(results: Sequence[Result]) -> FollowUps | None:
    """None where no follow-up was asked both ways."""
    full = {result.key.removesuffix("/full"): result for result in results if result.variant == "full"}
    pairs = [
        (r.score.vital, other.score.vital, r.cluster) for r in results
        if not r.variant and (other := full.get(r.key)) and r.score.vital is not None and other.score.vital is not None
    ]  # fmt: skip
    if not pairs:
        return None
    found = difference([a for a, _, _ in pairs], [b for _, b, _ in pairs], [c for _, _, c in pairs])
    assert found is not None
    return FollowUps(sum(a for a, _, _ in pairs) / len(pairs), sum(b for _, b, _ in pairs) / len(pairs), found)


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over all questions in each repeat of a run, and the standard deviation between them; `changed` is the share of
    questions whose value was not the same in all."""

    metric: str
    means: tuple[float, ...]
    deviation: float
    changed: float


def spread(results: Sequence[Result]) -> list[Spread]:
    """How much the figures vary when the same questions are put again; empty for a run that was not repeated."""
    by_key: dict[str, list[Result]] = {}
    for result in results:
        if not result.variant or result.variant.startswith("again "):
            by_key.setdefault(result.key.removesuffix(f"/{result.variant}") if result.variant else result.key, []).append(result)
    times = max((len(members) for members in by_key.values()), default=0)
    whole = [members for members in by_key.values() if len(members) == times]
    found = []
    for metric, value in METRICS.items() if times > 1 else ():
        rows = [made for members in whole if None not in (made := [value(result) for result in members])]
        if rows:
            means = tuple(float(mean) for mean in np.asarray(rows, dtype=np.float64).mean(axis=0))
            found.append(Spread(metric, means, float(np.std(means, ddof=1)), sum(len(set(row)) > 1 for row in rows) / len(rows)))
    return found
