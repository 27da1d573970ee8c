"""An index that cannot be written is still read, and a writer says why it stops."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.runs import as_json, corpus, environment


def unprivileged(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs without root's right to write everything."""
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if drop and shutil.which("setpriv") is None:
        pytest.skip("root writes everything, and there is no setpriv to give that up")
    return subprocess.run([*drop, sys.executable, "-m", "assistant", *command], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    index, source = tmp_path / "locked" / "index", tmp_path / "corpus"
    corpus(source, 2)
    index.parent.mkdir()
    index.parent.chmod(0o555)
    done = unprivileged("ingest", env=environment(index, source), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"error: {index} cannot be written. Fix: check its permissions\n"


@pytest.mark.parametrize("shut", ["folder", "lock"])
def test_a_read_only_index_refuses_writers_and_says_so(tmp_path: Path, shut: str) -> None:
    index, source = tmp_path / "index", tmp_path / "corpus"
    corpus(source, 2)
    as_json(index, source, "ingest")
    corpus(source, 2, edition=2)
    if shut == "lock":
        (index / "lock").chmod(0o444)
    else:
        for path in (*index.rglob("*"), index):
            path.chmod(0o555 if path.is_dir() else 0o444)
    done = unprivileged("ingest", env=environment(index, source), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
