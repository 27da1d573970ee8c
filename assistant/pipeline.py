"""class Assistant: open, ingest, search, ask, stream, delete, status. It wires the rooms and is the one public door.

It holds no logic of reading, ranking or answering.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from assistant.errors import (
    AssistantError,
    DeleteUnproven,
    DocumentCollision,
    DocumentNotFound,
    IndexBroken,
    IndexMismatch,
    IndexNotFound,
    PruneRefused,
    QuestionError,
    ReadError,
)
from assistant.index.encoders import Encoder, load_encoder
from assistant.index.generation import Generation, Generations, Manifest, current_number, folder_of
from assistant.index.locks import writer_lock
from assistant.index.store import Store
from assistant.schema import Answer, DeleteReport, Document, FailedFile, Filters, IngestReport, Message, ScoredChunk
from assistant.settings import Settings, Source

Progress = Callable[[str, int, int], None]

LONGEST_QUESTION = 2000
_COMMIT_EVERY = 200
_READER_WAIT = 30.0
FULL_DISK = "free some space and run it again; what was published before is still whole"


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


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


class Assistant:
    """Everything the project can do, over one index. Thread-safe; close it, or use it in a `with` block."""

    def __init__(self, settings: Settings, encoder: Encoder | None = None) -> None:
        self.settings = settings
        self._index = settings.index.path
        self._given_encoder = encoder
        self._guard = threading.Lock()
        self._generations = Generations(self._index)
        self._retriever: Any = None

    @classmethod
    def open(cls, settings: Settings | None = None, *, encoder: Encoder | None = None) -> Assistant:
        """An assistant over the index that the settings name; it need not exist yet.

        Raises IndexMismatch when it was built with another encoder or chunking, IndexBroken when it cannot be opened.
        """
        assistant = cls(settings or Settings.load(), encoder)
        if assistant._manifest() is not None:
            assistant._check_fingerprints()
        return assistant

    def close(self) -> None:
        self._generations.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- what the index says of itself --------------------------------------------------------------------

    @property
    def encoder(self) -> Encoder:
        """The encoder that the settings name, loaded when first needed."""
        with self._guard:
            if self._given_encoder is None:
                self._given_encoder = load_encoder(self.settings.embedding)
            return self._given_encoder

    @property
    def _chunking(self) -> str:
        return f"v1-{self.settings.chunking.size}-{self.settings.chunking.minimum}"

    def _manifest(self) -> Manifest | None:
        number = current_number(self._index)
        return None if number is None else Manifest.read(folder_of(self._index, number))

    def _check_fingerprints(self) -> None:
        manifest = self._manifest()
        if manifest is None:
            return
        for what, built, asked in (("encoder", manifest.encoder, self.encoder.fingerprint), ("chunking", manifest.chunking, self._chunking)):
            if built != asked:
                raise IndexMismatch(f"the index was built with the {what} {built}, the settings ask for {asked}", fix="assistant ingest --rebuild, or take the setting back")

    # -- questions ----------------------------------------------------------------------------------------

    @contextmanager
    def _leased(self) -> Iterator[Generation]:
        with self._generations.lease() as generation:
            if generation is None:
                raise IndexNotFound(f"nothing is indexed in {self._index}", fix="assistant ingest")
            if generation.manifest.encoder != self.encoder.fingerprint or generation.manifest.chunking != self._chunking:
                self._check_fingerprints()
            yield generation

    def _retrieval(self) -> Any:
        if self._retriever is None:
            from assistant.retrieval.search import Retriever

            self._retriever = Retriever(self.settings.retrieval, self.encoder, self.settings.answering.clock)
        return self._retriever

    def search(self, question: str, top_k: int = 5, filters: Filters | None = None) -> list[ScoredChunk]:
        """The best passages for a question, best first. Raises IndexNotFound, QuestionError."""
        text = _checked(question)
        if top_k < 1:
            raise QuestionError("top_k must be at least 1", fix="ask for one passage or more")
        with self._leased() as generation:
            return list(self._retrieval().search(generation, text, top_k=top_k, filters=filters).passages)

    def ask(self, question: str, history: Sequence[Message] = (), filters: Filters | None = None, *, language: str = "") -> Answer:
        """One answer, every statement of it backed by a verified quote, or an abstention.

        `language` answers in another language than the question's. Raises IndexNotFound, QuestionError.
        """
        from assistant.answering import extractive
        from assistant.answering.evidence import needs

        text = _checked(question)
        context = next((m.text for m in reversed(list(history)) if m.role == "user"), "")
        started = time.perf_counter()
        with self._leased() as generation:
            retriever = self._retrieval()
            considered = max(self.settings.answering.considered, self.settings.answering.top_k)
            found = retriever.search(generation, text, top_k=considered, filters=filters, context=context)
            begun = time.perf_counter()
            wanted = needs(found.question, generation.lexical.frequency, generation.manifest.passages)
            answer = extractive.answer(
                wanted, found.passages, lambda i: _existing(generation, i), retriever.view(generation).names, self.settings.answering, language
            )
        timings = {**found.timings_ms, "answer": (time.perf_counter() - begun) * 1000, "total": (time.perf_counter() - started) * 1000}
        return replace(answer, timings_ms={stage: round(ms, 3) for stage, ms in timings.items()})

    def stream(self, question: str, history: Sequence[Message] = (), filters: Filters | None = None, *, language: str = "") -> Iterator[str | Answer]:
        """The answer's text in pieces, then the Answer itself; the pieces joined are `Answer.text`."""
        answer = self.ask(question, history, filters, language=language)
        yield from answer.text.splitlines(keepends=True)
        yield answer

    def document(self, document_id: str) -> Document:
        """A document of the published index. Raises DocumentNotFound, IndexNotFound."""
        with self._leased() as generation:
            return _existing(generation, document_id)

    # -- writing --------------------------------------------------------------------------------------------

    def ingest(
        self,
        paths: Iterable[str | Path] | None = None,
        *,
        rebuild: bool = False,
        prune: bool = False,
        confirmed: bool = False,
        forget_tombstones: Iterable[str] = (),
        progress: Progress = _silent,
    ) -> IngestReport:
        """Index what is new or changed, and publish. Default: the settings' corpus.

        `rebuild` reads and embeds everything again; `prune` removes documents that have left their source, unless
        that would be suspiciously many (`confirmed` says they may go). Raises IndexBusy, SourceError, PruneRefused,
        DocumentCollision, IndexMismatch.
        """
        from assistant.index.publishing import needs_publishing, publish
        from assistant.ingestion import formats
        from assistant.ingestion.sources import check_names

        for suffix, function in self.settings.reading.formats.items():
            formats.register(suffix, function)
        sources = self._sources(paths)
        check_names(sources)
        run = _Run()
        with self._writing("assistant ingest") as store:
            if not rebuild and store.meta("encoder") is not None:
                stored = (store.meta("encoder"), store.meta("chunking"))
                if stored != (self.encoder.fingerprint, self._chunking):
                    what = "encoder" if stored[0] != self.encoder.fingerprint else "chunking"
                    raise IndexMismatch(f"the index was built with another {what} than the settings ask for", fix="assistant ingest --rebuild, or take the setting back")
            forget = list(forget_tombstones)
            if forget:
                with store.transaction():
                    store.forget_tombstones(forget)
            if rebuild:
                store.clear()
            for source in sources:
                self._ingest_source(store, source, run, rebuild=rebuild, prune=prune, confirmed=confirmed, progress=progress)
            if rebuild or store.meta("encoder") is None:
                self._mark(store)
            if not rebuild and not needs_publishing(self._index, store, self.encoder.fingerprint, self._chunking):
                number = current_number(self._index) or 0
            else:
                self._embed(store, run, progress)
                number, timings = publish(
                    self._index, store, self.encoder.fingerprint, self._chunking, self.encoder.dimensions, rebuild=rebuild, progress=progress
                )
                run.timings_ms.update(timings)
            passages = store.counts()[1]
        self._generations.refresh()
        return IngestReport(
            tuple(run.added), tuple(run.updated), tuple(run.unchanged), tuple(run.deleted), tuple(run.failed), tuple(run.held),
            passages, run.embedded, number, {stage: round(ms, 1) for stage, ms in run.timings_ms.items()},
        )  # fmt: skip

    def delete(self, document_ids: Sequence[str]) -> DeleteReport:
        """Remove documents everywhere and prove it; they stay away until their tombstone is forgotten.

        First a generation without them is published, so that answers stop within seconds; then everything that held
        their bytes is built anew. Raises DocumentNotFound, IndexBusy, DeleteUnproven.
        """
        from assistant.index.proof import traces, unique_evidence
        from assistant.index.publishing import publish, remove_all_older

        ids = list(dict.fromkeys(document_ids))
        with self._writing("assistant delete") as store:
            known = [i for i in ids if store.document(i) is not None]
            unknown = [i for i in ids if i not in known and i not in store.tombstones()]
            if unknown:
                raise DocumentNotFound(f"there is no document {unknown[0]}", fix="assistant status --json lists the documents' ids")
            evidence = [unique_evidence(store, self.encoder.fingerprint, self.encoder.dimensions, i, known) for i in known]
            with store.transaction():
                passages = store.remove(ids, tombstone=True)
            parts = (self._index, store, self.encoder.fingerprint, self._chunking, self.encoder.dimensions)
            publish(*parts)
            self._generations.refresh()
            store.drop_unused_vectors()
            store.purge()
            number, _ = publish(*parts, rebuild=True)
            self._generations.refresh()
            remove_all_older(self._index, _READER_WAIT)
            store.purge()
        left = [trace for item in evidence for trace in traces(self._index, item)]
        if left:
            raise DeleteUnproven(f"{left[0]} still holds something of a deleted document", fix="assistant ingest --rebuild, then delete again")
        checks = ("not in the list of documents", "not found by its own text", "no byte of its text or vectors in the index folder")
        with self._leased() as generation:
            for item in evidence:
                if generation.document(item.document_id) is not None:
                    raise DeleteUnproven(f"{item.document_id} is still listed", fix="run the delete again")
                for text in item.texts[:3]:
                    if any(p.chunk.document_id == item.document_id for p in self._retrieval().search(generation, text[:LONGEST_QUESTION], top_k=20).passages):
                        raise DeleteUnproven(f"{item.document_id} is still found", fix="run the delete again")
        return DeleteReport(tuple(ids), passages, checks, number)

    @contextmanager
    def _writing(self, doing: str) -> Iterator[Store]:
        """The one writer's lock and the open store; a full disk becomes a clear error."""
        try:
            self._index.mkdir(parents=True, exist_ok=True)
            with writer_lock(self._index / "lock", doing):
                store = Store(self._index)
                try:
                    yield store
                finally:
                    store.close()
        except AssistantError as error:
            if _disk_full(error):
                raise IndexBroken("the disk is full; nothing was published", fix=FULL_DISK) from error
            raise
        except Exception as error:
            if _disk_full(error):
                raise IndexBroken("the disk is full; nothing was published", fix=FULL_DISK) from error
            if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise IndexBroken(f"{self._index} cannot be written", fix="check its permissions") from error
            raise

    def _mark(self, store: Store) -> None:
        with store.transaction():
            store.set_meta("encoder", self.encoder.fingerprint)
            store.set_meta("chunking", self._chunking)

    def _sources(self, paths: Iterable[str | Path] | None) -> list[Source]:
        configured = self.settings.sources()
        if paths is None:
            return configured
        chosen = []
        for path in map(Path, paths):
            known = next((s for s in configured if s.path is not None and s.path.resolve() == path.resolve()), None)
            chosen.append(known or Source(path=path))  # type: ignore[call-arg]
        return chosen

    def _ingest_source(self, store: Store, source: Source, run: _Run, *, rebuild: bool, prune: bool, confirmed: bool, progress: Progress) -> None:
        from assistant.ingestion.documents import Prepared, Task
        from assistant.ingestion.reading import Limits
        from assistant.ingestion.sources import list_source
        from assistant.ingestion.workers import ReaderPool

        with run.timed("list"):
            listing = list_source(source)
        known = store.known(source.collection, listing.name)
        root = store.source_root(source.collection, listing.name)
        if root not in (None, listing.root) and known and Path(str(root)).exists():
            raise DocumentCollision(
                f"the sources {root} and {listing.root} would give their documents the same ids ({source.collection}/{listing.name}/…)",
                fix="give one of them a name of its own in [[corpus.sources]]",
            )
        gone: list[str] = []
        if prune and not (source.path and source.path.is_file()):
            # What cannot be read at the moment has not gone.
            unread = [f.path for f in listing.failed if f.reason == "unreadable"]
            listed = {item.document_id for item in listing.items}
            gone = [i for i, k in known.items() if i not in listed and not any(Path(k.origin).is_relative_to(p) for p in unread)]
            self._check_prune(listing.root, len(known), gone, confirmed)
        tombstones = store.tombstones()
        failed = list(listing.failed)
        tasks = []
        for item in listing.items:
            if item.document_id in tombstones:
                continue
            before = known.get(item.document_id)
            if before and before.content_hash == item.content_hash and not rebuild:
                run.unchanged.append(item.document_id)
            else:
                tasks.append(Task(item, source.collection, source.visibility, self.settings.chunking.size, self.settings.chunking.minimum))
        if root != listing.root:
            with store.transaction():
                store.set_source_root(source.collection, listing.name, listing.root)
        reading = self.settings.reading
        limits = Limits(reading.file_mb, reading.expanded_mb, reading.memory_mb, reading.seconds)
        pending: list[tuple[Task, Prepared]] = []
        away: list[str] = []
        done = 0

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

        if tasks:
            started = time.perf_counter()
            with ReaderPool(limits, reading.workers or None, task="assistant.ingestion.documents:prepare") as pool:
                for task, result in pool.run(tasks):
                    done += 1
                    progress("read", done, len(tasks))
                    shown = task.item.origin
                    if isinstance(result, ReadError):
                        failed.append(FailedFile(shown, result.reason, f"{result.message}; {result.fix}" if result.fix else result.message))
                        continue
                    assert isinstance(result, Prepared)
                    if result.held:
                        until = str(result.document.metadata.get("embargo_until") or "")
                        shown_from = f"it is shown from {until} on" if until else f"set embargo_until in {Path(shown).name}.meta.yaml"
                        run.held.append(FailedFile(shown, "embargo", f"held back, since it opens with “{result.held}”: {shown_from}", partial=bool(until)))
                    if result.withheld:
                        if task.item.document_id in known:
                            away.append(task.item.document_id)
                        continue
                    failed.extend(FailedFile(shown, "partial", warning, partial=True) for warning in result.warnings)
                    pending.append((task, result))
                    if len(pending) >= _COMMIT_EVERY:
                        commit()
            run.timings_ms["read"] = run.timings_ms.get("read", 0.0) + (time.perf_counter() - started) * 1000
        commit()
        # Partial readings of unchanged files stand from the time they were read.
        kept = [FailedFile(p, reason, message, bool(partial)) for p, c, n, reason, message, partial in store.failures() if (c, n) == (source.collection, listing.name) and partial and _still(p, run, known)]
        noted = {f.path for f in failed}
        held = [f for f in run.held if f.path in {task.item.origin for task in tasks}]
        recorded = [(f.path, f.reason, f.message, f.partial) for f in (*failed, *held, *(k for k in kept if k.path not in noted))]
        if sorted(recorded) != [(p, r, m, bool(x)) for p, c, n, r, m, x in store.failures() if (c, n) == (source.collection, listing.name)]:
            with store.transaction():
                store.record_failures(source.collection, listing.name, [FailedFile(*row) for row in recorded])
        run.failed.extend(failed)
        if gone:
            with store.transaction():
                store.remove(gone, tombstone=False)
            run.deleted.extend(gone)

    def _check_prune(self, root: str, known: int, gone: Sequence[str], confirmed: bool) -> None:
        if not gone or confirmed:
            return
        if len(gone) == known:
            raise PruneRefused(f"all {known} documents of {root} would go: is the share mounted?", fix="--prune --yes if they are to go")
        if len(gone) > self.settings.corpus.prune_limit * known:
            raise PruneRefused(f"{len(gone)} of {known} documents of {root} would go: is the share mounted?", fix="--prune --yes if they are to go")

    def _embed(self, store: Store, run: _Run, progress: Progress) -> None:
        total = store.counts()[1]
        with run.timed("embed"):
            for batch in store.missing_vectors(self.encoder.fingerprint):
                vectors = self.encoder.encode_passages([text for _, text in batch])
                store.put_vectors(self.encoder.fingerprint, [h for h, _ in batch], vectors)
                run.embedded += len(batch)
                progress("embed", run.embedded, max(total, run.embedded))

    # -- looking --------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What is indexed: counts by collection and language, undated documents, failures, the generation."""
        manifest = self._manifest()
        if manifest is None:
            return {"indexed": False, "index": str(self._index), "documents": 0, "passages": 0}
        with self._generations.lease() as generation:
            assert generation is not None
            db = generation.db
            groups = db.execute("SELECT collection, language, count(*) FROM documents GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2").fetchall()
            collections: dict[str, dict[str, int]] = {}
            for collection, language, count in groups:
                collections.setdefault(collection, {})[language] = count
            size = sum(f.stat().st_size for f in self._index.rglob("*") if f.is_file())
            return {
                "indexed": True,
                "index": str(self._index),
                "generation": manifest.number,
                "encoder": manifest.encoder,
                "documents": manifest.documents,
                "passages": manifest.passages,
                "collections": collections,
                "newest": db.execute("SELECT max(date) FROM documents").fetchone()[0] or "",
                "undated": [row[0] for row in db.execute("SELECT id FROM documents WHERE date = '' ORDER BY id")],
                "failures": [
                    {"path": p, "reason": r, "message": m, "partial": bool(x)}
                    for p, r, m, x in db.execute("SELECT path, reason, message, partial FROM failures ORDER BY path")
                ],
                "deleted": [row[0] for row in db.execute("SELECT document_id FROM tombstones ORDER BY document_id")],
                "bytes": size,
            }

    def document_ids(self) -> list[str]:
        """Ids of all documents of the published index, in order."""
        with self._leased() as generation:
            return [row[0] for row in generation.db.execute("SELECT id FROM documents ORDER BY id")]


def _disk_full(error: BaseException | None) -> bool:
    """True when a full disk, or a quota, is behind an error; Chroma and Tantivy tell it in words only."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        if any(sign in str(error) for sign in ("disk is full", "disk I/O error", "No space left", "os error 28", "quota exceeded")):
            return True
        error = error.__cause__ or error.__context__
    return False


def _still(path: str, run: _Run, known: dict[str, Any]) -> bool:
    unchanged = set(run.unchanged)
    return any(k.origin == path and i in unchanged for i, k in known.items())


def _existing(generation: Generation, document_id: str) -> Document:
    document = generation.document(document_id)
    if document is None:
        raise DocumentNotFound(f"there is no document {document_id}", fix="assistant status --json lists the documents' ids")
    return document


def _checked(question: str) -> str:
    # Half a surrogate pair, as JSON may carry it, stands for no character and cannot be written anywhere.
    text = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not text:
        raise QuestionError("the question is empty", fix="ask something")
    if len(text) > LONGEST_QUESTION:
        raise QuestionError(f"the question has {len(text)} characters", fix=f"ask in at most {LONGEST_QUESTION}")
    return text


