"""Starts the program as people do, in a process of its own, over a small corpus that it writes. It asserts nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def corpus(folder: Path, documents: int, edition: int = 1, paragraphs: int = 4) -> None:
    """Documents whose every passage names the edition."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(documents):
        body = "\n\n".join(f"Zephyr hall {number} part {i} shows edition {edition} of its collection to visitors." for i in range(paragraphs))
        (folder / f"{number}.md").write_text(f"---\ntitle: Zephyr {number}\nlanguage: en\n---\n# Zephyr {number}\n\n{body}\n", encoding="utf-8")


def environment(index: Path, source: Path) -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(ROOT), "ASSISTANT_INDEX__PATH": str(index), "ASSISTANT_CORPUS__PATHS": json.dumps([str(source)]),
        "ASSISTANT_READING__WORKERS": "1",
    }  # fmt: skip


def start(index: Path, source: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "assistant", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(index, source), cwd=index.parent)


def run(index: Path, source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with start(index, source, *arguments) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def as_json(index: Path, source: Path, *arguments: str) -> Any:
    """What a command prints with `--json`; it must be one document, and the command must end well."""
    done = run(index, source, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
