"""Rerankers: a model that reads a question and a passage together and says how well they fit. None is set by default.

It knows texts, nothing of where they come from. The library is imported when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ModelUnavailable
from assistant.index.encoders import load_model


@runtime_checkable
class Reranker(Protocol):
    """What a reranker must be."""

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """float32 [len(passages)], higher is better; raises ModelUnavailable when the model fails."""
        ...


class CrossEncoderReranker:
    """Any sentence-transformers CrossEncoder, by name or folder. Raises ModelUnavailable."""

    def __init__(self, model: str) -> None:
        self._model: Any = load_model("CrossEncoder", model, "", key="retrieval.reranker")
        head = "ForSequenceClassification"
        architectures = self._model.model.config.architectures or []
        if type(self._model.model).__name__.endswith(head) and architectures and not architectures[0].endswith(head):
            # The library gives a model of another kind (BertModel) a random head, another one each time.
            raise ModelUnavailable(f"retrieval.reranker = {model!r} is no reranker but a {architectures[0]}", fix="name a CrossEncoder with one label")

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        if not passages:
            return np.zeros(0, dtype=np.float32)
        try:
            found = np.asarray(self._model.predict([(question, text) for text in passages], show_progress_bar=False), dtype=np.float32)
        except Exception as error:
            raise ModelUnavailable(f"the reranker failed ({type(error).__name__})", fix="leave retrieval.reranker empty") from error
        if found.shape != (len(passages),):
            raise ModelUnavailable(f"the reranker gives {found.shape} scores for {len(passages)} passages", fix="name a CrossEncoder with one label")
        if not np.isfinite(found).all():
            raise ModelUnavailable("the reranker gives scores that are no numbers", fix="leave retrieval.reranker empty")
        return found
