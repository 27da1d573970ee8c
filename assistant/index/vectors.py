"""Nearest vectors in Chroma: one collection per corpus collection, cosine, always with our own vectors.

It knows keys and vectors. Facts honoured (chromadb 1.5.9): at most 5,461 rows per call; the space must be set
(default l2); `ef_search` counts at creation only; a foreign collection's configuration is never read and Chroma never
embeds, since both can run code chosen by whoever wrote the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS_PER_CALL = 5000
_PREFIX = "passages-"
_HNSW = {"space": "cosine", "max_neighbors": 16, "ef_construction": 100, "ef_search": 200, "batch_size": 1000, "sync_threshold": 5000}


class VectorIndex:
    """An open Chroma folder. `close` it, or the files stay in use. Only with `create` is a missing one made."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not (folder / "chroma.sqlite3").is_file():
            raise FileNotFoundError(folder)
        self._client: Any = chromadb.PersistentClient(str(folder), settings=ChromaSettings(anonymized_telemetry=False))
        self._collections: dict[str, Any] = {
            c.name.removeprefix(_PREFIX): self._client.get_collection(c.name, embedding_function=None)
            for c in self._client.list_collections()
        }
        # Counting takes Chroma 9 ms at 100,000 rows, ten times what the query itself does; kept up to date below.
        self._counts = {name: int(target.count()) for name, target in self._collections.items()}

    def close(self) -> None:
        self._client.close()

    def add(self, collection: str, keys: Sequence[int], vectors: NDArray[np.float16]) -> None:
        """Add or replace rows; vectors are [len(keys), dimensions]."""
        target = self._collections.get(collection)
        if target is None:
            target = self._client.create_collection(_PREFIX + collection, configuration={"hnsw": _HNSW}, embedding_function=None)
            self._collections[collection] = target
        for first in range(0, len(keys), _ROWS_PER_CALL):
            part = slice(first, first + _ROWS_PER_CALL)
            target.upsert(ids=[str(key) for key in keys[part]], embeddings=vectors[part].astype(np.float32))
        self._counts[collection] = int(target.count())

    def remove(self, keys: Iterable[int]) -> None:
        ids = [str(key) for key in keys]
        for name, target in self._collections.items():
            for first in range(0, len(ids), _ROWS_PER_CALL):
                target.delete(ids=ids[first : first + _ROWS_PER_CALL])
            self._counts[name] = int(target.count())

    def drop(self, collection: str) -> None:
        """Remove a whole collection with its files."""
        if self._collections.pop(collection, None) is not None:
            self._client.delete_collection(_PREFIX + collection)
            del self._counts[collection]

    def counts(self) -> dict[str, int]:
        """Rows by collection."""
        return dict(self._counts)

    def cosines(self, keys: Sequence[int], vectors: NDArray[np.float32]) -> list[float]:
        """The cosine of each of these unit rows with what is held under its key; 0 where nothing is."""
        held: dict[str, Any] = {}
        for target in self._collections.values():
            found = target.get(ids=[str(key) for key in keys], include=["embeddings"])
            held.update(zip(found["ids"], found["embeddings"], strict=True))
        return [float(vector @ held[str(key)] / (np.linalg.norm(held[str(key)]) or 1)) if str(key) in held else 0.0 for key, vector in zip(keys, vectors, strict=True)]

    def search(self, vector: NDArray[np.float32], limit: int, collections: Sequence[str] = ()) -> list[tuple[int, float]]:
        """(key, cosine), best first, over the named collections or all."""
        return self.search_many(vector[np.newaxis], limit, collections)[0]

    def search_many(self, vectors: NDArray[np.float32], limit: int, collections: Sequence[str] = ()) -> list[list[tuple[int, float]]]:
        """`search` for each row of `vectors`, in one call per collection."""
        found: list[list[tuple[int, float]]] = [[] for _ in vectors]
        for name, target in self._collections.items():
            size = min(limit, self._counts[name])
            if not size or (collections and name not in collections):
                continue
            result = target.query(query_embeddings=list(vectors), n_results=size, include=["distances"])
            for hits, ids, distances in zip(found, result["ids"], result["distances"], strict=True):
                hits.extend((int(key), 1.0 - float(distance)) for key, distance in zip(ids, distances, strict=True))
        return [sorted(hits, key=lambda hit: -hit[1])[:limit] for hits in found]
