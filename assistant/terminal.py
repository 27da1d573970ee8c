"""What every command shares: the settings that were asked for, an open assistant, JSON on stdout, progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from assistant.pipeline import Assistant
    from assistant.schema import Progress
    from assistant.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
options: dict[str, Any] = {"settings": None, "debug": False}
"""What stands before the command on the line."""


def load_settings() -> Settings:
    from assistant.settings import Settings

    path: Path | None = options["settings"]
    return Settings.load(path)


@contextmanager
def opened(llm: LLM | None = None) -> Iterator[Assistant]:
    """An open assistant; `llm` stands in for the model of the settings."""
    from assistant.pipeline import Assistant

    with Assistant.open(load_settings(), llm=llm) as assistant:
        yield assistant


def print_json(value: Any) -> None:
    from assistant.schema import as_json

    print(json.dumps(as_json(value), ensure_ascii=False, indent=2))


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """A progress bar on stderr when that is a terminal; silence otherwise."""
    if not sys.stderr.isatty():
        from assistant.schema import silent

        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    names = {"read": "Reading", "embed": "Embedding", "vectors": "Vector index", "lexical": "Lexical index", "ask": "Asking", "judge": "Judging"}
    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(names.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report
