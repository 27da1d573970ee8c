"""Encoders: text -> unit vectors. The protocols, a hashed encoder without weights, and sentence-transformers.

They know nothing of passages, storage or search. Vectors are float32, L2-normalised, one row per text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from assistant.errors import ModelUnavailable
from assistant.index.embedded import MODEL, EmbeddedEncoder, TokenIds, Vectors
from assistant.language.lexical import fold

if TYPE_CHECKING:
    from assistant.settings import EmbeddingSettings


@runtime_checkable
class Encoder(Protocol):
    """What an encoder must be. `fingerprint` names everything that changes its vectors."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 [len(texts), dimensions], rows of length one (an empty text may be a zero row)."""
        ...

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        """As `encode_passages`, for the question side of an asymmetric model."""
        ...


@runtime_checkable
class LateEncoder(Encoder, Protocol):
    """An encoder that also ranks passages by late interaction, from their token ids."""

    def token_ids(self, texts: Sequence[str]) -> list[TokenIds]:
        """uint32 token ids of each text, in order."""
        ...

    def encode_tokens(self, passages: Sequence[TokenIds]) -> Vectors:
        """`encode_passages` from the texts' token ids."""
        ...

    def late_interaction(self, question: Sequence[Sequence[TokenIds]], passages: Sequence[TokenIds]) -> Vectors:
        """float32 [len(passages)] between -1 and 1; the question in parts, each with its alternatives."""
        ...


class HashedEncoder:
    """Character n-grams (2 and 3) of the folded text, hashed into signed buckets (Weinberger et al. 2009).

    Deterministic, without weights; finds spellings and word forms, and crosses languages only where
    names and numbers look alike. An n-gram counts 1 + log of its frequency.
    """

    # Fused with lexical search, seven choices of lengths and weights lay within 0.3 points of MRR@10; this one is the
    # best of them alone in Chinese and Japanese and the fastest (docs/decisions/004-fusion.md).
    _LENGTHS = (0.0, 1.0, 1.0)
    _MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

    def __init__(self, dimensions: int = 512) -> None:
        self._dimensions = dimensions

    @property
    def fingerprint(self) -> str:
        return f"hashed-ngrams-v2-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for index, text in enumerate(texts):
            rows[index] = self._encode(text)
        return rows

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        return self.encode_passages(texts)

    def _encode(self, text: str) -> Vectors:
        folded = " " + " ".join(fold(text).split()) + " "
        codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
        row = np.zeros(self._dimensions, dtype=np.float64)
        for length, weight in enumerate(self._LENGTHS, 1):
            if not weight or len(codes) < length:
                continue
            grams = np.full(len(codes) - length + 1, length, dtype=np.uint64)
            for offset in range(length):
                grams = (grams ^ codes[offset : offset + len(grams)]) * self._MULTIPLIER
                grams ^= grams >> np.uint64(29)
            unique, counts = np.unique(grams, return_counts=True)
            mixed = unique * self._MULTIPLIER
            buckets = ((mixed >> np.uint64(33)) % np.uint64(self._dimensions)).astype(np.int64)
            signs = np.where(mixed & np.uint64(1 << 32), 1.0, -1.0)
            row += np.bincount(buckets, signs * (weight * (1 + np.log(counts))), self._dimensions)
        norm = np.sqrt(row @ row)
        return (row / norm if norm else row).astype(np.float32)


# What E5-like models were trained to see before their texts; by a part of the model's name.
_PREFIXES = {"e5-": ("query: ", "passage: ")}


class SentenceTransformersEncoder:
    """Any sentence-transformers model, by name or folder; prefixes of asymmetric models are put on in here."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._model: Any = load_model("SentenceTransformer", settings.model, settings.revision, key="embedding.model")
        defaults = next((p for part, p in _PREFIXES.items() if part in settings.model.lower()), ("", ""))
        self._query = defaults[0] if settings.query_prefix is None else settings.query_prefix
        self._passage = defaults[1] if settings.passage_prefix is None else settings.passage_prefix
        self._batch_size = settings.batch_size
        self._name = _st_name(settings)

    @property
    def fingerprint(self) -> str:
        return f"{self._name}{self.dimensions}:{self._query}:{self._passage}"

    @property
    def dimensions(self) -> int:
        # Renamed in sentence-transformers 6; the old name still serves version 5.
        method = getattr(self._model, "get_embedding_dimension", None) or self._model.get_sentence_embedding_dimension
        return int(method())

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._passage)

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._query)

    def _encode(self, texts: Sequence[str], prefix: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        rows = self._model.encode(
            [prefix + text for text in texts], batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(rows, dtype=np.float32)


def _st_name(settings: EmbeddingSettings) -> str:
    return f"sentence-transformers:{settings.model}@{settings.revision}:"


def load_model(kind: str, name: str, revision: str, *, key: str) -> Any:
    """sentence-transformers' class `kind` with a model from its folder or this machine's cache, else from its hub.

    `key` is the setting that named it. Raises ModelUnavailable.
    """
    fix = f"name an existing folder or a reachable model in {key}, or leave it at its default"
    try:
        import sentence_transformers

        load = getattr(sentence_transformers, kind)
        try:
            return load(name, revision=revision or None, local_files_only=True)
        except OSError:
            if Path(name).is_dir() or not _hub_in_reach():
                raise
        return load(name, revision=revision or None)
    except (OSError, ValueError, ImportError) as error:
        raise ModelUnavailable(f"{key} = {name!r} cannot be loaded ({type(error).__name__})", fix=fix) from error


def _hub_in_reach() -> bool:
    """False where the hub's name cannot even be looked up: its client would retry that for more than a minute."""
    import socket
    import urllib.request
    from urllib.parse import urlsplit

    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    if urllib.request.getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        return False
    return True


def may_be(fingerprint: str, settings: EmbeddingSettings) -> bool:
    """False when an index with this fingerprint cannot be of the encoder that the settings name; loads nothing."""
    if settings.model == "embedded":
        return fingerprint.startswith(f"{MODEL.name}-")
    if settings.model == "hashed":
        return fingerprint == HashedEncoder(settings.dimensions).fingerprint
    return fingerprint.startswith(_st_name(settings))


def load_encoder(settings: EmbeddingSettings) -> Encoder:
    """The encoder that the settings name. Raises ModelUnavailable."""
    if settings.model == "embedded":
        return packaged_table()
    if settings.model == "hashed":
        return HashedEncoder(settings.dimensions)
    return SentenceTransformersEncoder(settings)


@cache
def packaged_table() -> EmbeddedEncoder:
    """The package's own model, once per process: nothing in it changes."""
    return EmbeddedEncoder.load()
