"""Writing: what an ingest and a delete do to the store of record, under the one writer's lock.

It knows sources, readers, the store and publication; it knows nothing of questions. Whoever calls it has settings and
an encoder, and lets readers follow afterwards.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assistant.errors import (
    DeleteUnproven,
    DocumentCollision,
    DocumentNotFound,
    IndexBroken,
    IndexMismatch,
    PruneRefused,
    ReadError,
)
from assistant.index.encoders import Encoder, LateEncoder
from assistant.index.generation import chunking_fingerprint, current_number
from assistant.index.locks import writer_lock
from assistant.index.proof import Evidence, scrubbed_memory, traces, unique_evidence
from assistant.index.publishing import needs_publishing, publish, remove_all_older
from assistant.index.store import Known, Store
from assistant.ingestion import formats
from assistant.ingestion.documents import Prepared, Task
from assistant.ingestion.reading import Limits
from assistant.ingestion.sources import Listing, Scope, list_source
from assistant.ingestion.workers import ReaderPool
from assistant.schema import FailedFile, IngestReport, Progress, silent
from assistant.settings import Settings

_COMMIT_EVERY = 200
_READER_WAIT = 30.0
_BUILDS = 2  # a buffer with a trace of the past in it is rare, but happens


@contextmanager
def open_store(index: Path, doing: str) -> Iterator[Store]:
    """The one writer's lock and the open store. A full disk, wherever it shows, becomes a clear error.

    Raises IndexBusy when another process writes, IndexBroken when the store or the disk fails.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        with writer_lock(index / "lock", doing):
            store = Store(index)
            try:
                yield store
            finally:
                store.close()
    except Exception as error:
        if _disk_full(error):
            raise IndexBroken(
                "the disk is full; nothing was published", fix="free some space and run it again; what was published before is still whole"
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise IndexBroken(f"{index} cannot be written", fix="check its permissions") from error
        raise


def _disk_full(error: BaseException | None) -> bool:
    """True when a full disk, or a quota, is behind an error; Chroma and Tantivy tell it in words only."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        if any(sign in str(error) for sign in ("disk is full", "disk I/O error", "No space left", "os error 28", "quota exceeded")):
            return True
        error = error.__cause__ or error.__context__
    return False


@dataclass(slots=True)
class _Run:
    """What an ingest has done so far."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: list[FailedFile] = field(default_factory=list)
    held: list[FailedFile] = field(default_factory=list)
    embedded: int = 0
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + (time.perf_counter() - started) * 1000

    def report(self, passages: int, generation: int) -> IngestReport:
        return IngestReport(
            tuple(self.added), tuple(self.updated), tuple(self.unchanged), tuple(self.deleted), tuple(self.failed), tuple(self.held),
            passages, self.embedded, generation, {stage: round(ms, 1) for stage, ms in self.timings_ms.items()},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete removed, and the evidence that a reader must not find again."""

    document_ids: tuple[str, ...]
    passages: int
    generation: int
    evidence: tuple[Evidence, ...]


class Writer:
    """Changes one index. Every method holds the writer lock for as long as it runs."""

    def __init__(self, settings: Settings, encoder: Encoder) -> None:
        self._settings = settings
        self._index = settings.index.path
        self._encoder = encoder
        self._chunking = chunking_fingerprint(settings.chunking)

    # -- ingest -----------------------------------------------------------------------------------------

    def ingest(
        self, scopes: Sequence[Scope], *, rebuild: bool, prune: bool, confirmed: bool, forget_tombstones: Iterable[str], progress: Progress
    ) -> IngestReport:
        """Read what is new or changed, embed it, publish. `Assistant.ingest` says what the options mean."""
        for suffix, function in self._settings.reading.formats.items():
            formats.register(suffix, function)
        run = _Run()
        with open_store(self._index, "assistant ingest") as store:
            self._check_fingerprints(store, scopes, rebuild)
            forget = list(forget_tombstones)
            if forget:
                with store.transaction():
                    store.forget_tombstones(forget)
            if rebuild:
                store.clear()
            for scope in scopes:
                self._ingest_source(store, scope, run, rebuild=rebuild, prune=prune, confirmed=confirmed, progress=progress)
            if rebuild or store.meta("encoder") is None:
                with store.transaction():
                    store.set_meta("encoder", self._encoder.fingerprint)
                    store.set_meta("chunking", self._chunking)
            if rebuild or needs_publishing(self._index, store, self._encoder.fingerprint, self._chunking):
                self._embed(store, run, progress)
                number = self._publish(store, rebuild=rebuild, progress=progress, timings_ms=run.timings_ms)
            else:
                number = current_number(self._index) or 0
            return run.report(store.counts()[1], number)

    def _check_fingerprints(self, store: Store, scopes: Sequence[Scope], rebuild: bool) -> None:
        """Raise IndexMismatch when vectors or passages of two makings would meet."""
        encoder, chunking = store.meta("encoder"), store.meta("chunking")
        if encoder is None or (encoder, chunking) == (self._encoder.fingerprint, self._chunking):
            return
        if not rebuild:
            what = "encoder" if encoder != self._encoder.fingerprint else "chunking"
            raise IndexMismatch(f"the index was built with another {what} than the settings ask for", fix="assistant ingest --rebuild, or take the setting back")
        covered = {(scope.source.collection, scope.name) for scope in scopes if scope.within is None}
        left = [pair for pair in store.source_names() if pair not in covered]
        if chunking != self._chunking and left:
            raise IndexMismatch(
                f"documents of {'/'.join(left[0])} would keep their old passages", fix="rebuild without naming paths, or name all sources"
            )

    def _publish(self, store: Store, *, rebuild: bool, progress: Progress, timings_ms: dict[str, float]) -> int:
        number, timings = publish(
            self._index, store, self._encoder.fingerprint, self._chunking, self._encoder.dimensions, rebuild=rebuild, progress=progress
        )
        for stage, ms in timings.items():
            timings_ms[stage] = timings_ms.get(stage, 0.0) + ms
        return number

    def _embed(self, store: Store, run: _Run, progress: Progress) -> None:
        total = store.counts()[1]
        with run.timed("embed"):
            for batch in store.missing_vectors(self._encoder.fingerprint):
                hashes, texts = [h for h, _ in batch], [text for _, text in batch]
                if isinstance(self._encoder, LateEncoder):
                    tokens = self._encoder.token_ids(texts)
                    store.put_vectors(self._encoder.fingerprint, hashes, self._encoder.encode_tokens(tokens), tokens)
                else:
                    store.put_vectors(self._encoder.fingerprint, hashes, self._encoder.encode_passages(texts))
                run.embedded += len(batch)
                progress("embed", run.embedded, max(total, run.embedded))

    def _ingest_source(self, store: Store, scope: Scope, run: _Run, *, rebuild: bool, prune: bool, confirmed: bool, progress: Progress) -> None:
        with run.timed("list"):
            listing = list_source(scope)
        source = scope.source
        known = store.known(source.collection, listing.name)
        self._adopt_root(store, listing, known)
        gone = self._gone(listing, known, confirmed) if prune else []
        tombstones = store.tombstones()
        tasks, unchanged = [], []
        for item in listing.items:
            before = known.get(item.document_id)
            if item.document_id in tombstones:
                continue
            if before and before.content_hash == item.content_hash and not rebuild:
                unchanged.append(item)
            else:
                tasks.append(Task(item, source.collection, source.visibility, self._settings.chunking.size, self._settings.chunking.minimum))
        run.unchanged.extend(item.document_id for item in unchanged)
        failed, held = list(listing.failed), list[FailedFile]()
        if tasks:
            with run.timed("read"):
                self._read(store, listing, known, tasks, run, failed, held, progress)
        run.failed.extend(failed)
        run.held.extend(held)
        _record_failures(store, scope, listing.name, {item.origin for item in unchanged}, [*failed, *held])
        if gone:
            with store.transaction():
                store.remove(gone, tombstone=False)
            run.deleted.extend(gone)

    @staticmethod
    def _adopt_root(store: Store, listing: Listing, known: Mapping[str, Known]) -> None:
        """Remember where a source lies; another folder may take its name over only when the old one is gone."""
        collection = listing.scope.source.collection
        root = store.source_root(collection, listing.name)
        if root == listing.root:
            return
        if root is not None and known and Path(root).exists():
            raise DocumentCollision(
                f"the sources {root} and {listing.root} would give their documents the same ids ({collection}/{listing.name}/…)",
                fix="give one of them a name of its own in [[corpus.sources]]",
            )
        with store.transaction():
            store.set_source_root(collection, listing.name, listing.root)

    def _gone(self, listing: Listing, known: Mapping[str, Known], confirmed: bool) -> list[str]:
        """Documents that have left their source. Raises PruneRefused when they are suspiciously many."""
        if listing.single_file:
            return []
        # What cannot be read at the moment has not gone.
        unread = [f.path for f in listing.failed if f.reason == "unreadable"]
        listed = {item.document_id for item in listing.items}
        mine = {i: k for i, k in known.items() if listing.scope.covers(k.origin)}
        gone = [i for i, k in mine.items() if i not in listed and not any(Path(k.origin).is_relative_to(p) for p in unread)]
        if gone and not confirmed:
            share = "all" if len(gone) == len(mine) else f"{len(gone)} of"
            if len(gone) == len(mine) or len(gone) > self._settings.corpus.prune_limit * len(mine):
                raise PruneRefused(f"{share} {len(mine)} documents of {listing.root} would go: is the share mounted?", fix="--prune --yes if they are to go")
        return gone

    def _read(
        self, store: Store, listing: Listing, known: Mapping[str, Known], tasks: Sequence[Task], run: _Run,
        failed: list[FailedFile], held: list[FailedFile], progress: Progress,
    ) -> None:  # fmt: skip
        """Read in bounded processes, and store in transactions of 200 documents."""
        reading = self._settings.reading
        limits = Limits(reading.file_mb, reading.expanded_mb, reading.memory_mb, reading.seconds)
        pending: list[tuple[Task, Prepared]] = []
        away: list[str] = []

        def commit() -> None:
            if not pending and not away:
                return
            with run.timed("store"), store.transaction():
                store.remove(away, tombstone=False)
                for task, prepared in pending:
                    store.put(prepared.document, prepared.chunks, listing.name, task.item.origin)
            for task, _ in pending:
                (run.updated if task.item.document_id in known else run.added).append(task.item.document_id)
            run.deleted.extend(away)
            pending.clear()
            away.clear()

        with ReaderPool(limits, reading.workers or None, task="assistant.ingestion.documents:prepare") as pool:
            for done, (task, result) in enumerate(pool.run(tasks), 1):
                progress("read", done, len(tasks))
                origin = task.item.origin
                if isinstance(result, ReadError):
                    failed.append(FailedFile(origin, result.reason, f"{result.message}; {result.fix}" if result.fix else result.message))
                    continue
                assert isinstance(result, Prepared)
                if result.held:
                    held.append(_held(origin, result))
                if result.withheld:
                    if task.item.document_id in known:
                        away.append(task.item.document_id)
                    continue
                failed.extend(FailedFile(origin, "partial", warning, partial=True) for warning in result.warnings)
                pending.append((task, result))
                if len(pending) >= _COMMIT_EVERY:
                    commit()
        commit()

    # -- delete -----------------------------------------------------------------------------------------

    def delete(self, document_ids: Sequence[str], follow: Callable[[], None]) -> Deleted:
        """Remove documents from every file of the index; `follow` lets this process's readers swap generations.

        Raises DocumentNotFound, IndexBusy when a reader of another process does not let go, DeleteUnproven.
        """
        ids = tuple(dict.fromkeys(document_ids))
        with scrubbed_memory(), open_store(self._index, "assistant delete") as store:
            known = [i for i in ids if store.document(i) is not None]
            unknown = [i for i in ids if i not in known and i not in store.tombstones()]
            if unknown:
                raise DocumentNotFound(f"there is no document {unknown[0]}", fix="assistant status --json lists the documents' ids")
            evidence = tuple(unique_evidence(store, self._encoder.fingerprint, self._encoder.dimensions, i, known) for i in known)
            with store.transaction():
                passages = store.remove(ids, tombstone=True)
            # First out of the answers, within seconds; then out of every byte, which takes as long as building the index.
            self._publish(store, rebuild=False, progress=silent, timings_ms={})
            follow()
            store.drop_unused_vectors()
            store.purge()
            for _ in range(_BUILDS):
                number = self._publish(store, rebuild=True, progress=silent, timings_ms={})
                follow()
                remove_all_older(self._index, _READER_WAIT)
                store.purge()
                left = [trace for item in evidence for trace in traces(self._index, item)]
                if not left:
                    break
        if left:
            raise DeleteUnproven(f"{left[0]} still holds something of a deleted document", fix="assistant ingest --rebuild, then delete again")
        return Deleted(ids, passages, number, evidence)


def _held(origin: str, prepared: Prepared) -> FailedFile:
    until = str(prepared.document.metadata.get("embargo_until") or "")
    what = f"it is shown from {until} on" if until else f"set embargo_until in {Path(origin).name}.meta.yaml"
    return FailedFile(origin, "embargo", f"held back, since it opens with “{prepared.held}”: {what}", partial=bool(until))


def _record_failures(store: Store, scope: Scope, name: str, unchanged: set[str], failed: Sequence[FailedFile]) -> None:
    """Replace what is recorded of the files that were looked at; an unchanged one is still as partly read as it was."""
    before = set(store.failures(scope.source.collection, name))
    kept = {f for f in before if (f.partial and f.path in unchanged) or not scope.covers(f.path)}
    after = kept | set(failed)
    if after != before:
        with store.transaction():
            store.record_failures(scope.source.collection, name, after)
