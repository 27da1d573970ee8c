"""Learns which unit answers and when to abstain, from the questions of a split: what `answering.selection` reads.

A unit is right when it touches gold itself (not only the table that it is quoted with). The unit model is linear, with two losses: the right units of a question among all its units
(listwise; Cao et al. 2007), and each unit by itself (logistic, classes balanced). The model of abstention is logistic over what the best
units say; the threshold is the one of highest balanced accuracy. What is reported was measured on clusters of questions left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.answering.selection import Linear, Selection, chance, signs
from assistant.evaluation import scoring
from assistant.evaluation.runs import Asked, Texts
from assistant.evaluation.sets import language_of
from assistant.schema import Progress, silent

if TYPE_CHECKING:
    from assistant.pipeline import Assistant

_FOLDS = 6
_STEPS, _RATE = 250, 0.02
_UNIT_PENALTY, _SINGLE = 0.1, 1.5
_ANSWER_PENALTY = 0.7
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One question with its units' features [units, FEATURES], which of them touch gold."""

    key: str
    language: str
    kind: str
    cluster: str
    answerable: bool
    foreign: bool
    features: NDArray[np.float32]
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The models learnt from all examples, and figures of questions that were left out in turn."""

    selection: Selection
    figures: dict[str, float]


def collect(assistant: Assistant, questions: Sequence[Asked], *, progress: Progress = silent) -> list[Example]:
    """What the answering room sees of each question (follow-ups as written out)."""
    texts = Texts(assistant)
    found = []
    for done, asked in enumerate(questions, 1):
        item = asked.item
        gold = scoring.locate(item, texts.text)
        seen = assistant.considered(asked.question, language=asked.language)
        where = [(texts.path(u.chunk.document_id), u.chunk.start + u.span.start, u.chunk.start + u.span.end) for u in seen.units]
        found.append(Example(
            asked.key, asked.language, seen.kind, item.cluster, item.answerable, bool(gold) and asked.language not in {language_of(d) for d in gold}, seen.features,
            np.array([any(a < end and begin < b for begin, end in gold.get(d, ())) for d, a, b in where], dtype=bool),
        ))  # fmt: skip
        progress("ask", done, len(questions))
    return found


def calibrate(examples: Sequence[Example], encoder: str, learnt_from: str) -> Calibrated:
    """Learn from the examples, and measure on clusters left out."""
    usable = [example for example in examples if len(example.features)]
    held_out = _left_out(usable)
    scores = [score for _, score, _ in held_out]
    chances = np.array([chance for _, _, chance in held_out])
    answerable = np.array([example.answerable for example in usable])
    threshold = _best_threshold(chances, answerable)
    by_language = _thresholds(chances, answerable, [example.language for example in usable], threshold)
    answered = chances >= np.array([by_language[example.language] for example in usable])
    figures = {
        "questions": float(len(usable)),
        "balanced accuracy": _balanced(answered, answerable),
        "answers when it can": float(answered[answerable].mean()),
        "abstains when it should": float((~answered[~answerable]).mean()),
    }
    for name, foreign in (("same language", False), ("across", True)):
        chosen = [(e, s) for e, s in zip(usable, scores, strict=True) if e.answerable and e.foreign is foreign]
        if chosen:
            figures[f"best unit touches gold, {name}"] = float(np.mean([e.right[s.argmax()] for e, s in chosen]))
            figures[f"one of the best three touches gold, {name}"] = float(np.mean([e.right[np.argsort(-s)[:3]].any() for e, s in chosen]))
    unit = _learn_units(usable)
    answer = _learn_answers([(example, unit(example.features)) for example in usable])
    return Calibrated(Selection(unit, answer, threshold, by_language, encoder, learnt_from), figures)


def _left_out(examples: Sequence[Example]) -> list[tuple[Example, Floats, float]]:
    """Each example with its units' scores and its chance of an answer, by models that saw none of its cluster."""
    fold_of = _folds([example.cluster for example in examples])
    found: dict[int, tuple[Example, Floats, float]] = {}
    scores: dict[int, Floats] = {}
    for fold in range(_FOLDS):
        unit = _learn_units([example for example, own in zip(examples, fold_of, strict=True) if own != fold])
        scores |= {place: unit(example.features) for place, example in enumerate(examples) if fold_of[place] == fold}
    for fold in range(_FOLDS):
        # Abstention is learnt from scores that were left out too: those of learnt questions are too good.
        answer = _learn_answers([(example, scores[place]) for place, example in enumerate(examples) if fold_of[place] != fold])
        for place, example in enumerate(examples):
            if fold_of[place] == fold:
                found[place] = (example, scores[place], chance(answer, example.features, scores[place], example.kind))
    return [found[place] for place in range(len(examples))]


def _folds(clusters: Sequence[str]) -> list[int]:
    """A fold for each, whole clusters together, the largest first into the emptiest."""
    sizes = {cluster: clusters.count(cluster) for cluster in dict.fromkeys(clusters)}
    load = [0] * _FOLDS
    chosen: dict[str, int] = {}
    for cluster in sorted(sizes, key=lambda name: (-sizes[name], name)):
        chosen[cluster] = load.index(min(load))
        load[chosen[cluster]] += sizes[cluster]
    return [chosen[cluster] for cluster in clusters]


def _learn_units(examples: Sequence[Example]) -> Linear:
    """The unit model, from questions that have a right unit."""
    chosen = [example for example in examples if example.right.any()]
    values, mean, spread = _scaled(np.concatenate([example.features for example in chosen]).astype(np.float64))
    right = np.concatenate([example.right for example in chosen]).astype(np.float64)
    starts = np.cumsum([0, *(len(example.right) for example in chosen)])[:-1]
    owner = np.repeat(np.arange(len(chosen)), [len(example.right) for example in chosen])
    balance = np.where(right > 0, (1 - right.mean()) / right.mean(), 1.0)

    def slope(scores: Floats) -> Floats:
        power = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        all_of, right_of = np.add.reduceat(power, starts)[owner], np.add.reduceat(power * right, starts)[owner]
        listwise = power / all_of - power * right / np.maximum(right_of, 1e-12)
        single = balance * (1 / (1 + np.exp(-scores)) - right)
        return np.asarray(listwise / len(chosen) + _SINGLE * single / len(scores))

    return _unscaled(*_descend(values, slope, _UNIT_PENALTY), mean, spread)


def _learn_answers(scored: Iterable[tuple[Example, Floats]]) -> Linear:
    rows = [(signs(example.features, scores, example.kind), example.answerable) for example, scores in scored]
    values, mean, spread = _scaled(np.stack([row for row, _ in rows]))
    wanted = np.array([float(answerable) for _, answerable in rows])
    balance = np.where(wanted > 0, 0.5 / max(1e-9, wanted.mean()), 0.5 / max(1e-9, 1 - wanted.mean()))
    weights = _descend(values, lambda scores: np.asarray(balance * (1 / (1 + np.exp(-scores)) - wanted) / len(scores)), _ANSWER_PENALTY)
    return _unscaled(*weights, mean, spread)


def _descend(values: Floats, slope: Callable[[Floats], Floats], penalty: float) -> tuple[Floats, float]:
    """Weights and bias by Adam (Kingma & Ba 2015), from nothing, the same each time; `penalty` times the weights' squared length."""
    at = np.zeros(values.shape[1] + 1)
    first, second = np.zeros_like(at), np.zeros_like(at)
    for step in range(1, _STEPS + 1):
        errors = slope(values @ at[:-1] + at[-1])
        gradient = np.append(errors @ values + 2 * penalty * at[:-1], errors.sum())
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        at = at - _RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return at[:-1], float(at[-1])


def _scaled(values: Floats) -> tuple[Floats, Floats, Floats]:
    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 1e-6, spread, np.inf)  # what never changes says nothing
    return (values - mean) / spread, mean, spread


def _unscaled(weights: Floats, bias: float, mean: Floats, spread: Floats) -> Linear:
    return Linear(weights / spread, bias - float((weights * mean / spread).sum()))


def _balanced(answered: NDArray[np.bool_], answerable: NDArray[np.bool_]) -> float:
    return float((answered[answerable].mean() + (~answered[~answerable]).mean()) / 2)


def _thresholds(chances: Floats, answerable: NDArray[np.bool_], languages: Sequence[str], common: float) -> dict[str, float]:
    """Each language's own best threshold, drawn half way to the common one: a language has few questions."""
    found = {}
    for language in sorted(set(languages)):
        own = np.array([one == language for one in languages])
        both = answerable[own].any() and not answerable[own].all()
        found[language] = (common + _best_threshold(chances[own], answerable[own])) / 2 if both else common
    return found


def _best_threshold(chances: Floats, answerable: NDArray[np.bool_]) -> float:
    tried = np.quantile(chances, np.linspace(0.02, 0.98, 97))
    return float(max(tried, key=lambda threshold: _balanced(chances >= threshold, answerable)))
