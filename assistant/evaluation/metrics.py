"""A run's results as figures: each metric with its interval, over all and by slice, beside a baseline's.

It knows results and statistics; nothing of files or of gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.evaluation.runs import Result
from assistant.evaluation.statistics import Difference, Estimate, difference, estimate, holm

Value = Callable[[Result], float | None]
"""What a metric makes of one result; None where it has nothing to say."""


def _rank(pools: Callable[[Result], Sequence[str]], depth: int) -> Value:
    def value(result: Result) -> float | None:
        found = [result.score.ranks[pool] for pool in pools(result) if pool in result.score.ranks]
        return None if not found else sum(0 < place <= depth for place in found) / len(found)

    return value


def _own(result: Result) -> Sequence[str]:
    return [result.language]


def _foreign(result: Result) -> Sequence[str]:
    return [pool for pool in result.score.ranks if pool not in ("mixed", result.language)]


def _mixed(result: Result) -> Sequence[str]:
    return ["mixed"]


def _abstained(result: Result, *, wanted: bool) -> float | None:
    return float(not result.score.answered) if result.answerable is not wanted else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


METRICS: dict[str, Value] = {
    "success@1, same language": _rank(_own, 1),
    "success@5, same language": _rank(_own, 5),
    "success@1, across": _rank(_foreign, 1),
    "success@5, across": _rank(_foreign, 5),
    "success@5, mixed": _rank(_mixed, 5),
    "vital nuggets": lambda r: r.score.vital,
    "vital nuggets where answered": lambda r: r.score.vital if r.score.answered else None,
    "okay nuggets": lambda r: r.score.okay,
    "citation validity": lambda r: _share(r.score.valid, r.score.cited),
    "citation precision": lambda r: _share(r.score.precise, r.score.cited) if r.answerable else None,
    "gold cited": lambda r: None if r.score.gold_cited is None else float(r.score.gold_cited),
    "abstains when it should": lambda r: _abstained(r, wanted=True),
    "answers when it can": lambda r: None if (value := _abstained(r, wanted=False)) is None else 1 - value,
    "language kept": lambda r: None if r.score.language_kept is None else float(r.score.language_kept),
    "both conflicting values": lambda r: None if r.score.both_values is None else float(r.score.both_values),
}


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
    right = {answerable: [r.score.answered is answerable for r in results if r.answerable is answerable] for answerable in (True, False)}
    return None if not all(right.values()) else sum(sum(values) / len(values) for values in right.values()) / 2


def matrix(results: Sequence[Result], depth: int = 5) -> dict[str, dict[str, float]]:
    """Success@depth by question language and by the language of the gold passages, searched among that language's alone."""
    cells: dict[str, dict[str, list[bool]]] = {}
    for result in results:
        for pool, place in result.score.ranks.items():
            if pool != "mixed":
                cells.setdefault(result.language, {}).setdefault(pool, []).append(0 < place <= depth)
    return {language: {pool: sum(v) / len(v) for pool, v in sorted(row.items())} for language, row in sorted(cells.items())}
