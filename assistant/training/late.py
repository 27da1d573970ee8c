"""Training for late interaction itself: InfoNCE over MaxSim, with its gradient with respect to the table's rows.

The score of a query and a passage is, over the query's tokens, the mean of each one's best cosine with a token of the passage,
weighted by the length of the token's row (`EmbeddedEncoder.late_interaction` adds a soft inverse document frequency). It knows batches, nothing of languages.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from assistant.training.batches import Batch

Floats = NDArray[np.float32]

_SCALE = 30.0  # of scores, which differ less than dense cosines do
_HARDEST = 16  # passages per query whose share of the gradient is worked out; the others' is next to nothing
_ROWS = 256  # query tokens compared at a time


def late_info_nce(block: torch.Tensor, batch: Batch) -> tuple[float, torch.Tensor]:
    """InfoNCE of each query against the batch's passages (nats), and its gradient [tokens, dimensions]."""
    rows = block.numpy()
    lengths = np.maximum(np.linalg.norm(rows, axis=1), 1e-6)
    units = rows / lengths[:, np.newaxis]
    queries, passages = batch.queries, batch.passages
    asked = np.unique(queries.indices)
    place = np.zeros(len(rows), dtype=np.int64)
    place[asked] = np.arange(len(asked))
    best = _best(units[asked], units, passages)
    owners = np.repeat(np.arange(queries.shape[0]), np.diff(queries.indptr))
    tokens = place[queries.indices]
    shares = queries.data * lengths[queries.indices]
    totals = np.bincount(owners, shares, queries.shape[0]).astype(np.float32)
    shares = (shares / totals[owners]).astype(np.float32)
    scores = np.zeros((queries.shape[0], passages.shape[0]), dtype=np.float32)
    filled = np.flatnonzero(np.diff(queries.indptr))
    scores[filled] = np.add.reduceat(best[tokens] * shares[:, np.newaxis], queries.indptr[filled], axis=0)

    logits = torch.from_numpy(scores * _SCALE)
    logits.masked_fill_(torch.from_numpy(batch.same), -torch.inf)
    loss = float((logits.logsumexp(1) - logits.diagonal()).mean())
    slope = torch.softmax(logits, dim=1)
    slope.diagonal().sub_(1)
    slope.mul_(_SCALE / len(slope))
    hardest = slope.abs().topk(min(_HARDEST, slope.shape[1]), dim=1).indices
    kept = torch.zeros_like(slope).scatter_(1, hardest, slope.gather(1, hardest)).numpy()
    gradient = _through_cosines(units, lengths, batch, kept, owners, shares, hardest.numpy())

    # Through the weights: a longer row makes its token count more.
    own = np.einsum("tp,tp->t", kept[owners], best[tokens]) - np.einsum("bp,bp->b", kept, scores)[owners]
    by_length = np.bincount(queries.indices, queries.data * own / totals[owners], len(rows)).astype(np.float32)
    gradient += by_length[:, np.newaxis] * units
    return loss, torch.from_numpy(gradient)


def _best(asked: Floats, units: Floats, passages: Any) -> Floats:
    """[query tokens, passages]: each token's best cosine with any token of the passage."""
    out = np.empty((len(asked), passages.shape[0]), dtype=np.float32)
    begins = passages.indptr[:-1]
    for first in range(0, len(asked), _ROWS):
        cosines = torch.from_numpy(asked[first : first + _ROWS]) @ torch.from_numpy(units).T
        out[first : first + _ROWS] = np.maximum.reduceat(cosines.numpy()[:, passages.indices], begins, axis=1)
    return out


def _through_cosines(
    units: Floats, lengths: Floats, batch: Batch, slope: Floats, owners: NDArray[np.int64], shares: Floats, hardest: NDArray[np.int64]
) -> Floats:
    """The gradient by way of the best cosines: of the query's token and of the passage's token that it met."""
    from scipy.sparse import csr_matrix

    queries, passages = batch.queries, batch.passages
    met, asking, weight = [], [], []
    for query in range(queries.shape[0]):
        span = slice(queries.indptr[query], queries.indptr[query + 1])
        tokens = queries.indices[span]
        for passage in hardest[query]:
            if abs(slope[query, passage]) < 1e-4:
                continue
            held = passages.indices[passages.indptr[passage] : passages.indptr[passage + 1]]
            met.append(held[(units[tokens] @ units[held].T).argmax(axis=1)])
            asking.append(tokens)
            weight.append(shares[span] * slope[query, passage])
    pairs = csr_matrix((np.concatenate(weight), (np.concatenate(asking), np.concatenate(met))), shape=(len(units), len(units)))
    of_units = pairs @ units + pairs.T @ units
    radial = np.einsum("td,td->t", of_units, units)
    return np.asarray((of_units - units * radial[:, np.newaxis]) / lengths[:, np.newaxis], dtype=np.float32)
