"""Gates: what a release must hold. A floor under a figure, and a margin below which it may not fall against the baseline.

    [[gates]]
    metric = "success@5, across"
    slice = "all"
    floor = 0.80
    margin = 0.02

    [[waivers]]
    metric = "success@5, across"
    slice = "all"
    reason = "the new corpus has no Korean yet"
    expires = 2027-01-31

A floor fails when the figure lies below it; a margin fails when the whole interval of the difference lies below minus the
margin. Slices of fewer than 50 questions never gate. A waiver lets a failed gate pass until the day it expires, and says why. It knows
figures; nothing of how they came about.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
class Waiver:
    """Somebody's word that a failed gate may pass, up to and with the day `expires`."""

    metric: str
    slice: str
    reason: str
    expires: dt.date


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a gate: `reason` says why it failed, or why it could not be held ("" when it held).

    `waived` is the reason of the waiver by which it passed all the same, with its last day.
    """

    gate: str
    passed: bool
    reason: str = ""
    waived: str = ""


@dataclass(frozen=True, slots=True)
class Gates:
    """A file's gates and waivers."""

    gates: tuple[Gate, ...] = ()
    waivers: tuple[Waiver, ...] = ()


def read(path: Path) -> Gates:
    """The gates of a file. Raises EvaluationError, naming what is wrong."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        gates = [Gate(**entry) for entry in content.get("gates", [])]
        waivers = [Waiver(**entry) for entry in content.get("waivers", [])]
    except (OSError, ValueError, TypeError) as error:
        raise EvaluationError(f"the gates {path} cannot be read ({error})", fix="mend that line") from error
    if unknown := sorted(set(content) - {"gates", "waivers"}):
        raise EvaluationError(f"{path}: there is no table {unknown[0]}", fix="it holds [[gates]] and [[waivers]]")
    for waiver in waivers:
        if not str(waiver.reason).strip() or type(waiver.expires) is not dt.date:
            raise EvaluationError(f"{path}: the waiver on {waiver.metric!r} lacks a reason or a day", fix='give it both: reason = "…", expires = 2027-01-31')
        if not any(gate.metric == waiver.metric and _speaks_of(gate, waiver.slice) for gate in gates):
            raise EvaluationError(f"{path}: the waiver on {waiver.metric!r}, {waiver.slice!r} waives no gate", fix="name a gate's metric and slice")
    for gate in gates:
        if gate.metric not in METRICS:
            raise EvaluationError(f"{path}: there is no metric {gate.metric!r}", fix=f"it is one of {', '.join(METRICS)}")
        if gate.floor is None and gate.margin is None:
            raise EvaluationError(f"{path}: the gate on {gate.metric!r} has neither floor nor margin", fix="give it one")
    return Gates(tuple(gates), tuple(waivers))


def judge(gates: Gates, figures: Sequence[Figure], today: dt.date) -> list[Verdict]:
    """A verdict for every gate and slice that it speaks of; `today` says which waivers still hold."""
    waivers = {f"{waiver.metric}, {waiver.slice}": waiver for waiver in gates.waivers}
    return [_waived(verdict, waivers.get(verdict.gate), today) for verdict in _judge(gates.gates, figures)]


def _waived(verdict: Verdict, waiver: Waiver | None, today: dt.date) -> Verdict:
    if waiver is None or verdict.passed:
        return verdict
    if waiver.expires < today:
        return replace(verdict, reason=f"{verdict.reason}; its waiver expired on {waiver.expires}")
    return replace(verdict, passed=True, waived=f"{waiver.reason} (until {waiver.expires})")


def _judge(gates: Sequence[Gate], figures: Sequence[Figure]) -> list[Verdict]:
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
