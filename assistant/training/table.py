"""The table's training: InfoNCE over sums of rows, in-batch negatives, Adam on the rows a batch touches.

It knows batches; nothing of languages or files. The gradient is written out: both sides are sparse products with one
gathered block of rows, which two cores do several times faster than automatic differentiation over an embedding layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from assistant.training.batches import Batch

_SCALE = 20.0  # of cosines, before the softmax
_BETAS = (0.9, 0.999)
_WARM_UP = 0.03  # of all steps


@dataclass
class Table:
    """One row per token, with Adam's moments; float32 [vocabulary, dimensions]."""

    rows: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    step: int = 0

    @classmethod
    def fresh(cls, vocabulary: int, dimensions: int, seed: int) -> Table:
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(vocabulary, dimensions, generator=generator) * 0.1
        return cls(rows, torch.zeros_like(rows), torch.zeros_like(rows))

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        unfinished = path.with_suffix(".unfinished")
        torch.save({"rows": self.rows, "first": self.first, "second": self.second, "step": self.step}, unfinished)
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Table:
        return cls(**torch.load(path, weights_only=True))

    @torch.no_grad()
    def learn(self, batch: Batch, rate: float) -> float:
        """One step; returns the loss (nats)."""
        tokens = torch.from_numpy(batch.tokens)
        block = self.rows[tokens]
        loss, gradient = info_nce(block, batch)
        self.step += 1
        self._adam(tokens, gradient, rate)
        return loss

    def _adam(self, tokens: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Adam for the touched rows alone (their moments rest while they aren't)."""
        first = self.first[tokens].mul_(_BETAS[0]).add_(gradient, alpha=1 - _BETAS[0])
        self.first[tokens] = first
        second = self.second[tokens].mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
        self.second[tokens] = second
        correction = (1 - _BETAS[1] ** self.step) ** 0.5 / (1 - _BETAS[0] ** self.step)
        self.rows.index_add_(0, tokens, first.div_(second.sqrt_().add_(1e-8)), alpha=-rate * correction)


def rate_at(step: int, steps: int, peak: float) -> float:
    """Up in a few steps, then down to nothing in a straight line."""
    warm = max(1, int(steps * _WARM_UP))
    return peak * min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def info_nce(block: torch.Tensor, batch: Batch) -> tuple[float, torch.Tensor]:
    """Symmetric InfoNCE (van den Oord et al. 2018) and its gradient with respect to the batch's rows."""
    sides = [_Sums(side, block) for side in (batch.queries, batch.passages)]
    queries, passages = (side.unit for side in sides)
    scores = (queries @ passages.T).mul_(_SCALE).sub_(_SCALE)
    diagonal = scores.diagonal().clone()
    # Cosines are at most 1, so the shifted scores lie within float32's exponents: one pass of exp serves both softmaxes.
    weights = scores.exp_()
    weights[torch.from_numpy(batch.same)] = 0
    by_row, by_column = weights.sum(1, keepdim=True), weights.sum(0)
    loss = float((by_row.log().squeeze(1) + by_column.log() - 2 * diagonal).mean() / 2)
    slope = (1 / by_row + 1 / by_column).mul_(weights)
    slope.diagonal().sub_(2)
    slope.mul_(_SCALE / (2 * len(slope)))
    gradient = sides[0].gradient(slope @ passages)
    gradient += sides[1].gradient(slope.T @ queries)
    return loss, gradient


class _Sums:
    """Unit sums of rows for one side of a batch, and the way back from their gradient to the rows."""

    def __init__(self, counts: Any, block: torch.Tensor) -> None:
        self._counts = counts
        sums = _product(counts, block)
        self._norms = sums.norm(dim=1, keepdim=True).clamp_(min=1e-6)
        self.unit = sums / self._norms

    def gradient(self, of_unit: torch.Tensor) -> torch.Tensor:
        radial = (of_unit * self.unit).sum(1, keepdim=True)
        return _product(self._counts.T.tocsr(), (of_unit - self.unit * radial) / self._norms)


def _product(sparse: Any, dense: torch.Tensor) -> torch.Tensor:
    """sparse [n, m] @ dense [m, d]."""
    return embedding_bag(
        torch.from_numpy(sparse.indices.astype(np.int64)),
        dense,
        torch.from_numpy(sparse.indptr[:-1].astype(np.int64)),
        mode="sum",
        per_sample_weights=torch.from_numpy(sparse.data.astype(np.float32)),
    )
