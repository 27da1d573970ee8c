"""Worker processes: whatever a parser does, its own file is all that fails, and the pool goes on."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import AssistantError, ReadError
from assistant.ingestion import formats
from assistant.ingestion.reading import Block, Limits, RawDocument, Reading
from assistant.ingestion.workers import ReaderPool
from tests import files

HERE = f"{__name__}:"
LIMITS = Limits(seconds=20)


# --- tasks that workers run ----------------------------------------------------------------------------------------


def behave(payload: Any, limits: Limits) -> Any:
    """Does what its payload says, as parsers do."""
    if payload == "hang":
        while True:
            pass
    if payload == "hang in C":
        import re

        re.match(r"(a+)+$", "a" * 40 + "b")
    if payload == "sleep":
        time.sleep(60)
    if payload == "memory":
        return len([b"x" * 1024 * 1024 for _ in range(4000)])
    if payload == "exit":
        os._exit(7)
    if payload == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if payload == "raise":
        raise KeyError("a path that must not be told")
    if payload == "system exit":
        sys.exit(0)
    if payload == "recurse":
        return behave(payload, limits)
    if payload == "refuse":
        raise ReadError("none of it", reason="no-text", fix="OCR")
    if payload == "unpicklable":
        return lambda: None
    if payload == "chatty":
        print("noise " * 10_000, flush=True)
        os.write(1, b"more noise" * 10_000)
        return sys.stdin.read() if sys.stdin else ""
    if payload == "pid":
        time.sleep(0.05)
        return os.getpid()
    return payload


def own_format(path: Path, limits: Limits) -> Reading:
    return Reading([Block(path.read_text().upper())])


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(LIMITS, size=2, task=f"{HERE}behave") as pool:
        yield pool


def run(pool: ReaderPool, *payloads: Any) -> dict[Any, Any]:
    return dict(pool.run(payloads))


# --- one at a time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "reason", "says"),
    [
        ("exit", "crashed", "exit status 7"),
        ("segfault", "crashed", "signal 11"),
        ("raise", "broken", "KeyError"),
        ("system exit", "broken", "SystemExit"),
        ("recurse", "broken", "RecursionError"),
        ("refuse", "no-text", "none of it"),
        ("unpicklable", "broken", ""),
        pytest.param(
            "memory", "memory", "512 MB", marks=pytest.mark.skipif(sys.platform != "linux", reason="no RLIMIT_AS")
        ),
    ],
)
def test_a_failure_is_a_result_and_the_next_payload_is_served(
    pool: ReaderPool, payload: str, reason: str, says: str
) -> None:
    results = run(pool, "before", payload, "after")
    assert results["before"] == "before"
    assert results["after"] == "after"
    error = results[payload]
    assert isinstance(error, ReadError)
    assert error.reason == reason
    assert error.fix
    assert says in error.message
    assert "must not be told" not in str(error)


@pytest.mark.parametrize("payload", ["hang", "hang in C", "sleep"])
def test_what_takes_too_long_is_ended(payload: str) -> None:
    with ReaderPool(Limits(seconds=0.6), size=1, task=f"{HERE}behave") as pool:
        results = run(pool, payload, "after")
    assert results[payload].reason == "timeout"
    assert results["after"] == "after"


def test_output_of_a_parser_spoils_nothing(pool: ReaderPool) -> None:
    assert run(pool, "chatty", "after") == {"chatty": "", "after": "after"}


def test_large_payloads_and_results_pass(pool: ReaderPool) -> None:
    large = "語" * 3_000_000
    assert run(pool, large) == {large: large}


# --- the pool ------------------------------------------------------------------------------------------------------


def test_workers_start_when_needed_and_stay(pool: ReaderPool) -> None:
    with ReaderPool(LIMITS, size=3, task=f"{HERE}behave") as pool:
        assert not pool._workers
        first = list(pool.run(["pid"]))
        assert len(pool._workers) == 1
        assert list(pool.run(["pid"])) == first
        pids = {pid for _, pid in pool.run(["pid"] * 12)}
        assert 1 < len(pids) <= 3


def test_closing_ends_the_workers_whatever_they_do() -> None:
    pool = ReaderPool(Limits(seconds=60), size=2, task=f"{HERE}behave")
    pid = next(pid for _, pid in pool.run(["pid"]))
    stuck = pool.run(["early", "hang", "hang"])
    assert next(stuck) == ("early", "early")
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(AssistantError, match="closed"):
        next(stuck)
    with pytest.raises(AssistantError, match="closed"):
        run(pool, "late")
    pool.close()


def test_payloads_are_taken_only_a_little_in_advance(pool: ReaderPool) -> None:
    taken = 0

    def payloads() -> Iterator[int]:
        nonlocal taken
        while taken < 1000:
            taken += 1
            yield taken

    results = pool.run(payloads())
    assert isinstance(next(results)[1], int)
    assert taken <= 2 * pool.size + 1
    results.close()
    assert run(pool, "next") == {"next": "next"}


def test_a_dead_idle_worker_is_replaced(pool: ReaderPool) -> None:
    with ReaderPool(LIMITS, size=1, task=f"{HERE}behave") as pool:
        pid = run(pool, "pid")["pid"]
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        assert run(pool, "pid")["pid"] not in (pid, None)


def test_an_error_of_the_caller_is_raised(pool: ReaderPool) -> None:
    def payloads() -> Iterator[str]:
        yield "fine"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(pool.run(payloads()))
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        list(pool.run([lambda: None]))


def test_a_task_that_cannot_be_loaded_is_an_error() -> None:
    with (
        ReaderPool(LIMITS, size=1, task="assistant.no_such:task") as pool,
        pytest.raises(AssistantError, match="no_such"),
    ):
        list(pool.run(["x"]))


def test_many_small_files_in_a_row(tmp_path: Path) -> None:
    paths = [files.text(tmp_path / f"{i}.md", f"# Title {i}\n\nText {i}.") for i in range(500)]
    with ReaderPool(LIMITS, size=2) as pool:
        results = dict(pool.read(paths))
        assert len(pool._workers) <= 2
    assert set(results) == set(paths)
    for i, path in enumerate(paths):
        document = results[path]
        assert isinstance(document, RawDocument)
        assert document.text == f"Title {i}\n\nText {i}."


def test_every_kind_of_file_within_the_default_limits(tmp_path: Path) -> None:
    paths = [
        files.text(tmp_path / "a.html", "<p>Text."),
        files.pdf(tmp_path / "a.pdf", [["Text."]]),
        files.docx(tmp_path / "a.docx", [("", "Text.")]),
        files.pptx(tmp_path / "a.pptx", [{"body": "Text."}]),
        files.xlsx(tmp_path / "a.xlsx", {"A": [["Text."]]}),
        files.text(tmp_path / "a.txt", "Text „ä“.", "cp1252"),
        files.text(tmp_path / "b.txt", ""),
        files.pdf_bomb(tmp_path / "b.pdf", megabytes=30),
    ]
    with ReaderPool(Limits(), size=1) as pool:
        results = {path.name: result for path, result in pool.read(paths)}
    for name in ("a.html", "a.pdf", "a.docx", "a.pptx", "a.xlsx", "a.txt"):
        assert "Text" in results[name].text
    assert results["b.txt"].reason == "empty"
    assert isinstance(results["b.pdf"], ReadError)


def test_registered_formats_reach_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    formats.register(".own", own_format)
    path = files.text(tmp_path / "a.own", "text")
    with ReaderPool(LIMITS, size=1) as pool:
        assert [result.text for _, result in pool.read([path])] == ["TEXT"]


# --- the caller's circumstances ------------------------------------------------------------------------------------

SCRIPT = """
from pathlib import Path
from assistant.ingestion.reading import Limits
from assistant.ingestion.workers import ReaderPool
with ReaderPool(Limits(), size=1) as pool:
    print([result.text for _, result in pool.read([Path({path!r})])])
"""


def test_a_script_on_standard_input_without_a_guard_may_use_the_pool(tmp_path: Path) -> None:
    path = files.text(tmp_path / "a.txt", "Text.")
    # A module of the folder one happens to be in must not be imported in place of the standard library's.
    files.text(tmp_path / "pickle.py", "raise SystemExit('hijacked')")
    code = SCRIPT.format(path=str(path))
    root = Path(formats.__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60
    )
    assert done.stdout.strip() == "['Text.']", done.stderr


ORPHAN = """
import sys, threading, time
from assistant.ingestion.reading import Limits
from assistant.ingestion.workers import ReaderPool
pool = ReaderPool(Limits(seconds=1), size=2, task={task!r})
for _, pid in pool.run(["pid", "pid"]):
    print(pid, flush=True)
threading.Thread(target=lambda: list(pool.run([{payload!r}])), daemon=True).start()
time.sleep(0.3)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("payload", ["next", "hang"])
def test_workers_die_with_their_parent(payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    code = ORPHAN.format(task=f"{HERE}behave", payload=payload)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline()) for _ in range(2)}
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
    deadline = time.monotonic() + 20
    while pids and time.monotonic() < deadline:
        pids = {pid for pid in pids if _runs(pid)}
        time.sleep(0.1)
    assert not pids


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text() if Path("/proc").is_dir() else True
    except (ProcessLookupError, FileNotFoundError):
        return False
