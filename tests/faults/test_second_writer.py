"""A second writer ends within two seconds and says who writes; readers are not disturbed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assistant.errors import IndexBusy
from assistant.index.locks import writer_lock
from assistant.pipeline import Assistant
from tests.faults.runs import as_json, corpus, run


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["ingest"], ["delete", "default/corpus/1.md"]])
def test_a_second_writer_names_the_first(tmp_path: Path, arguments: list[str]) -> None:
    index, source = tmp_path / "index", tmp_path / "corpus"
    corpus(source, 3)
    as_json(index, source, "ingest")
    with writer_lock(index / "lock", "assistant ingest"):
        started = time.monotonic()
        run(index, source, "--help")
        cost = time.monotonic() - started
        started = time.monotonic()
        done = run(index, source, *arguments)
        # Two seconds on a quiet machine; a loaded one may take longer to start the process than --help did.
        assert time.monotonic() - started - cost < 4
        assert done.returncode == 1
        assert done.stderr.startswith("error: another process is writing to this index: assistant ingest, process ")
        assert done.stderr.count("\n") == 1
        assert "Fix: " in done.stderr
        assert done.stdout == ""
        assert as_json(index, source, "ask", "What does Zephyr hall 1 show?")["citations"], "readers go on"
    assert run(index, source, *arguments).returncode == 0


def test_in_one_process_too_there_is_one_writer(assistant: Assistant, corpus: Path) -> None:
    with writer_lock_of(assistant), pytest.raises(IndexBusy, match="process"):
        assistant.ingest()


def writer_lock_of(assistant: Assistant):  # type: ignore[no-untyped-def]
    folder = assistant.settings.index.path
    folder.mkdir()
    return writer_lock(folder / "lock", "assistant ingest")
