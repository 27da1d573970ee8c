"""What a run says in short: figures by slice, the language matrix, verdicts of gates; as an object and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.evaluation.gates import Gate, Verdict, judge
from assistant.evaluation.metrics import Figure, balanced_accuracy, figures, matrix
from assistant.evaluation.runs import Run
from assistant.evaluation.statistics import SMALLEST


@dataclass(frozen=True, slots=True)
class Summary:
    """`matrix`: success@5 by question language and language of the gold; `latency_ms`: p50 and p95 of the whole answer."""

    header: Mapping[str, Any]
    figures: tuple[Figure, ...]
    balanced_accuracy: float | None
    matrix: Mapping[str, Mapping[str, float]]
    latency_ms: Mapping[str, float]
    verdicts: tuple[Verdict, ...]


def summary(run: Run, baseline: Run | None, gates: Sequence[Gate]) -> Summary:
    """A run in short; follow-ups written out in full are beside the figures, not in them."""
    results = [result for result in run.results if not result.variant]
    before = [result for result in baseline.results if not result.variant] if baseline else []
    found = figures(results, before)
    times = sorted(result.timings_ms.get("total", 0.0) for result in results)
    latency = {name: times[min(len(times) - 1, int(len(times) * share))] for name, share in (("p50", 0.5), ("p95", 0.95))} if times else {}
    return Summary(run.header, tuple(found), balanced_accuracy(results), matrix(results), latency, tuple(judge(gates, found)))


def as_text(found: Summary) -> str:
    """For a terminal: all questions, then each question language, the matrix, and what failed."""
    lines = []
    for name in dict.fromkeys(figure.slice for figure in found.figures):
        if name != "all" and not name.startswith(("language ", "set ")):
            continue
        lines.append(f"\n{name}")
        lines += [_line(figure) for figure in found.figures if figure.slice == name]
    if found.balanced_accuracy is not None:
        lines.append(f"\nabstention, balanced accuracy: {found.balanced_accuracy:.3f} (always abstaining: 0.500)")
    if found.matrix:
        columns = sorted({pool for row in found.matrix.values() for pool in row})
        lines.append("\nsuccess@5 by question language (rows) and document language\n     " + "".join(f"{c:>6}" for c in columns))
        for language, row in found.matrix.items():
            lines.append(f"{language:5}" + "".join(f"{row[c]:6.2f}" if c in row else "     –" for c in columns))
    if found.latency_ms:
        lines.append("\nanswer, ms: " + ", ".join(f"{name} {value:.0f}" for name, value in found.latency_ms.items()))
    failed = [verdict for verdict in found.verdicts if not verdict.passed]
    if found.verdicts:
        lines.append(f"\ngates: {len(found.verdicts) - len(failed)} held, {len(failed)} failed")
    lines += [f"  failed: {verdict.gate}: {verdict.reason}" for verdict in failed]
    return "\n".join(lines).lstrip("\n")


def _line(figure: Figure) -> str:
    own = figure.estimate
    text = f"  {figure.metric:30} {own.mean:6.3f} [{own.low:.3f} {own.high:.3f}]  n={own.count}"
    if figure.difference is not None:
        d = figure.difference
        text += f"  {d.mean:+.3f} [{d.low:+.3f} {d.high:+.3f}] p={figure.p:.3f}"
    return f"{text}  (too few to gate)" if own.count < SMALLEST else text
