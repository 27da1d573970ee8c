"""What a run says in short: figures by slice, the language matrix, verdicts of gates, and what can be seen by a run like it.

It computes; how it looks is said by `as_text` for a terminal, by `page` for a browser, by `junit` for a build server.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.evaluation.gates import Gates, Verdict, judge
from assistant.evaluation.metrics import (
    METRICS,
    Cell,
    Figure,
    FollowUps,
    Point,
    Spread,
    balanced_accuracy,
    figures,
    follow_ups,
    matrix,
    risk_coverage,
    slices,
    spread,
)
from assistant.evaluation.runs import Result, Run
from assistant.evaluation.statistics import SMALLEST, Power, power, smallest_found

LOSSES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
CHURNS = (0.0, 0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a run of these questions can see of one metric: power by loss and churn, with questions or whole clusters changing.

    `smallest` is the smallest loss seen in 80% of the trials without churn, None when none of those tried is.
    """

    metric: str
    margin: float
    questions: tuple[Power, ...]
    clusters: tuple[Power, ...]
    smallest: float | None
    smallest_stopped: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """`matrix`: success@5 by question language and language of the gold; `latency_ms`: p50 and p95 of the whole answer.

    `beside`: other runs' figures over the same questions, by name, metric and slice.
    """

    header: Mapping[str, Any]
    figures: tuple[Figure, ...]
    balanced_accuracy: float | None
    matrix: Mapping[str, Mapping[str, Cell]]
    latency_ms: Mapping[str, float]
    verdicts: tuple[Verdict, ...]
    follow_ups: FollowUps | None
    risk_coverage: tuple[Point, ...]
    beside: Mapping[str, Mapping[str, Mapping[str, float]]]
    sights: tuple[Sight, ...]
    spread: tuple[Spread, ...]

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)


def summary(run: Run, baseline: Run | None = None, gates: Gates | None = None, beside: Mapping[str, Run] | None = None, *, today: dt.date | None = None, sights: bool = False) -> Summary:
    """A run in short; follow-ups written out in full are beside the figures, not in them.

    `sights` simulates what the gates with a margin can see (some seconds).
    """
    gates = gates or Gates()
    results = asked_once(run)
    found = figures(results, asked_once(baseline) if baseline else ())
    times = sorted(result.timings_ms.get("total", 0.0) for result in results)
    latency = {name: times[min(len(times) - 1, int(len(times) * share))] for name, share in (("p50", 0.5), ("p95", 0.95))} if times else {}
    return Summary(
        run.header, tuple(found), balanced_accuracy(results), matrix(results), latency, tuple(judge(gates, found, today or dt.datetime.now(dt.UTC).date())),
        follow_ups(run.results), tuple(risk_coverage(results)), {name: _means(other, results) for name, other in (beside or {}).items()},
        tuple(_sights(results, gates)) if sights else (), tuple(spread(run.results)),
    )  # fmt: skip


def asked_once(run: Run) -> list[Result]:
    """The results that figures are made of: each question as it is asked, the first time."""
    return [result for result in run.results if not result.variant]


def _means(other: Run, results: Sequence[Result]) -> dict[str, dict[str, float]]:
    keys = {result.key for result in results}
    own = [result for result in asked_once(other) if result.key in keys]
    found: dict[str, dict[str, float]] = {}
    for metric, value in METRICS.items():
        for name, chosen in slices(own):
            values = [made for result in chosen if (made := value(result)) is not None]
            if values:
                found.setdefault(metric, {})[name] = sum(values) / len(values)
    return found


def _sights(results: Sequence[Result], gates: Gates) -> list[Sight]:
    found: list[Sight] = []
    for gate in gates.gates:
        if gate.margin is None or gate.metric in {sight.metric for sight in found}:
            continue
        rows = [(made, result) for result in results if (made := METRICS[gate.metric](result)) is not None]
        if len(rows) < SMALLEST:
            continue
        values, clusters = [made for made, _ in rows], [result.cluster for _, result in rows]
        items = [f"{result.set}/{result.item}" for _, result in rows]
        by_items, by_clusters = (
            tuple(power(values, units, clusters, losses=LOSSES, churns=CHURNS, margin=gate.margin)) for units in (items, clusters)
        )
        found.append(Sight(gate.metric, gate.margin, by_items, by_clusters, smallest_found(by_items, 0.0), smallest_found(by_items, 0.0, stopped=True)))
    return found


def as_text(found: Summary) -> str:
    """For a terminal: all questions, then each question language, the matrix, and what failed."""
    lines = []
    for name in dict.fromkeys(figure.slice for figure in found.figures):
        if name != "all" and not name.startswith(("language ", "set ")):
            continue
        lines.append(f"\n{name}")
        lines += [_line(figure, found.beside) for figure in found.figures if figure.slice == name]
    if found.beside:
        lines.append(f"\nin braces: {', '.join(found.beside)}")
    if found.balanced_accuracy is not None:
        lines.append(f"\nabstention, balanced accuracy: {found.balanced_accuracy:.3f} (always abstaining: 0.500)")
    if found.follow_ups is not None:
        f = found.follow_ups
        lines.append(f"\nfollow-ups, vital nuggets: {f.asked:.3f} as asked, {f.full:.3f} written out ({f.ratio_text}; n={f.difference.count})")
    if found.matrix:
        columns = sorted({pool for row in found.matrix.values() for pool in row})
        lines.append("\nsuccess@5 by question language (rows) and document language\n     " + "".join(f"{c:>6}" for c in columns))
        for language, row in found.matrix.items():
            lines.append(f"{language:5}" + "".join(f"{row[c].value:6.2f}" if c in row else "     –" for c in columns))
    if found.latency_ms:
        lines.append("\nanswer, ms: " + ", ".join(f"{name} {value:.0f}" for name, value in found.latency_ms.items()))
    for one in found.spread:
        lines.append(f"asked {len(one.means)} times: {one.metric:30} sd {one.deviation:.4f} ({', '.join(f'{mean:.3f}' for mean in one.means)}); {one.changed:.1%} of the questions changed")
    for sight in found.sights:
        seen = "none of those tried" if sight.smallest is None else f"{sight.smallest:.3f}"
        stopped = "none of those tried" if sight.smallest_stopped is None else f"{sight.smallest_stopped:.3f}"
        lines.append(f"smallest loss of {sight.metric} found 80% of the time: {seen}; that stops a release: {stopped}")
    failed = [verdict for verdict in found.verdicts if not verdict.passed]
    if found.verdicts:
        waived = sum(bool(verdict.waived) for verdict in found.verdicts)
        lines.append(f"\ngates: {len(found.verdicts) - len(failed)} held" + (f" ({waived} by waiver)" if waived else "") + f", {len(failed)} failed")
    lines += [f"  waived: {verdict.gate}: {verdict.reason}: {verdict.waived}" for verdict in found.verdicts if verdict.waived]
    lines += [f"  failed: {verdict.gate}: {verdict.reason}" for verdict in failed]
    return "\n".join(lines).lstrip("\n")


def _line(figure: Figure, beside: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    own = figure.estimate
    text = f"  {figure.metric:30} {own.mean:6.3f} [{own.low:.3f} {own.high:.3f}]  n={own.count}"
    if figure.difference is not None:
        d = figure.difference
        text += f"  {d.mean:+.3f} [{d.low:+.3f} {d.high:+.3f}] p={figure.p:.3f}"
    if beside:
        others = [means.get(figure.metric, {}).get(figure.slice) for means in beside.values()]
        text += "  {" + ", ".join("–" if value is None else f"{value:.3f}" for value in others) + "}"
    return f"{text}  (too few to gate)" if own.count < SMALLEST else text
