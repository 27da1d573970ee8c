"""The embedded encoder: a table of one row per token, run by tokenizers and numpy. Text -> vector, and late interaction.

A text's vector is the sum of its tokens' rows (in passages a token said n times counts 1 + log n), of length one. The same
table ranks passages by late interaction, from their token ids. It knows nothing of passages' storage or of search.

The folder holds model2vec's layout: `model.safetensors` {embeddings: int8 [V, D], weights: float32 [V], a row's scale} and
`tokenizer.json`; model2vec and sentence-transformers read it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
TokenIds = NDArray[np.uint32]

MODEL = Path(__file__).parent.parent / "models" / "forum-table-v1"
_NEAR = 0.7  # docs/decisions/006-encoder.md
_BATCH = 256  # texts summed at a time: their gathered rows stay within the processor's cache


class EmbeddedEncoder:
    """Encoder and late interaction over one table; thread-safe, nothing in it changes."""

    def __init__(self, tokenizer: Tokenizer, rows: NDArray[np.int8], scales: Vectors, name: str, *, log_tf: bool = True) -> None:
        self._tokenizer = tokenizer
        self._rows = rows
        self._scales = scales
        self._name = name
        self._log_tf = log_tf
        lengths = np.sqrt(np.einsum("vd,vd->v", rows, rows, dtype=np.float32))
        self._norms = lengths * scales
        self._units = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)

    @classmethod
    def load(cls, folder: Path = MODEL) -> EmbeddedEncoder:
        """Raises ModelUnavailable when the files are missing or broken."""
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        try:
            tensors = load_file(folder / "model.safetensors")
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            if not tokenizer.get_vocab_size() == len(tensors["embeddings"]) == len(tensors["weights"]):
                raise ValueError("the tokenizer is another table's")
            fingerprint = hashlib.blake2b(tensors["weights"].tobytes(), digest_size=8).hexdigest()
            return cls(tokenizer, tensors["embeddings"], tensors["weights"], f"{folder.name}-{fingerprint}")
        except Exception as error:  # tokenizers raises nothing narrower
            raise ModelUnavailable(f"the embedded encoder cannot be loaded ({type(error).__name__})", fix="install the package again") from error

    @property
    def fingerprint(self) -> str:
        return f"{self._name}-{'log' if self._log_tf else 'plain'}"

    @property
    def dimensions(self) -> int:
        return int(self._rows.shape[1])

    def token_ids(self, texts: Sequence[str]) -> list[TokenIds]:
        """Each text's tokens, in order."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.asarray(one.ids, dtype=np.uint32) for one in encoded]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self.encode_tokens(self.token_ids(texts))

    def encode_tokens(self, passages: Sequence[TokenIds]) -> Vectors:
        """Passages' vectors from their token ids."""
        return self._sums(passages, log_tf=self._log_tf)

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        return self._sums(self.token_ids(texts), log_tf=False)

    def _sums(self, texts: Sequence[TokenIds], *, log_tf: bool) -> Vectors:
        out = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for first in range(0, len(texts), _BATCH):
            part = texts[first : first + _BATCH]
            sizes = np.fromiter(map(len, part), dtype=np.int64, count=len(part))
            if not sizes.any():
                continue
            keys = np.concatenate(part).astype(np.int64) + np.repeat(np.arange(len(part)) * len(self._rows), sizes)
            weights = np.ones(len(keys), dtype=np.float32)
            if log_tf:
                keys, counts = np.unique(keys, return_counts=True)
                weights = (1 + np.log(counts)).astype(np.float32)
            owners, tokens = np.divmod(keys, len(self._rows))
            rows = self._rows[tokens].astype(np.float32)
            rows *= (weights * self._scales[tokens])[:, np.newaxis]
            there, begins = np.unique(owners, return_index=True)
            out[first + there] = np.add.reduceat(rows, begins, axis=0)
        norms = np.sqrt(np.einsum("td,td->t", out, out))
        out /= np.where(norms > 0, norms, 1)[:, np.newaxis]
        return out

    def late_interaction(self, question: Sequence[Sequence[TokenIds]], passages: Sequence[TokenIds]) -> Vectors:
        """MaxSim of the question with each passage [len(passages)], between -1 and 1 (Khattab & Zaharia 2020).

        For each token of the question the best cosine with any token of the passage, averaged with weights: the length of the
        token's row times its soft inverse document frequency, the passages given being the collection and one that has a token
        closer than `_NEAR` holding it. A question comes in parts, each with its alternatives: of a name's spellings the best counts.
        """
        scores = np.zeros(len(passages), dtype=np.float32)
        sizes = np.fromiter(map(len, passages), dtype=np.int64, count=len(passages))
        filled = np.flatnonzero(sizes).tolist()
        parts = [[spelling for spelling in part if len(spelling)] for part in question]
        parts = [part for part in parts if part]
        if not filled or not parts:
            return scores
        asked, places = places_of(parts)
        scores[filled] = max_sim(places, self.lengths(asked), self.closest(asked, [passages[i] for i in filled]))
        return scores

    def lengths(self, tokens: NDArray[np.integer]) -> Vectors:
        """The lengths of tokens' rows: how much each says [len(tokens)]."""
        return np.asarray(self._norms[tokens], dtype=np.float32)

    def closest(self, asked: NDArray[np.integer], texts: Sequence[TokenIds]) -> Vectors:
        """[len(asked), len(texts)]: each token's best cosine with a token of the text; no text may be empty."""
        sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        tokens = np.concatenate(texts)
        # Each token's cosines are worked out once, however many passages hold it.
        seen = np.zeros(len(self._rows), dtype=bool)
        seen[tokens] = True
        vocabulary = np.flatnonzero(seen)
        place = np.zeros(len(self._rows), dtype=np.int32)
        place[vocabulary] = np.arange(len(vocabulary), dtype=np.int32)
        # A row for each token of the vocabulary: gathering rows is several times faster than gathering columns.
        cosines = self._unit_rows(vocabulary) @ self._unit_rows(asked).T
        return np.asarray(np.maximum.reduceat(cosines[place[tokens]], np.cumsum(sizes) - sizes, axis=0)).T

    def _unit_rows(self, tokens: NDArray[np.integer]) -> Vectors:
        rows: Vectors = self._rows[tokens].astype(np.float32)
        rows *= self._units[tokens][:, np.newaxis]
        return rows


Places = list[list[NDArray[np.intp]]]
"""A question's parts, each with its alternatives: where their tokens stand among those asked for."""


def places_of(parts: Sequence[Sequence[TokenIds]]) -> tuple[NDArray[np.uint32], Places]:
    """The distinct tokens of all parts, and where each part's alternatives find theirs."""
    alternatives = [spelling for part in parts for spelling in part]
    if not alternatives:
        return np.zeros(0, dtype=np.uint32), []
    asked, where = np.unique(np.concatenate(alternatives), return_inverse=True)
    cuts = iter(np.split(where, np.cumsum([len(spelling) for spelling in alternatives])[:-1]))
    return asked, [[next(cuts) for _ in part] for part in parts]


def max_sim(places: Places, lengths: Vectors, best: Vectors) -> Vectors:
    """MaxSim [texts] from each token's best cosine with each text [tokens, texts]; see `EmbeddedEncoder.late_interaction`."""
    weights = lengths * _soft_idf(best)
    total, weight = np.zeros(best.shape[1], dtype=np.float32), 1e-9
    for part in places:
        found, heaviest = np.full(best.shape[1], -1.0, dtype=np.float32), 0.0
        for tokens in part:
            mass = max(float(weights[tokens].sum()), 1e-9)
            np.maximum(found, (weights[tokens] @ best[tokens]) / mass, out=found)
            heaviest = max(heaviest, mass)
        total += heaviest * found
        weight += heaviest
    return np.asarray(total / weight)


def _soft_idf(best: Vectors) -> Vectors:
    """BM25's inverse document frequency [tokens] from each token's best cosine with each passage [tokens, passages]."""
    held = (best > _NEAR).sum(axis=1)
    return np.asarray(np.log1p((best.shape[1] - held + 0.5) / (held + 0.5)), dtype=np.float32)
