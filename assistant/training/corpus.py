"""The training data as token ids: one flat array per source side, with where each line's text lies in each language.

It knows sources and a tokenizer; nothing of batches. Kept on disk, so that a later start goes on from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.training.sources import LANGUAGES, Source, sides

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Rows = tuple[dict[str, str], dict[str, str]]
# Sentence dumps that share their English side: joined by it, they become parallel in more than two languages.
_JOINED = ("tatoeba_anki", "tatoeba_es_ar", "tanaka_small_enja")
_LINES = 4096


@dataclass(frozen=True, slots=True)
class Side:
    """uint32 `ids` [tokens]; int64 `starts`, int32 `sizes` [languages, lines]; size 0: no text in that language."""

    ids: NDArray[np.uint32]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Texts:
    """A source's lines: what asks and what is found (the same object for parallel lines)."""

    name: str
    group: str
    queries: Side
    passages: Side

    def __len__(self) -> int:
        return int(self.queries.sizes.shape[1])


def held_out(passage: str) -> bool:
    """One passage in fifty of the question sources measures instead of training, chosen by its text."""
    return hashlib.blake2b(passage.encode(), digest_size=2).digest()[0] < 5


def training_rows(sources: Iterable[Source], data: Path) -> Iterator[tuple[str, str, Iterable[Rows]]]:
    """(name, group, rows) of what may train: nothing held, sentence dumps joined."""
    joined: dict[str, dict[str, str]] = {}
    for source in sources:
        if source.held:
            continue
        if source.name in _JOINED:
            for row, _ in sides(source, data):
                kept = joined.setdefault(" ".join(row["en"].casefold().split()).rstrip(" .!?"), {})
                for language, text in row.items():
                    kept.setdefault(language, text)
        elif source.kind == "qa":
            yield source.file, source.group, [row for row in sides(source, data) if not held_out(next(iter(row[1].values())))]
        else:
            yield source.file, source.group, sides(source, data)
    if joined:
        yield "tatoeba.pairs", "sentences", [(row, row) for row in joined.values() if len(row) > 1]


def tokenised(name: str, group: str, rows: Iterable[Rows], tokenizer: Tokenizer, folder: Path) -> Texts:
    """The rows as token ids; read from `folder` when they were made before."""
    path = folder / f"{name}.npz"
    parallel = group in {"titles", "sentences", "documents"}
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        lines = list(rows)
        made = [_side([row[n] for row in lines], tokenizer) for n in ((0,) if parallel else (0, 1))]
        parts = {f"{part}{n}": getattr(side, part) for n, side in enumerate(made) for part in ("ids", "starts", "sizes")}
        unfinished = folder / f"{name}.unfinished.npz"
        np.savez(unfinished, **parts)
        unfinished.replace(path)
    with np.load(path) as stored:
        found = [Side(stored[f"ids{n}"], stored[f"starts{n}"], stored[f"sizes{n}"]) for n in ((0,) if parallel else (0, 1))]
    return Texts(name, group, found[0], found[-1])


def _side(rows: list[dict[str, str]], tokenizer: Tokenizer) -> Side:
    starts = np.zeros((len(LANGUAGES), len(rows)), dtype=np.int64)
    sizes = np.zeros((len(LANGUAGES), len(rows)), dtype=np.int32)
    pieces: list[NDArray[np.uint32]] = []
    total = 0
    for position, language in enumerate(LANGUAGES):
        for first in range(0, len(rows), _LINES):
            part = [row.get(language, "") for row in rows[first : first + _LINES]]
            encoded = tokenizer.encode_batch_fast(part, add_special_tokens=False)
            lengths = np.fromiter((len(one) for one in encoded), dtype=np.int32, count=len(part))
            sizes[position, first : first + len(part)] = lengths
            starts[position, first : first + len(part)] = total + np.cumsum(lengths) - lengths
            pieces.extend(np.asarray(one.ids, dtype=np.uint32) for one in encoded if len(one))
            total += int(lengths.sum())
    return Side(np.concatenate(pieces) if pieces else np.zeros(0, np.uint32), starts, sizes)
