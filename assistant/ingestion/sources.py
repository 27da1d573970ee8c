"""Sources: what there is to read, as items with a stable id and a content hash.

A folder, a single file, or any LlamaIndex reader. It reads no format; it knows nothing of the index.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import DocumentCollision, SourceError
from assistant.ingestion.reading import sidecar_of
from assistant.schema import FailedFile, as_json
from assistant.settings import Source

# Raised when reading or chunking changes what an unchanged file yields, so that it is read again.
READER_VERSION = 1


@dataclass(frozen=True, slots=True)
class Item:
    """One file or record. `origin` is the file's absolute path, or the record's id where `is_record`."""

    document_id: str
    origin: str
    content_hash: str
    text: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    is_record: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """A source, or the part of a folder source that lies at or below `within`."""

    source: Source
    within: Path | None = None

    @property
    def name(self) -> str:
        """The name used in document ids: given, or the folder's (a single file: its folder's)."""
        if self.source.name or self.source.path is None:
            return self.source.name
        path = self.source.path.resolve()
        return (path.parent if path.is_file() else path).name or "root"

    def covers(self, origin: str) -> bool:
        """True when a file of the source lies within the scope."""
        only = self.within
        if only is None and self.source.path is not None and self.source.path.is_file():
            only = self.source.path.resolve()
        return only is None or Path(origin).is_relative_to(only)


@dataclass(frozen=True, slots=True)
class Listing:
    """A scope's items, and the files that were refused before they were read."""

    scope: Scope
    name: str
    root: str
    items: list[Item]
    failed: list[FailedFile]
    single_file: bool = False


def scopes(configured: Sequence[Source], paths: Sequence[Path] | None) -> list[Scope]:
    """What an ingest looks at: every configured source, or the paths named.

    A path inside a configured source is that source's, so that its documents keep their ids and collection.
    Raises DocumentCollision when two sources would give their documents the same ids.
    """
    if paths is None:
        chosen = [Scope(source) for source in configured]
    else:
        folders = sorted(((s.path.resolve(), s) for s in configured if s.path is not None), key=lambda pair: -len(pair[0].parts))
        chosen = []
        for path in paths:
            resolved = path.resolve()
            owner = next(((root, s) for root, s in folders if resolved.is_relative_to(root)), None)
            if owner is None:
                chosen.append(Scope(Source(path=path)))  # type: ignore[call-arg]
            else:
                chosen.append(Scope(owner[1], None if owner[0] == resolved else resolved))
    check_names([scope.source for scope in chosen])
    return chosen


def check_names(sources: Sequence[Source]) -> None:
    """Raise DocumentCollision when two of the sources would give their documents the same ids."""
    owners: dict[tuple[str, str], str] = {}
    for source in sources:
        if source.path is None:
            owner = json.dumps([source.reader, as_json(source.arguments), as_json(source.load)], sort_keys=True, ensure_ascii=False)
        else:
            path = source.path.resolve()
            owner = str(path.parent if path.is_file() else path)
        name = Scope(source).name
        if owners.setdefault((source.collection, name), owner) != owner:
            shown = source.reader or source.path
            raise DocumentCollision(
                f"two sources would give their documents the same ids ({source.collection}/{name}/…); one is {shown}",
                fix="give one of them a name of its own in [[corpus.sources]]",
            )


def list_source(scope: Scope) -> Listing:
    """What a scope holds now. Raises SourceError when it cannot be read as a whole, DocumentCollision on equal ids."""
    source, name = scope.source, scope.name
    prefix = f"{source.collection}/{name}"
    if source.reader:
        listing = Listing(scope, name, f"reader:{source.reader}", list(_records(source, prefix)), [])
    else:
        assert source.path is not None
        path = source.path.resolve()
        looked_at = scope.within or path
        if not looked_at.exists():
            raise SourceError(f"the source {scope.within or source.path} does not exist", fix="mend corpus.paths or corpus.sources, or mount it")
        root = path.parent if path.is_file() else path
        failed: list[FailedFile] = []
        files = [looked_at] if looked_at.is_file() else list(_walk(root, looked_at, failed))
        items = []
        for file in files:
            if not _is_text(str(file)):
                failed.append(FailedFile(os.fsencode(file).decode("utf-8", "backslashreplace"), "unreadable", "its name is not valid UTF-8; rename it"))
                continue
            try:
                items.append(Item(f"{prefix}/{file.relative_to(root).as_posix()}", str(file), _hash(file, source.visibility)))
            except OSError as error:
                failed.append(FailedFile(str(file), "unreadable", f"cannot be opened ({error.strerror}); check its permissions"))
        listing = Listing(scope, name, str(root), items, failed, looked_at.is_file())
    seen: dict[str, str] = {}
    for item in listing.items:
        if item.document_id in seen:
            raise DocumentCollision(
                f"two records claim the id {item.document_id}", fix="choose an id_field that is different for every record"
            )
        seen[item.document_id] = item.origin
    return listing


def original(sources: Sequence[Source], document_id: str, content_hash: str) -> Path | None:
    """The file of a document, as it was when it was read; None where there is none, it has changed since, or a link leads out of its source."""
    for source in sources:
        prefix = f"{source.collection}/{Scope(source).name}/"
        if source.path is None or not document_id.startswith(prefix):
            continue
        path = source.path.resolve()
        root = path.parent if path.is_file() else path
        file = root / document_id.removeprefix(prefix)
        if file.is_file() and file.resolve().is_relative_to(root) and _hash(file, source.visibility) == content_hash:
            return file
    return None


def _walk(root: Path, top: Path, failed: list[FailedFile]) -> Iterator[Path]:
    """Files below top in a stable order; hidden ones and sidecars left out, links that leave the root refused."""

    def refuse(error: OSError) -> None:
        if Path(error.filename) == top:
            raise SourceError(f"the source {top} cannot be read ({error.strerror})", fix="check its permissions") from error
        failed.append(FailedFile(str(error.filename), "unreadable", f"cannot be opened ({error.strerror}); check its permissions"))

    for folder, folders, files in os.walk(top, onerror=refuse):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in [f for f in folders if (Path(folder) / f).is_symlink()]:
            folders.remove(name)
            failed.append(FailedFile(str(Path(folder) / name), "link", "a linked folder is not followed; name it as a source of its own"))
        for name in sorted(files):
            file = Path(folder) / name
            if name.startswith(".") or name.endswith((".meta.yaml", ".meta.yml")) or name.startswith("~$"):
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(root):
                failed.append(FailedFile(str(file), "link", "the link leaves the source's folder; copy the file or add its folder as a source"))
            elif file.is_file():
                yield file


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _hash(file: Path, visibility: str) -> str:
    digest = hashlib.sha256(f"reader {READER_VERSION} {visibility}".encode())
    for part in (file, sidecar_of(file)):
        if part is not None:
            with part.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
            digest.update(b"\0")
    return digest.hexdigest()


def _records(source: Source, prefix: str) -> Iterator[Item]:
    reader = _load_reader(source)
    try:
        documents: Sequence[Any] = reader.load_data(**source.load)
    except Exception as error:
        raise SourceError(f"the reader {source.reader} failed ({type(error).__name__}: {str(error)[:200]})", fix="check its arguments in corpus.sources") from error
    for document in documents:
        metadata = dict(as_json(document.metadata or {}))
        identity = document.doc_id if source.id_field == "doc_id" else metadata.get(source.id_field)
        if identity in (None, ""):
            raise SourceError(
                f"a record of {source.reader} has no {source.id_field!r}", fix=f"set id_field to one of: {', '.join(map(str, metadata)) or 'doc_id'}"
            )
        text = document.get_content()
        for own, theirs in (("title", source.title_field), ("date", source.date_field)):
            if theirs in metadata and own not in metadata:
                metadata[own] = metadata[theirs]
        dumped = json.dumps([READER_VERSION, source.visibility, text, metadata], ensure_ascii=False, sort_keys=True)
        slug = re.sub(r"\s+", " ", str(identity)).strip()
        yield Item(f"{prefix}/{slug}", str(identity), hashlib.sha256(dumped.encode("utf-8", "surrogatepass")).hexdigest(), text, metadata, is_record=True)


def _load_reader(source: Source) -> Any:
    module, _, name = source.reader.rpartition(".")
    try:
        class_ = getattr(importlib.import_module(module), name)
    except (ImportError, ValueError, AttributeError) as error:
        raise SourceError(
            f"the reader {source.reader!r} cannot be imported", fix="install its package (llama-index-readers-…) and write package.module.Class"
        ) from error
    try:
        return class_(**source.arguments)
    except Exception as error:
        raise SourceError(f"the reader {source.reader} cannot be made ({type(error).__name__}: {str(error)[:200]})", fix="check its arguments in corpus.sources") from error
