"""Uploaded documents: where they may go, which names they may have, and how they come to lie there whole or not at all.

It knows sources and files; reading them is `ingest`'s business.
"""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from assistant.errors import AssistantError
from assistant.ingestion import formats
from assistant.settings import Settings, Source

_LONGEST_NAME = 200  # bytes in UTF-8; file systems take 255


class UploadRefused(AssistantError):
    """A file that is not taken. `key` names the sentence of the packs (`[manage]`) that says why, `name` the file."""

    def __init__(self, key: str, name: str) -> None:
        super().__init__(f"{name}: {key}", fix="give another file")
        self.key = key
        self.name = name


def places(settings: Settings) -> dict[str, Source]:
    """The folders that take uploads: of each collection the first."""
    found: dict[str, Source] = {}
    for source in settings.sources():
        if source.path is not None and source.path.is_dir() and os.access(source.path, os.W_OK):
            found.setdefault(source.collection, source)
    return found


def named(given: str) -> str:
    """A browser's file name as the last part of a path. Raises UploadRefused."""
    name = unicodedata.normalize("NFC", given.replace("\\", "/").rsplit("/", 1)[-1]).strip()
    if not name or name.startswith((".", "~")) or any(unicodedata.category(c)[0] == "C" or c in ':*?"<>|' for c in name) or len(name.encode()) > _LONGEST_NAME:
        raise UploadRefused("bad_name", given[:_LONGEST_NAME])
    if Path(name).suffix.lower() not in formats.FORMATS:
        raise UploadRefused("bad_type", name)
    return name


def save(folder: Path, files: Sequence[tuple[str, BinaryIO]], *, replace: bool) -> list[Path]:
    """Put the files into the folder. Each is written beside its place, flushed, and only then named; none is, where one is refused.

    Raises UploadRefused; OSError where the disk is full, with nothing left behind.
    """
    wanted = [(folder / named(given), stream) for given, stream in files]
    names = [target.name.casefold() for target, _ in wanted]
    for target, _ in wanted:
        if (target.exists() and not replace) or target.is_symlink() or target.is_dir() or names.count(target.name.casefold()) > 1:
            raise UploadRefused("exists", target.name)
    written: list[tuple[Path, Path]] = []
    try:
        for target, stream in wanted:
            handle, name = tempfile.mkstemp(prefix=".upload-", dir=folder)
            written.append((Path(name), target))
            with open(handle, "wb") as file:
                while block := stream.read(1 << 20):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            # As a file that its owner copied there.
            os.chmod(name, 0o644)
        for temporary, target in written:
            temporary.replace(target)
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
    return [target for target, _ in wanted]
