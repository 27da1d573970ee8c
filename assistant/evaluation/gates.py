"""Gates: what a release must hold. A floor under a figure, and a margin below which it may not fall against the baseline.

    [[gates]]
    metric = "success@5, across"
    slice = "all"
    floor = 0.80
    margin = 0.02

A floor fails when the figure lies below it; a margin fails when the whole interval of the difference lies below minus the
margin. Slices of fewer than 50 questions never gate. It knows figures; nothing of how they came about.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import EvaluationError
from assistant.evaluation.metrics import METRICS, Figure
from assistant.evaluation.statistics import SMALLEST


@dataclass(frozen=True, slots=True)
class Gate:
    """`slice` is one that a figure names; `each language` holds every question language to it."""

    metric: str
    slice: str = "all"
    floor: float | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a gate: `reason` says why it failed, or why it could not be held ("" when it held)."""

    gate: str
    passed: bool
    reason: str = ""


def read(path: Path) -> list[Gate]:
    """The gates of a file. Raises EvaluationError, naming what is wrong."""
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("gates", [])
        gates = [Gate(**entry) for entry in entries]
    except (OSError, ValueError, TypeError) as error:
        raise EvaluationError(f"the gates {path} cannot be read ({error})", fix="mend that line") from error
    for gate in gates:
        if gate.metric not in METRICS:
            raise EvaluationError(f"{path}: there is no metric {gate.metric!r}", fix=f"it is one of {', '.join(METRICS)}")
        if gate.floor is None and gate.margin is None:
            raise EvaluationError(f"{path}: the gate on {gate.metric!r} has neither floor nor margin", fix="give it one")
    return gates


def judge(gates: Sequence[Gate], figures: Sequence[Figure]) -> list[Verdict]:
    """A verdict for every gate and slice that it speaks of."""
    found: list[Verdict] = []
    for gate in gates:
        chosen = [f for f in figures if f.metric == gate.metric and _speaks_of(gate, f.slice)]
        if not chosen:
            found.append(Verdict(f"{gate.metric}, {gate.slice}", True, "nothing was measured for it"))
        found += [_verdict(gate, figure) for figure in chosen]
    return found


def _speaks_of(gate: Gate, name: str) -> bool:
    return name == gate.slice or (gate.slice == "each language" and name.startswith("language "))


def _verdict(gate: Gate, figure: Figure) -> Verdict:
    name = f"{gate.metric}, {figure.slice}"
    if figure.estimate.count < SMALLEST:
        return Verdict(name, True, f"{figure.estimate.count} questions are too few to gate")
    if gate.floor is not None and figure.estimate.mean < gate.floor:
        return Verdict(name, False, f"{figure.estimate.mean:.3f} is below the floor of {gate.floor:.3f}")
    change = figure.difference
    if gate.margin is not None and change is not None and change.count >= SMALLEST and change.high < -gate.margin:
        return Verdict(name, False, f"lost {-change.mean:.3f} [{-change.high:.3f} {-change.low:.3f}] against the baseline, more than {gate.margin:.3f}")
    return Verdict(name, True)
