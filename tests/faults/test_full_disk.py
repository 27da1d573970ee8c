"""A full disk: one clear line, the published index still answers, and with space again the ingest completes."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runs import ROOT, as_json, corpus, environment, run

MESSAGE = re.compile(r"error: the disk is full; nothing was published\. Fix: free some space .*\n")
FIRST, MORE = 20, 150


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid() or subprocess.run([mount, "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_the_published_index_outlives_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    index, source = small_disk / "index", tmp_path / "corpus"
    corpus(source, FIRST)
    assert len(as_json(index, source, "ingest")["added"]) == FIRST
    ballast = small_disk / "ballast"
    corpus(source, MORE, edition=2, paragraphs=8)
    # The less is free, the earlier it breaks: store, vectors, Chroma, Tantivy.
    for free_kb in (8, 1500, 3000, 4500, 6000):
        ballast.unlink(missing_ok=True)
        room = shutil.disk_usage(small_disk).free
        if room > free_kb * 1024:
            ballast.write_bytes(b"\0" * (room - free_kb * 1024))
        done = run(index, source, "ingest")
        if done.returncode == 0:
            break
        assert MESSAGE.fullmatch(done.stderr), done.stderr
        assert done.stdout == ""
        answer = as_json(index, source, "ask", "What does Zephyr hall 7 show?")
        assert "edition 1" in answer["text"]
    ballast.unlink(missing_ok=True)
    shutil.rmtree(tmp_path / "fresh", ignore_errors=True)
    assert as_json(index, source, "ingest")["passages"] == as_json(tmp_path / "fresh", source, "ingest")["passages"]
    assert "edition 2" in as_json(index, source, "ask", "What does Zephyr hall 7 show?")["text"]
    generations = [p.name for p in (index / "generations").iterdir()]
    assert len(generations) <= 2, f"failed publications left {generations}"


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from assistant.cli import main
sys.argv = ["assistant", *sys.argv[2:]]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [40, 200, 400])
def test_files_that_may_not_grow_are_a_full_disk(tmp_path: Path, kilobytes: int) -> None:
    """Needs no root: a limit on the size of files fails as a quota does."""
    index, source = tmp_path / "index", tmp_path / "corpus"
    corpus(source, 3)
    as_json(index, source, "ingest")
    corpus(source, MORE, edition=2, paragraphs=8)
    command = [sys.executable, "-c", LIMITED, str(kilobytes * 1024), "ingest"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**environment(index, source), "PYTHONPATH": str(ROOT)})
    assert done.returncode == 1
    assert MESSAGE.fullmatch(done.stderr), done.stderr
    assert "edition 1" in as_json(index, source, "ask", "What does Zephyr hall 1 show?")["text"]
    assert len(as_json(index, source, "ingest")["failed"]) == 0
    assert "edition 2" in as_json(index, source, "ask", "What does Zephyr hall 1 show?")["text"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY, "the limit was the other process's"
