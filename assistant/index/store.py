"""The writer's system of record: documents, passages, tombstones, journal and a change number, in SQLite.

Vectors and token ids lie in a second file beside it, keyed by what was embedded and by whom: a cache that can be lost without
loss of a document (docs/decisions/002-index.md). It knows nothing of generations or of search. Only a process
that holds the writer lock may open it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.errors import IndexBroken, IndexMismatch
from assistant.schema import Chunk, Document, FailedFile, Page, Section, as_json

SCHEMA_VERSION = 1
FILE = "store.sqlite"
VECTOR_FILE = "vectors.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sources (collection TEXT, name TEXT, root TEXT NOT NULL, PRIMARY KEY (collection, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
  id TEXT PRIMARY KEY, source_name TEXT NOT NULL, origin TEXT NOT NULL, content_hash TEXT NOT NULL, text TEXT NOT NULL,
  title TEXT NOT NULL, language TEXT NOT NULL, source TEXT NOT NULL, date TEXT NOT NULL, collection TEXT NOT NULL,
  metadata TEXT NOT NULL, aliases TEXT NOT NULL, visibility TEXT NOT NULL, sections TEXT NOT NULL, pages TEXT NOT NULL,
  indexed_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_source ON documents (collection, source_name);
CREATE TABLE IF NOT EXISTS chunks (
  key INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL, ordinal INTEGER NOT NULL, text TEXT NOT NULL,
  start INTEGER NOT NULL, "end" INTEGER NOT NULL, heading TEXT NOT NULL, page INTEGER, language TEXT NOT NULL,
  collection TEXT NOT NULL, vector_hash BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks (document_id);
CREATE TABLE IF NOT EXISTS tombstones (document_id TEXT PRIMARY KEY, deleted_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
  collection TEXT, source_name TEXT, path TEXT, reason TEXT NOT NULL, message TEXT, partial INTEGER NOT NULL,
  PRIMARY KEY (collection, source_name, path, message)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, at TEXT NOT NULL, action TEXT NOT NULL, document_id TEXT NOT NULL);
"""

# With a row id: vectors of a kilobyte inside the key's own tree would overflow its pages (7 times slower to write).
_VECTORS = """CREATE TABLE IF NOT EXISTS vectors (
  hash BLOB, fingerprint TEXT, vector BLOB NOT NULL, tokens BLOB NOT NULL, PRIMARY KEY (hash, fingerprint));"""

_DOCUMENT = "id, text, title, language, source, date, collection, metadata, aliases, content_hash, visibility, sections, pages"


@dataclass(frozen=True, slots=True)
class Known:
    """What an ingest must know of a stored document: its content hash and the file or record it came from."""

    content_hash: str
    origin: str


def context_text(title: str, heading: str, text: str) -> str:
    """What is embedded and indexed for a passage: its title and heading path as context, then its own text."""
    if title and not heading.startswith(title):
        heading = f"{title} › {heading}" if heading else title
    return f"{heading}\n{text}" if heading else text


def vector_hash(context: str) -> bytes:
    """The key of a passage's vector: what was embedded decides, not where it stood."""
    return hashlib.blake2b(context.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _storable(value: str) -> str:
    """Without half surrogate pairs, which YAML and JSON can carry into metadata and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode("utf-8")


def row_to_document(row: Sequence[Any]) -> Document:
    """A row of the columns `_DOCUMENT` as a Document."""
    (id_, text, title, language, source, date, collection, metadata, aliases, content_hash, visibility, sections, pages) = row
    return Document(
        id=id_, text=text, title=title, language=language, source=source, date=date, collection=collection,
        metadata=json.loads(metadata), aliases=tuple(tuple(group) for group in json.loads(aliases)),
        content_hash=content_hash, visibility=visibility,
        sections=tuple(Section(tuple(path), start, end) for path, start, end in json.loads(sections)),
        pages=tuple(Page(*page) for page in json.loads(pages)),
    )  # fmt: skip


def read_document(connection: sqlite3.Connection, document_id: str) -> Document | None:
    """The document of this id from the store or a generation; None when there is none."""
    row = connection.execute(f"SELECT {_DOCUMENT} FROM documents WHERE id = ?", (document_id,)).fetchone()
    return row_to_document(row) if row else None


class Store:
    """The open store. Every change happens inside `transaction`, which also raises the change number."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._db = self._open(folder / FILE, _TABLES)
        self._vectors = self._open(folder / VECTOR_FILE, _VECTORS)
        if "tokens" not in {row[1] for row in self._vectors.execute("PRAGMA table_info(vectors)")}:
            # A cache of an earlier version: what it lacks is worked out again.
            self._vectors.executescript("DROP TABLE vectors;" + _VECTORS)
        version = self.meta("schema_version")
        if version is None:
            with self.transaction():
                self.set_meta("schema_version", str(SCHEMA_VERSION))
        elif int(version) != SCHEMA_VERSION:
            raise IndexMismatch(
                f"this index has schema version {version}, this program writes {SCHEMA_VERSION}", fix="assistant ingest --rebuild"
            )

    @staticmethod
    def _open(path: Path, tables: str) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(tables)
        except sqlite3.DatabaseError as error:
            if "full" in str(error):
                raise
            raise IndexBroken(f"{path.name} cannot be opened ({error})", fix="restore it from a backup, or delete the index folder and run assistant ingest") from error
        return connection

    def close(self) -> None:
        self._db.close()
        self._vectors.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the change number rises with every transaction that ends well."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.set_meta("change", str(self.change + 1))
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself already (full disk).
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # -- meta -----------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @property
    def change(self) -> int:
        return int(self.meta("change") or 0)

    def take_generation_number(self, above: int = 0) -> int:
        """The next generation's number, greater than `above`; never given twice."""
        number = max(int(self.meta("generation") or 0), above) + 1
        with self.connection_transaction():
            self.set_meta("generation", str(number))
        return number

    @contextmanager
    def connection_transaction(self) -> Iterator[None]:
        """A transaction that does not count as a change of what is indexed."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # -- documents ------------------------------------------------------------------------------------

    def known(self, collection: str, source_name: str) -> dict[str, Known]:
        """The stored documents of a source, by id."""
        rows = self._db.execute(
            "SELECT id, content_hash, origin FROM documents WHERE collection = ? AND source_name = ?", (collection, source_name)
        )
        return {row[0]: Known(row[1], row[2]) for row in rows}

    def origin(self, document_id: str) -> str | None:
        row = self._db.execute("SELECT origin FROM documents WHERE id = ?", (document_id,)).fetchone()
        return row[0] if row else None

    def source_names(self) -> list[tuple[str, str]]:
        """(collection, name) of every source that has documents."""
        return self._db.execute("SELECT DISTINCT collection, source_name FROM documents ORDER BY 1, 2").fetchall()

    def source_root(self, collection: str, name: str) -> str | None:
        row = self._db.execute("SELECT root FROM sources WHERE collection = ? AND name = ?", (collection, name)).fetchone()
        return row[0] if row else None

    def set_source_root(self, collection: str, name: str, root: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", (collection, name, root))

    def put(self, document: Document, chunks: Sequence[Chunk], source_name: str, origin: str) -> None:
        """Store a document and its passages in place of what was stored under its id."""
        self._db.execute("DELETE FROM chunks WHERE document_id = ?", (document.id,))
        now = time.strftime("%Y-%m-%dT%H:%M:%S")
        dump = json.dumps
        self._db.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            tuple(_storable(value) for value in (
                document.id, source_name, origin, document.content_hash, document.text, document.title, document.language,
                document.source, document.date, document.collection, dump(as_json(document.metadata), ensure_ascii=False),
                dump(document.aliases, ensure_ascii=False), document.visibility,
                dump([(s.path, s.start, s.end) for s in document.sections], ensure_ascii=False),
                dump([(p.number, p.start, p.end) for p in document.pages]), now,
            )),
        )  # fmt: skip
        self._db.executemany(
            'INSERT INTO chunks (document_id, ordinal, text, start, "end", heading, page, language, collection, vector_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
            [
                (c.document_id, i, c.text, c.start, c.end, c.heading, c.page, c.language, c.collection, vector_hash(context_text(c.title, c.heading, c.text)))
                for i, c in enumerate(chunks)
            ],
        )  # fmt: skip
        self._db.execute("INSERT INTO journal (at, action, document_id) VALUES (?, 'put', ?)", (now, document.id))

    def remove(self, document_ids: Iterable[str], *, tombstone: bool) -> int:
        """Remove documents and passages; with `tombstone` they stay away until it is forgotten. Returns passages removed."""
        count = 0
        now = time.strftime("%Y-%m-%dT%H:%M:%S")
        for document_id in document_ids:
            count += self._db.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,)).rowcount
            self._db.execute("DELETE FROM documents WHERE id = ?", (document_id,))
            if tombstone:
                self._db.execute("INSERT OR REPLACE INTO tombstones VALUES (?, ?)", (document_id, now))
            else:
                self._db.execute("INSERT INTO journal (at, action, document_id) VALUES (?, 'remove', ?)", (now, document_id))
        return count

    def document(self, document_id: str) -> Document | None:
        return read_document(self._db, document_id)

    def document_passages(self, document_id: str) -> list[tuple[str, str]]:
        """(heading, text) of a document's passages, in order."""
        return self._db.execute("SELECT heading, text FROM chunks WHERE document_id = ? ORDER BY ordinal", (document_id,)).fetchall()

    def counts(self) -> tuple[int, int]:
        """Documents and passages."""
        documents = self._db.execute("SELECT count(*) FROM documents").fetchone()[0]
        return documents, self._db.execute("SELECT count(*) FROM chunks").fetchone()[0]

    def contains_text(self, text: str, excluding: Sequence[str]) -> bool:
        """True when a document other than those excluded holds this text."""
        query = "SELECT 1 FROM documents WHERE instr(text, ?) > 0 AND id NOT IN (SELECT value FROM json_each(?)) LIMIT 1"
        return self._db.execute(query, (text, json.dumps(list(excluding)))).fetchone() is not None

    def shares_vector(self, hash_: bytes, excluding: Sequence[str]) -> bool:
        """True when a passage of a document other than those excluded has this vector."""
        query = "SELECT 1 FROM chunks WHERE vector_hash = ? AND document_id NOT IN (SELECT value FROM json_each(?)) LIMIT 1"
        return self._db.execute(query, (hash_, json.dumps(list(excluding)))).fetchone() is not None

    def accounts_for(self, hash_: bytes, fingerprint: str, vector: bytes, tokens: bytes, excluding: Sequence[str]) -> bool:
        """True when another passage, of a document other than those excluded, has the same vector or holds these token ids."""
        query = "SELECT hash FROM vectors WHERE fingerprint = ? AND hash <> ? AND (vector = ? OR (length(?) > 0 AND instr(tokens, ?) > 0))"
        return any(self.shares_vector(other, excluding) for (other,) in self._vectors.execute(query, (fingerprint, hash_, vector, tokens, tokens)).fetchall())

    # -- tombstones and failures ------------------------------------------------------------------------

    def tombstones(self) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT document_id FROM tombstones")}

    def forget_tombstones(self, document_ids: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM tombstones WHERE document_id = ?", [(i,) for i in document_ids])

    def record_failures(self, collection: str, source_name: str, failed: Iterable[FailedFile]) -> None:
        """Replace what is recorded of a source's failures."""
        self._db.execute("DELETE FROM failures WHERE collection = ? AND source_name = ?", (collection, source_name))
        self._db.executemany(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?)",
            [(collection, source_name, f.path, f.reason, f.message, f.partial) for f in failed],
        )

    def failures(self, collection: str, source_name: str) -> list[FailedFile]:
        """What is recorded of a source's failures."""
        query = "SELECT path, reason, message, partial FROM failures WHERE collection = ? AND source_name = ? ORDER BY path, message"
        return [FailedFile(path, reason, message, bool(partial)) for path, reason, message, partial in self._db.execute(query, (collection, source_name))]

    # -- vectors --------------------------------------------------------------------------------------

    def missing_vectors(self, fingerprint: str) -> Iterator[list[tuple[bytes, str]]]:
        """Batches of (vector hash, context text) of passages whose vector is not cached for this encoder."""
        have = {row[0] for row in self._vectors.execute("SELECT hash FROM vectors WHERE fingerprint = ?", (fingerprint,))}
        lacking: dict[bytes, int] = {}
        for key, hash_ in self._db.execute("SELECT key, vector_hash FROM chunks"):
            if hash_ not in have:
                lacking.setdefault(hash_, key)
        keys = sorted(lacking.values())
        for first in range(0, len(keys), 1024):
            yield [(hash_, text) for _, _, hash_, text in self.passages(keys[first : first + 1024])]

    def put_vectors(self, fingerprint: str, hashes: Sequence[bytes], vectors: NDArray[np.float32], tokens: Sequence[NDArray[np.uint32]] = ()) -> None:
        """Cache vectors, with the passages' token ids where the encoder ranks by late interaction."""
        ids = [t.astype("<u4").tobytes() for t in tokens] if len(tokens) else [b""] * len(hashes)
        self._vectors.execute("BEGIN IMMEDIATE")
        try:
            self._vectors.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                [(h, fingerprint, v.astype("<f2").tobytes(), t) for h, v, t in zip(hashes, vectors, ids, strict=True)],
            )
            self._vectors.execute("COMMIT")
        except BaseException:
            if self._vectors.in_transaction:
                self._vectors.execute("ROLLBACK")
            raise

    def vectors(self, fingerprint: str, hashes: Sequence[bytes], dimensions: int) -> NDArray[np.float16]:
        """float16 [len(hashes), dimensions] in the order asked for. Raises IndexBroken when one is missing."""
        rows = np.empty((len(hashes), dimensions), dtype="<f2")
        for position, blob in self._cached("vector", fingerprint, hashes):
            rows[position] = np.frombuffer(blob, dtype="<f2")
        return rows

    def tokens(self, fingerprint: str, hashes: Sequence[bytes]) -> list[NDArray[np.uint32]]:
        """The passages' token ids, in the order asked for; empty of an encoder that has none. Raises IndexBroken."""
        found: list[NDArray[np.uint32]] = [np.zeros(0, dtype="<u4")] * len(hashes)
        for position, blob in self._cached("tokens", fingerprint, hashes):
            found[position] = np.frombuffer(blob, dtype="<u4")
        return found

    def _cached(self, column: str, fingerprint: str, hashes: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        for first in range(0, len(hashes), 500):
            part = hashes[first : first + 500]
            marks = ", ".join("?" * len(part))
            found = dict(self._vectors.execute(f"SELECT hash, {column} FROM vectors WHERE fingerprint = ? AND hash IN ({marks})", (fingerprint, *part)))
            for offset, hash_ in enumerate(part):
                if hash_ not in found:
                    raise IndexBroken("a passage has no vector", fix="assistant ingest --rebuild")
                yield first + offset, found[hash_]

    def has_vector(self, fingerprint: str, hash_: bytes) -> bool:
        query = "SELECT 1 FROM vectors WHERE hash = ? AND fingerprint = ?"
        return self._vectors.execute(query, (hash_, fingerprint)).fetchone() is not None

    def drop_unused_vectors(self) -> None:
        """Forget vectors that no passage uses; their pages are overwritten (`secure_delete`)."""
        used = {row[0] for row in self._db.execute("SELECT DISTINCT vector_hash FROM chunks")}
        unused = [row[0] for row in self._vectors.execute("SELECT DISTINCT hash FROM vectors") if row[0] not in used]
        self._vectors.execute("BEGIN IMMEDIATE")
        self._vectors.executemany("DELETE FROM vectors WHERE hash = ?", [(h,) for h in unused])
        self._vectors.execute("COMMIT")

    def clear(self) -> None:
        """Empty the vector cache, for a rebuild from nothing."""
        self._vectors.execute("DELETE FROM vectors")

    # -- for publishing ---------------------------------------------------------------------------------

    def backup(self, target: Path) -> None:
        """A consistent copy in one file, by SQLite's backup API, without the journal."""
        with sqlite3.connect(target) as copy:
            self._db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("DELETE FROM journal")
        copy.close()

    def keys(self) -> NDArray[np.int64]:
        """Keys of all passages, ascending."""
        return np.fromiter((row[0] for row in self._db.execute("SELECT key FROM chunks ORDER BY key")), dtype=np.int64)

    def passages(self, keys: Sequence[int] | None = None) -> Iterator[tuple[int, str, bytes, str]]:
        """(key, collection, vector hash, context text), ascending by key; all, or those asked for."""
        query = "SELECT c.key, c.collection, c.vector_hash, d.title, c.heading, c.text FROM chunks c JOIN documents d ON d.id = c.document_id"
        for key, collection, hash_, title, heading, text in self._by_key(query, keys):
            yield key, collection, hash_, context_text(title, heading, text)

    def placements(self, keys: Sequence[int] | None = None) -> Iterator[tuple[int, str, bytes]]:
        """(key, collection, vector hash), as `passages` without reading any text."""
        return self._by_key("SELECT c.key, c.collection, c.vector_hash FROM chunks c", keys)

    def _by_key(self, query: str, keys: Sequence[int] | None) -> Iterator[Any]:
        if keys is None:
            yield from self._db.execute(query + " ORDER BY c.key")
            return
        for first in range(0, len(keys), 500):
            part = [int(key) for key in keys[first : first + 500]]
            yield from self._db.execute(f"{query} WHERE c.key IN ({', '.join('?' * len(part))}) ORDER BY c.key", part)

    def purge(self) -> None:
        """After a delete: no row of the journal, and nothing in the write-ahead logs."""
        with self.connection_transaction():
            self._db.execute("DELETE FROM journal")
        for connection in (self._db, self._vectors):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
