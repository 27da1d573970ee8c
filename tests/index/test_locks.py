"""Locks between processes: one writer, many readers, and both go with their process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from assistant.errors import IndexBusy
from assistant.index.locks import SharedLock, exclusive, writer_lock

HOLD = """
import sys, time
from pathlib import Path
from assistant.index.locks import SharedLock, writer_lock
path = Path(sys.argv[2])
if sys.argv[1] == "write":
    with writer_lock(path, "assistant ingest"):
        print("held", flush=True); time.sleep(60)
    sys.exit()
lock = SharedLock(path); assert lock.acquire()
print("held", flush=True); time.sleep(60)
"""


def holder(kind: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, kind, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = holder("write", path)
    try:
        started = time.monotonic()
        with pytest.raises(IndexBusy, match=rf"assistant ingest, process {process.pid} on .+ since 20"), writer_lock(path, "other"):
            pass
        assert time.monotonic() - started < 2
    finally:
        end(process)
    with writer_lock(path, "other"):
        assert f'"pid": {os.getpid()}' in path.read_text()
    assert path.read_text() == ""


def test_a_holder_without_a_name_is_still_busy(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = holder("write", path)
    try:
        path.write_text("garbage")
        with pytest.raises(IndexBusy, match="its name is not known"), writer_lock(path, "other"):
            pass
    finally:
        end(process)


def test_a_writer_waits_for_one_that_is_just_finishing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.replace("time.sleep(60)", "time.sleep(0.5)", 1), "write", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    with writer_lock(path, "second"):
        pass
    end(process)


def test_readers_share_and_keep_a_remover_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    process = holder("read", path)
    lock = SharedLock(path)
    try:
        assert lock.acquire()
        with exclusive(path) as free:
            assert not free
        lock.release()
        with exclusive(path) as free:
            assert not free, "the other process still reads"
    finally:
        end(process)
    with exclusive(path) as free:
        assert free
        assert not SharedLock(path).acquire(), "no reader may come in while a remover works"
    assert path.exists()


def test_a_lock_file_that_has_gone_stays_gone(tmp_path: Path) -> None:
    assert not SharedLock(tmp_path / "lock").acquire()
    with exclusive(tmp_path / "lock") as free:
        assert free
    assert not (tmp_path / "lock").exists()


def test_releasing_twice_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    lock = SharedLock(tmp_path / "lock")
    assert lock.acquire()
    lock.release()
    lock.release()
    assert lock.acquire()
    lock.release()


def test_a_lock_on_a_removed_file_is_no_lease(tmp_path: Path) -> None:
    class Vanishing(type(tmp_path)):  # type: ignore[misc]
        """A path whose file is removed just after it was opened, as a folder is that another process removes."""

        def open(self, *arguments: object, **options: object) -> IO[str]:
            file = super().open(*arguments, **options)
            self.unlink()
            return file

    (tmp_path / "lock").touch()
    assert not SharedLock(Vanishing(tmp_path / "lock")).acquire()
    assert not SharedLock(tmp_path / "lock").acquire()
