"""The trained table as files: int8 rows with a scale each, in model2vec's layout. It knows nothing of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def quantised(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 rows [V, D] and the scales [V] that bring them back; a row's largest value becomes 127."""
    scales = np.abs(rows).max(axis=1) / 127
    safe = np.where(scales > 0, scales, 1).astype(np.float32)
    return np.rint(rows / safe[:, np.newaxis]).astype(np.int8), safe


def write(folder: Path, rows: NDArray[np.float32], tokenizer: Tokenizer) -> None:
    """The model's files; `model.safetensors` last, so that a folder that has it is whole."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    table, scales = quantised(rows)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": int(rows.shape[1]),
        "normalize": True,
        "max_length": None,
        "embedding_dtype": "int8",
        "vocabulary_quantization": None,
        "tokenizer_name": folder.name,
    }
    modules = [
        {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n", "utf-8")
    save_file({"embeddings": table, "weights": scales}, folder / "model.safetensors")
    # safetensors lets nobody but its owner read it.
    (folder / "model.safetensors").chmod((folder / "config.json").stat().st_mode)
