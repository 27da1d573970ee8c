"""Which unit answers, and whether any does: two linear models over what `matching` says, learnt from questions with known answers.

The weights are a file that `assistant eval calibrate` writes (docs/decisions/008-answers.md); it names the encoder whose numbers they weigh.
It knows features; nothing of texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.answering.matching import FEATURES, KINDS, RELATIVE
from assistant.errors import SettingsError

Vector = NDArray[np.float64]
PACKAGED = Path(__file__).parent / "selection.json"
_PLACE = {name: place for place, name in enumerate(FEATURES)}
_DESCRIBED = FEATURES[: next(place for place, name in enumerate(FEATURES) if name.endswith(", over all"))]
_AT_MOST = ("years with heading", "years", "value near core", "names with heading", "held with heading", "words with heading")
_BY_KIND = ("new date", "new full date", "new numbers", "value near core", "core context", "own core context", "core unit", "years with heading")
SIGNS = (
    "score", "ahead of the second", "ahead of the fifth", "share of the best", "share of the best three", "disorder", *(f"best unit: {name}" for name in _DESCRIBED),
    *(f"most: {name}" for name in RELATIVE), *(f"best three: {name}" for name in RELATIVE), *(f"most: {name}" for name in _AT_MOST), *(kind or "other" for kind in KINDS),
    *(f"{kind or 'other'}: {name}" for name in _BY_KIND for kind in KINDS),
)  # fmt: skip
"""What says whether a question has an answer among the units."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`values @ weights + bias`."""

    weights: Vector
    bias: float

    def __call__(self, values: NDArray[Any]) -> Vector:
        return np.asarray(values @ self.weights + self.bias, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The units' scores, and how likely (0 to 1) the best of them answers the question."""

    scores: Vector
    confidence: float


@dataclass(frozen=True, slots=True)
class Selection:
    """Both models, and the confidence from which on an answer is given: by question language where the table treats languages unequally.

    `encoder` is the fingerprint of the table that it was learnt with, `learnt_from` that of the index.
    """

    unit: Linear
    answer: Linear
    threshold: float
    by_language: Mapping[str, float] = field(default_factory=dict)
    encoder: str = ""
    learnt_from: str = ""

    def weigh(self, features: NDArray[np.float32], kind: str) -> Weighed:
        """Scores for float32 [units, FEATURES] of a question of this kind; there is at least one unit."""
        scores = self.unit(features)
        return Weighed(scores, chance(self.answer, features, scores, kind))

    def needed(self, language: str) -> float:
        """The confidence from which on a question in this language is answered."""
        return self.by_language.get(language, self.threshold)

    def as_json(self) -> dict[str, Any]:
        """What the file holds; weights by name, so that a change of features is seen."""
        return {
            "encoder": self.encoder, "learnt from": self.learnt_from, "threshold": round(self.threshold, 4),
            "thresholds": {language: round(value, 4) for language, value in sorted(self.by_language.items())},
            "unit": {"bias": round(self.unit.bias, 6), "weights": {name: round(float(w), 6) for name, w in zip(FEATURES, self.unit.weights, strict=True)}},
            "answer": {"bias": round(self.answer.bias, 6), "weights": {name: round(float(w), 6) for name, w in zip(SIGNS, self.answer.weights, strict=True)}},
        }  # fmt: skip


def chance(answer: Linear, features: NDArray[np.float32], scores: Vector, kind: str) -> float:
    """How likely (0 to 1) the best unit answers, by a model of abstention."""
    return float(1 / (1 + np.exp(-answer(signs(features, scores, kind)))))


def signs(features: NDArray[np.float32], scores: Vector, kind: str) -> Vector:
    """float64 [SIGNS]: what the best units, and how far they stand out, say of the question."""
    order = np.argsort(-scores, kind="stable")
    ranked, best = scores[order], features[order[0]]
    shares = np.exp(ranked - ranked[0])
    shares /= shares.sum()
    relative = features[:, : len(RELATIVE)]
    chosen = [float(name == kind) for name in KINDS]
    values = [
        ranked[0], ranked[0] - ranked[min(1, len(ranked) - 1)], ranked[0] - ranked[min(4, len(ranked) - 1)], shares[0], shares[:3].sum(), -(shares * np.log(shares + 1e-9)).sum(),
        *best[: len(_DESCRIBED)], *relative.max(axis=0), *relative[order[:3]].mean(axis=0), *(features[:, _PLACE[name]].max() for name in _AT_MOST), *chosen,
        *(own * best[_PLACE[name]] for name in _BY_KIND for own in chosen),
    ]  # fmt: skip
    return np.array(values, dtype=np.float64)


@cache
def read(path: Path = PACKAGED) -> Selection:
    """The models of a file. Raises SettingsError when it is not of this version."""
    try:
        content = json.loads(path.read_text("utf-8"))
        unit, answer = _linear(content["unit"], FEATURES), _linear(content["answer"], SIGNS)
        return Selection(unit, answer, float(content["threshold"]), {str(k): float(v) for k, v in content["thresholds"].items()}, str(content["encoder"]), str(content["learnt from"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} holds no selection of this version ({type(error).__name__})", fix="assistant eval calibrate makes one") from error


def _linear(content: Mapping[str, Any], names: tuple[str, ...]) -> Linear:
    weights = content["weights"]
    if tuple(weights) != names:
        raise ValueError("other features")
    return Linear(np.array([float(weights[name]) for name in names]), float(content["bias"]))
