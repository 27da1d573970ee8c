"""Publishing: from the store of record to a new generation, checked, flushed to disk, and named by `CURRENT`.

A generation is built beside the one that readers use, as a copy plus the changes, or from nothing when more than a
quarter of its vectors would be tombstones. It knows the store and the files of a generation, nothing of questions.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.errors import IndexBroken, IndexBusy
from assistant.files import write_whole
from assistant.index.generation import (
    CURRENT,
    EXACT_ROWS,
    FOLDER,
    LOCK,
    Manifest,
    TokenFile,
    current_number,
    folder_of,
    open_rows,
)
from assistant.index.lexical import LexicalIndex
from assistant.index.locks import exclusive
from assistant.index.store import Store
from assistant.index.vectors import VectorIndex
from assistant.schema import Progress, silent

REBUILD_SHARE = 0.25
# A graph that lost rows falls below this; an approximate one may miss a few of its own.
_SELF_FOUND = 0.95
_SAMPLE = 200
_SAME = 0.999
_BATCH = 5000


@dataclass(slots=True)
class _Build:
    """What is being built: the new folder, the store it comes from, and the stages' times."""

    folder: Path
    store: Store
    encoder: str
    dimensions: int
    progress: Progress
    timings_ms: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, started: float) -> None:
        self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + (time.perf_counter() - started) * 1000


def needs_publishing(index: Path, store: Store, encoder: str, chunking: str) -> bool:
    """True when `CURRENT`'s generation is older than the store, unreadable, or of another encoder or chunking."""
    try:
        number = current_number(index)
        if number is None:
            return True
        manifest = Manifest.read(folder_of(index, number))
    except IndexBroken:
        return True
    return (manifest.change, manifest.encoder, manifest.chunking) != (store.change, encoder, chunking)


def publish(
    index: Path, store: Store, encoder: str, chunking: str, dimensions: int, *, rebuild: bool = False, progress: Progress = silent
) -> tuple[int, Mapping[str, float]]:
    """Build, check and publish the next generation. Returns its number and milliseconds by stage.

    Raises IndexBroken when the new generation fails its checks even after a rebuild; `CURRENT` then stays as it was.
    """
    _remove_unfinished(index)
    base = None if rebuild else _base(index, encoder, dimensions)
    # A store made anew beside old generations counts on from them.
    number = store.take_generation_number(above=max(_numbers(index), default=0))
    folder = folder_of(index, number)
    folder.mkdir(parents=True)
    build = _Build(folder, store, encoder, dimensions, progress)
    try:
        tombstones = _fill(build, base)
        if not _sound(build):
            # The base has lost something: everything is built from the store.
            shutil.rmtree(folder / "chroma")
            shutil.rmtree(folder / "lexical")
            tombstones = _fill_vectors(build, None, store.keys())
            _fill_lexical(build, None, store.keys())
            if not _sound(build):
                raise IndexBroken("the new generation does not find its own passages; nothing was published", fix="assistant ingest --rebuild")
        documents, passages = store.counts()
        Manifest(number, store.change, documents, passages, tombstones, dimensions, encoder, chunking).write(folder)
        (folder / LOCK).touch()
        started = time.perf_counter()
        _flush(folder)
        _name_current(index, number)
        build.timed("flush", started)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    remove_older(index, keep=2)
    return number, build.timings_ms


def _base(index: Path, encoder: str, dimensions: int) -> tuple[Path, Manifest] | None:
    """The generation to start from, if it fits."""
    try:
        number = current_number(index)
        if number is None:
            return None
        folder = folder_of(index, number)
        manifest = Manifest.read(folder)
        open_rows(folder, manifest.dimensions)
    except (IndexBroken, OSError, ValueError):
        return None
    return (folder, manifest) if (manifest.encoder, manifest.dimensions) == (encoder, dimensions) else None


def _fill(build: _Build, base: tuple[Path, Manifest] | None) -> int:
    started = time.perf_counter()
    build.store.backup(build.folder / "passages.sqlite")
    build.timed("store", started)
    keys = build.store.keys()
    tombstones = _fill_vectors(build, base, keys)
    _fill_lexical(build, base, keys)
    return tombstones


def _changes(base: Path, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(gone, fresh) keys against the base generation."""
    old = np.fromfile(base / "keys.i64", dtype="<i8")
    return np.setdiff1d(old, keys, assume_unique=True), np.setdiff1d(keys, old, assume_unique=True)


def _fill_vectors(build: _Build, base: tuple[Path, Manifest] | None, keys: NDArray[np.int64]) -> int:
    """vectors.f16, keys.i64, the token files and chroma/. Returns how many tombstones the graph carries."""
    started = time.perf_counter()
    gone, fresh = _changes(base[0], keys) if base else (keys[:0], keys)
    tombstones = len(gone) + (base[1].tombstones if base else 0)
    collections, hashes = {}, {}
    for key, collection, hash_ in build.store.placements(None if base is None else fresh.tolist()):
        collections[key], hashes[key] = collection, hash_
    rows = np.empty((len(keys), build.dimensions), dtype="<f2")
    tokens = np.empty(len(keys), dtype=object)
    if base:
        old_keys, old_rows, old_tokens = open_rows(base[0], build.dimensions)
        if len(old_keys):
            kept = np.isin(keys, old_keys, assume_unique=True)
            places = np.searchsorted(old_keys, keys[kept])
            rows[kept] = old_rows[places]
            for row, ids in zip(np.flatnonzero(kept), old_tokens.of(places), strict=True):
                tokens[row] = ids
    order = fresh.tolist()
    added = [hashes[key] for key in order]
    rows[np.searchsorted(keys, fresh)] = build.store.vectors(build.encoder, added, build.dimensions)
    for row, ids in zip(np.searchsorted(keys, fresh), build.store.tokens(build.encoder, added), strict=True):
        tokens[row] = ids
    # Not `tofile`: on a full disk its error does not say so.
    (build.folder / "keys.i64").write_bytes(keys.astype("<i8").tobytes())
    (build.folder / "vectors.f16").write_bytes(rows.data if len(rows) else b"")
    TokenFile.of_rows(tokens.tolist()).write(build.folder)
    build.timed("vectors", started)

    started = time.perf_counter()
    from_nothing = base is None or tombstones > REBUILD_SHARE * max(len(keys), 1)
    if base and not from_nothing:
        _copy_chroma(base[0] / "chroma", build.folder / "chroma")
    elif base:
        collections = {key: collection for key, collection, _ in build.store.placements()}
        order = keys.tolist()
    index = VectorIndex(build.folder / "chroma", create=True)
    try:
        if not from_nothing:
            index.remove(gone.tolist())
        by_collection: dict[str, list[int]] = {}
        for key in order:
            by_collection.setdefault(collections[key], []).append(key)
        done = 0
        for collection, members in by_collection.items():
            for first in range(0, len(members), _BATCH):
                part = members[first : first + _BATCH]
                index.add(collection, part, rows[np.searchsorted(keys, part)])
                done += len(part)
                build.progress("vectors", done, len(order))
    finally:
        index.close()
    build.timed("chroma", started)
    return 0 if from_nothing else tombstones


def _copy_chroma(source: Path, target: Path) -> None:
    """Copy the graph's files; the bookkeeping database by SQLite's backup API, since a reader may have it open."""
    target.mkdir()
    for path in source.rglob("*"):
        relative = path.relative_to(source)
        if path.is_dir():
            (target / relative).mkdir(parents=True, exist_ok=True)
        elif path.name.startswith("chroma.sqlite3"):
            continue
        else:
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / relative)
    with sqlite3.connect(source / "chroma.sqlite3") as old, sqlite3.connect(target / "chroma.sqlite3") as new:
        old.backup(new)
    old.close()
    new.close()


def _fill_lexical(build: _Build, base: tuple[Path, Manifest] | None, keys: NDArray[np.int64]) -> None:
    started = time.perf_counter()
    gone, fresh = _changes(base[0], keys) if base else (keys[:0], keys)
    target = build.folder / "lexical"
    if base:
        # Tantivy never changes a file it has written, so links are as good as copies; meta.json is replaced whole.
        target.mkdir()
        for path in (base[0] / "lexical").iterdir():
            if path.name.endswith(".lock"):
                continue
            if path.name in ("meta.json", ".managed.json"):
                shutil.copyfile(path, target / path.name)
            else:
                _link_or_copy(path, target / path.name)
    total = len(fresh)
    texts = build.store.passages(fresh.tolist() if base else None)

    def watched() -> Iterator[tuple[int, str, str]]:
        for done, (key, collection, _, text) in enumerate(texts, 1):
            if done % 500 == 0:
                build.progress("lexical", done, total)
            yield key, collection, text

    LexicalIndex(target, create=True).change(gone.tolist(), watched())
    build.timed("tantivy", started)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Some file systems (exFAT, network shares) know no hard links.
        shutil.copyfile(source, target)


def _sound(build: _Build) -> bool:
    """Counts agree, and sampled passages are held as they are; where the graph is searched, they also find themselves among their
    ten nearest (or only their equals).

    Passages of one template lie so close together that a graph leads past some of them (a third of 400, measured); below
    `EXACT_ROWS` none is searched.
    """
    started = time.perf_counter()
    keys = np.fromfile(build.folder / "keys.i64", dtype="<i8")
    _, passages = build.store.counts()
    lexical = LexicalIndex(build.folder / "lexical").count()
    dense = VectorIndex(build.folder / "chroma")
    try:
        if not len(keys) == passages == lexical == sum(dense.counts().values()):
            return False
        if not passages:
            return True
        rows = np.memmap(build.folder / "vectors.f16", dtype="<f2", mode="r", shape=(len(keys), build.dimensions))
        sample = np.random.default_rng(build.store.change).choice(len(keys), size=min(_SAMPLE, len(keys)), replace=False)
        vectors = np.asarray(rows[sample], dtype=np.float32)
        # An empty text has no direction to be found by.
        sample, vectors = sample[vectors.any(axis=1)], vectors[vectors.any(axis=1)]
        if len(keys) <= EXACT_ROWS:
            return sum(cosine >= _SAME for cosine in dense.cosines(keys[sample].tolist(), vectors)) >= _SELF_FOUND * len(sample)
        found = 0
        for key, hits in zip(keys[sample], dense.search_many(vectors, 10), strict=True):
            found += any(hit == key for hit, _ in hits) or hits[-1][1] >= _SAME
        return found >= _SELF_FOUND * len(sample)
    finally:
        dense.close()
        build.timed("check", started)


def _flush(folder: Path) -> None:
    """fsync every file and folder of the generation, and the folder it stands in."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _name_current(index: Path, number: int) -> None:
    write_whole(index / CURRENT, f"{number}\n".encode("ascii"))
    descriptor = os.open(index, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _numbers(index: Path) -> list[int]:
    folder = index / FOLDER
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []


def _remove_unfinished(index: Path) -> None:
    """Remove what a killed writer left: folders newer than `CURRENT`, or without a manifest."""
    try:
        current = current_number(index)
    except IndexBroken:
        return
    for number in _numbers(index):
        if current is None or number > current or not (folder_of(index, number) / "generation.json").exists():
            _remove(index, number)


def _remove(index: Path, number: int) -> bool:
    folder = folder_of(index, number)
    with exclusive(folder / LOCK) as free:
        if free:
            shutil.rmtree(folder)
    return free


def remove_older(index: Path, keep: int) -> list[int]:
    """Remove all but the newest `keep` generations that no reader holds. Returns the numbers that had to stay."""
    current = current_number(index)
    older = [n for n in _numbers(index) if current is not None and n < current]
    surplus = older[: len(older) - (keep - 1)] if keep > 1 else older
    return [number for number in surplus if not _remove(index, number)]


def remove_all_older(index: Path, wait_seconds: float) -> None:
    """Remove every generation but the current one, waiting for readers to leave. Raises IndexBusy when they do not."""
    deadline = time.monotonic() + wait_seconds
    while left := remove_older(index, keep=1):
        if time.monotonic() > deadline:
            raise IndexBusy(
                f"generation {left[0]}, which still holds the deleted text, is held by another process",
                fix="stop that process (assistant serve of an older version?) and run the delete again",
            )
        time.sleep(0.1)
