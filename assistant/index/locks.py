"""Operating-system locks: one writer per index, and readers' leases on generations.

A lock goes when its process does, however that ends. It knows nothing of what is locked.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from assistant.errors import IndexBusy

_WRITER_WAIT = 0.8


@contextmanager
def writer_lock(path: Path, doing: str) -> Iterator[None]:
    """Hold the index's one writer lock. Raises IndexBusy, naming the holder, after 0.8 seconds."""
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + _WRITER_WAIT
        while not _try(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise IndexBusy(
                    f"another process is writing to this index: {_holder(file)}", fix="wait until it has finished, or stop it"
                )
            time.sleep(0.05)
        file.seek(0)
        file.truncate()
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "doing": doing, "since": started}, file)
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()
            file.flush()


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        held = json.loads(file.read())
        return f"{held['doing']}, process {held['pid']} on {held['host']} since {held['since']}"
    except (ValueError, KeyError):
        return "its name is not known"


def _try(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class SharedLock:
    """A reader's lock on a generation; `acquire` returns False when a remover holds it or it is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        try:
            # Not "a": a lock file must not come back to life in a folder that is being removed.
            file = self._path.open("r+", encoding="utf-8")
        except FileNotFoundError:
            return False
        # Between opening and locking, the folder may have been removed: a lock on a file that is gone protects nothing.
        if not _try(file, fcntl.LOCK_SH) or not os.fstat(file.fileno()).st_nlink:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """True inside when no reader holds the lock; it is held for the block's length. A missing file counts as free."""
    if not path.exists():
        yield True
        return
    with path.open("r+", encoding="utf-8") as file:
        yield _try(file, fcntl.LOCK_EX)
