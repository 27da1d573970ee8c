"""A published generation: all that readers need, in one folder that does not change any more.

    passages.sqlite   documents and passages          keys.i64      passage keys, ascending
    chroma/           nearest vectors                 vectors.f16   their vectors, row by row
    lexical/          BM25                            tokens.u32    their token ids, end to end; tokens.i64 says where each begins
    generation.json   number, change, counts, fingerprints

It knows how to read one. Building is `publishing`'s business, ranking is `retrieval`'s.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.errors import IndexBroken
from assistant.index.lexical import LexicalIndex, LexicalQuery
from assistant.index.locks import SharedLock
from assistant.index.store import read_document
from assistant.index.vectors import VectorIndex
from assistant.schema import Chunk, Document, Filters
from assistant.settings import ChunkingSettings

_log = logging.getLogger(__name__)

CURRENT = "CURRENT"
FOLDER = "generations"
LOCK = "lock"
# Up to here exact search in memory (40 MB at 512 wide) takes a few milliseconds, finds everything, and saves a cold
# start the import of Chroma (0.8 s, 2.5 s the first time; docs/decisions/002-index.md).
EXACT_ROWS = 20_000
_KEPT = 16


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation says of itself."""

    number: int
    change: int
    documents: int
    passages: int
    tombstones: int
    dimensions: int
    encoder: str
    chunking: str

    def write(self, folder: Path) -> None:
        (folder / "generation.json").write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        try:
            return cls(**json.loads((folder / "generation.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise IndexBroken(f"generation {folder.name} has no readable manifest", fix="assistant ingest --rebuild") from error


def chunking_fingerprint(chunking: ChunkingSettings) -> str:
    """What decides where a document is cut; named in the index, as the encoder is."""
    return f"v1-{chunking.size}-{chunking.minimum}"


def current_number(index: Path) -> int | None:
    """The number that `CURRENT` names; None before the first publication."""
    try:
        text = (index / CURRENT).read_text(encoding="ascii").strip()
        return int(text)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise IndexBroken(f"{index / CURRENT} does not hold a generation's number", fix="write the number of a folder in generations/ into it, or run assistant ingest --rebuild") from error


def folder_of(index: Path, number: int) -> Path:
    return index / FOLDER / str(number)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """Passages' token ids, end to end: those of row i are `ids[begins[i]:begins[i + 1]]`."""

    ids: NDArray[np.uint32]
    begins: NDArray[np.int64]

    @classmethod
    def of_rows(cls, rows: Sequence[NDArray[np.uint32]]) -> TokenFile:
        begins = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=begins[1:])
        return cls(np.concatenate([*rows, np.zeros(0, dtype=np.uint32)]).astype(np.uint32), begins)

    @classmethod
    def open(cls, folder: Path) -> TokenFile:
        """Raises OSError, ValueError when the files are gone or don't belong together."""
        begins = np.fromfile(folder / "tokens.i64", dtype="<i8")
        whole = len(begins) > 0 and begins[0] == 0 and bool((begins[1:] >= begins[:-1]).all())
        if not whole or int(begins[-1]) * 4 != (folder / "tokens.u32").stat().st_size:
            raise ValueError("the token files don't belong together")
        size = int(begins[-1])
        ids = np.memmap(folder / "tokens.u32", dtype="<u4", mode="r", shape=(size,)) if size else np.zeros(0, dtype="<u4")
        return cls(ids, begins)

    def write(self, folder: Path) -> None:
        (folder / "tokens.i64").write_bytes(self.begins.astype("<i8").tobytes())
        (folder / "tokens.u32").write_bytes(self.ids.astype("<u4").tobytes())

    def of(self, rows: NDArray[np.int64]) -> list[NDArray[np.uint32]]:
        """The token ids of these rows."""
        ids = np.asarray(self.ids)  # slicing a memmap costs several times as much
        return [ids[a:b] for a, b in zip(self.begins[rows].tolist(), self.begins[rows + 1].tolist(), strict=True)]


def open_rows(folder: Path, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.float16], TokenFile]:
    """A generation's keys, ascending, their vectors [keys, dimensions] and their token ids, the last two mapped.

    Raises OSError, ValueError when a file is gone, or not as long as the others say.
    """
    keys = np.fromfile(folder / "keys.i64", dtype="<i8")
    shape = (len(keys), dimensions)
    if (folder / "vectors.f16").stat().st_size != 2 * len(keys) * dimensions:
        raise ValueError("vectors and keys disagree")
    # numpy cannot map an empty file.
    vectors = np.memmap(folder / "vectors.f16", dtype="<f2", mode="r", shape=shape) if len(keys) else np.zeros(shape, dtype="<f2")
    tokens = TokenFile.open(folder)
    if len(tokens.begins) != len(keys) + 1:
        raise ValueError("token ids and keys disagree")
    return keys, vectors, tokens


_COLUMNS = 'c.key, c.document_id, c.ordinal, c.text, c.start, c."end", c.heading, c.page, c.language, c.collection, d.title, d.date, d.source'


class Generation:
    """An open generation; thread-safe. Opened through `open_current`, closed by whoever opened it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = SharedLock(folder / LOCK)
        if not self._lock.acquire():
            raise FileNotFoundError(folder)
        self._dense: VectorIndex | None = None
        self._passing: dict[tuple[Filters, frozenset[str]], NDArray[np.int64]] = {}
        # One connection for all threads: SQLite serialises them, and a connection for each would stay open after it.
        uri = f"{(folder / 'passages.sqlite').resolve().as_uri()}?mode=ro&immutable=1"
        try:
            self.db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            self._lock.release()
            raise IndexBroken(f"generation {folder.name} has no readable passages", fix="assistant ingest --rebuild") from error
        try:
            self.manifest = Manifest.read(folder)
            self.keys, self.vectors, self._tokens = open_rows(folder, self.manifest.dimensions)
            self.lexical = LexicalIndex(folder / "lexical")
            self._rows32: NDArray[np.float32] | None = None
            if len(self.keys) > EXACT_ROWS:
                self._dense = VectorIndex(folder / "chroma")
            else:
                self._rows32 = np.asarray(self.vectors, dtype=np.float32)
            documents = self.db.execute("SELECT count(*) FROM documents").fetchone()[0]
            if documents != self.manifest.documents:
                raise ValueError(f"{documents} documents instead of {self.manifest.documents}")
        except BaseException as error:
            self.close()
            if isinstance(error, (OSError, ValueError, sqlite3.Error)):
                raise IndexBroken(f"generation {folder.name} cannot be opened ({type(error).__name__})", fix="assistant ingest --rebuild") from error
            raise

    def close(self) -> None:
        """Give the lease back. No call may be running."""
        if self._dense is not None:
            self._dense.close()
        self.db.close()
        self._lock.release()

    def disagreements(self) -> list[str]:
        """What does not hold as much as the manifest says: passages, rows of vectors, the lexical index, Chroma where it is open."""
        counts = {"passages": self.db.execute("SELECT count(*) FROM chunks").fetchone()[0], "vectors": len(self.keys), "lexical index": self.lexical.count()}
        if self._dense is not None:
            counts["Chroma"] = sum(self._dense.counts().values())
        return [f"{what}: {count} instead of {self.manifest.passages}" for what, count in counts.items() if count != self.manifest.passages]

    # -- reading ----------------------------------------------------------------------------------------

    def document(self, document_id: str) -> Document | None:
        return read_document(self.db, document_id)

    def documents(self, columns: str, scope: Filters, rest: str = "", hidden: Iterable[str] = ()) -> list[tuple[Any, ...]]:
        """Rows of the documents `d` of a scope that are not hidden: these columns, and what else the query says."""
        clauses, values = _clauses(scope, hidden)
        return self.db.execute(f"SELECT {columns} FROM documents d WHERE {clauses} {rest}", values).fetchall()

    def chunks(self, keys: Sequence[int]) -> dict[int, Chunk]:
        """Passages by key."""
        found: dict[int, Chunk] = {}
        for first in range(0, len(keys), 500):
            part = [int(key) for key in keys[first : first + 500]]
            marks = ", ".join("?" * len(part))
            query = f"SELECT {_COLUMNS} FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.key IN ({marks})"
            for row in self.db.execute(query, part):
                found[row[0]] = _chunk(row)
        return found

    def passages(self, document_id: str) -> list[Chunk]:
        """A document's passages, in order."""
        query = f"SELECT {_COLUMNS} FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.id = ? ORDER BY c.ordinal"
        return [_chunk(row) for row in self.db.execute(query, (document_id,))]

    def rows(self, keys: Iterable[int]) -> NDArray[np.float32]:
        """float32 [len(keys), dimensions]: the vectors of these passages."""
        wanted = np.fromiter(keys, dtype=np.int64)
        if not len(wanted):
            return np.zeros((0, self.manifest.dimensions), dtype=np.float32)
        rows = self.vectors if self._rows32 is None else self._rows32
        return np.asarray(rows[np.searchsorted(self.keys, wanted)], dtype=np.float32)

    def token_ids(self, keys: Iterable[int]) -> list[NDArray[np.uint32]]:
        """The passages' token ids; empty ones of an encoder without late interaction."""
        return self._tokens.of(np.searchsorted(self.keys, np.fromiter(keys, dtype=np.int64)))

    def keys_passing(self, filters: Filters, hidden: Iterable[str] = ()) -> NDArray[np.int64]:
        """Keys of the passages that pass the filters and belong to no hidden document, ascending."""
        asked = (filters, frozenset(hidden))
        found = self._passing.get(asked)
        if found is None:
            clauses, values = _clauses(*asked)
            query = f"SELECT c.key FROM chunks c JOIN documents d ON d.id = c.document_id WHERE {clauses} ORDER BY c.key"
            found = np.fromiter((row[0] for row in self.db.execute(query, values)), dtype=np.int64)
            # A portal's visitors all ask with the same filters. Dropped as a whole: nothing here is worth an order.
            if len(self._passing) >= _KEPT:
                self._passing.clear()
            found.flags.writeable = False
            self._passing[asked] = found
        return found

    def documents_passing(self, filters: Filters, hidden: Iterable[str] = ()) -> frozenset[str]:
        """Ids of the documents that pass the filters and are not hidden."""
        clauses, values = _clauses(filters, hidden)
        return frozenset(row[0] for row in self.db.execute(f"SELECT d.id FROM documents d WHERE {clauses}", values))

    def search_lexical(self, query: LexicalQuery, limit: int, collections: Sequence[str] = ()) -> list[tuple[int, float]]:
        return self.lexical.search(query, limit, collections)

    def search_dense(self, vector: NDArray[np.float32], limit: int, collections: Sequence[str] = ()) -> list[tuple[int, float]]:
        """(key, cosine) of the nearest passages, best first: exact up to `EXACT_ROWS` passages, beyond by Chroma."""
        if self._dense is not None:
            return self._dense.search(vector, limit, collections)
        assert self._rows32 is not None
        scores = self._rows32 @ vector
        keys = self.keys
        if collections:
            mask = np.isin(keys, self.keys_passing(Filters(collections=tuple(collections))))
            keys, scores = keys[mask], scores[mask]
        return nearest(keys, scores, limit)


def _clauses(filters: Filters, hidden: Iterable[str]) -> tuple[str, list[Any]]:
    """A condition on documents `d`, and its values."""
    clauses, values = ["1"], list[Any]()
    for column, wanted in (("d.collection", filters.collections), ("d.language", filters.languages), ("d.id", filters.documents)):
        if wanted:
            clauses.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    # "2024-11" lies within 2024-11-01 .. 2024-11-30: compare prefixes of equal length.
    if filters.date_from:
        clauses.append("d.date <> '' AND d.date >= substr(?, 1, length(d.date))")
        values.append(filters.date_from)
    if filters.date_to:
        clauses.append("d.date <> '' AND substr(d.date, 1, length(?)) <= ?")
        values.extend((filters.date_to, filters.date_to))
    if filters.public:
        clauses.append("d.visibility = 'public'")
    blocked = list(hidden)
    if blocked:
        clauses.append("d.id NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(blocked))
    return " AND ".join(clauses), values


def nearest(keys: NDArray[np.int64], scores: NDArray[np.float32], limit: int) -> list[tuple[int, float]]:
    """The `limit` best (key, score), best first."""
    if len(keys) > limit:
        part = np.argpartition(-scores, limit - 1)[:limit]
        keys, scores = keys[part], scores[part]
    order = np.argsort(-scores, kind="stable")
    return list(zip(keys[order].tolist(), scores[order].tolist(), strict=True))


def _chunk(row: Sequence[Any]) -> Chunk:
    (_, document_id, ordinal, text, start, end, heading, page, language, collection, title, date, source) = row
    return Chunk(f"{document_id}#{ordinal}", document_id, text, start, end, heading, page, language, title, date, source, collection)


def open_current(index: Path) -> Generation | None:
    """The generation that `CURRENT` names, with a lease on it; None before the first publication."""
    for _ in range(50):
        number = current_number(index)
        if number is None:
            return None
        try:
            return Generation(folder_of(index, number))
        except FileNotFoundError:
            # A publication came between reading CURRENT and taking the lease: look again.
            continue
    raise IndexBroken("the folder of the current generation is missing", fix="assistant ingest --rebuild")


class Generations:
    """The reader's side of an index folder: leases the current generation, and follows `CURRENT`.

    A background thread looks at `CURRENT` once a second, opens and warms a new generation beside the old one, swaps,
    and closes the old one when its last question has ended.
    """

    def __init__(self, index: Path, poll_seconds: float = 1.0) -> None:
        self._index = index
        self._guard = threading.Lock()
        self._opening = threading.Lock()
        self._current: Generation | None = None
        self._leases: dict[int, int] = {}
        self._retired: dict[int, Generation] = {}
        self._stop = threading.Event()
        self._poll_seconds = poll_seconds
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Follow `CURRENT` now."""
        with self._opening:
            number = current_number(self._index)
            with self._guard:
                opened = self._current.manifest.number if self._current else None
            if number == opened:
                return
            fresh = open_current(self._index)
            with self._guard:
                old, self._current = self._current, fresh
                if old is not None:
                    self._retire(old)

    def _retire(self, old: Generation) -> None:
        number = old.manifest.number
        if self._leases.get(number):
            self._retired[number] = old
        else:
            old.close()

    @contextmanager
    def lease(self) -> Iterator[Generation | None]:
        """The current generation, kept open for the block's length; None when nothing is indexed."""
        if self._current is None:
            self.refresh()
        with self._guard:
            generation = self._current
            if generation is not None:
                number = generation.manifest.number
                self._leases[number] = self._leases.get(number, 0) + 1
        if generation is not None and self._thread is None:
            self._follow()
        try:
            yield generation
        finally:
            if generation is not None:
                with self._guard:
                    self._leases[number] -= 1
                    if not self._leases[number]:
                        del self._leases[number]
                        if number in self._retired:
                            self._retired.pop(number).close()

    def _follow(self) -> None:
        with self._guard:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._poll, name="generations", daemon=True)
                self._thread.start()

    def _poll(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - the old generation serves on; the next look may succeed
                _log.warning("the newest generation cannot be opened: %s", error)

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        with self._guard:
            for generation in (*self._retired.values(), *([self._current] if self._current else [])):
                generation.close()
            self._retired.clear()
            self._current = None
