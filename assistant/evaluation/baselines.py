"""What a figure has to stand beside: the same questions by BM25 alone, by vectors alone, with an encoder without weights, and never answered.

It knows settings and runs; nothing of metrics.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assistant.evaluation import runs
from assistant.evaluation.runs import Asked, Result, Run
from assistant.evaluation.scoring import Score
from assistant.files import write_whole
from assistant.schema import Progress, silent
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.pipeline import Assistant

SUFFIX = ".jsonl.gz"
NEVER = "always abstains"
_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "BM25 only": {"dense_weight": 0.0, "late_weight": 0.0, "lexical_weight": 1.0},
    "dense only": {"dense_weight": 1.0, "late_weight": 0.0, "lexical_weight": 0.0},
}
_HASHED = "hashed encoder"
NAMES = (*_WEIGHTS, _HASHED)


def execute(assistant: Assistant, questions: Sequence[Asked], folder: Path, *, workers: int = 2, progress: Progress = silent) -> list[Path]:
    """Put the questions to every baseline over the assistant's corpus; one compressed run each in `folder`, replaced as a whole."""
    settings = assistant.settings
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with TemporaryDirectory() as temporary:
        for name in NAMES:
            with ExitStack() as stack:
                other = stack.enter_context(_opened(assistant, settings, name, Path(temporary)))
                out = Path(temporary) / "run.jsonl"
                out.unlink(missing_ok=True)
                runs.execute(other, questions, out, workers=workers, progress=progress)
            made.append(keep(out, _path(folder, name)))
    return made


def _opened(assistant: Assistant, settings: Settings, name: str, temporary: Path) -> Assistant:
    kind = type(assistant)
    if name in _WEIGHTS:
        return kind.open(settings.model_copy(update={"retrieval": settings.retrieval.model_copy(update=dict(_WEIGHTS[name]))}))
    hashed = settings.model_copy(
        update={"embedding": settings.embedding.model_copy(update={"model": "hashed"}), "index": settings.index.model_copy(update={"path": temporary / "index"})}
    )
    other = kind.open(hashed)
    other.ingest()
    return other


def keep(run: Path, to: Path) -> Path:
    """A run's file compressed, the same bytes for the same run."""
    write_whole(to, gzip.compress(run.read_bytes(), mtime=0))
    return to


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(' ', '-')}{SUFFIX}"


def read(folder: Path) -> dict[str, Run]:
    """The baselines' runs in a folder by name, as far as they are there."""
    return {name: runs.read(path) for name in NAMES if (path := _path(folder, name)).is_file()}


def never(run: Run) -> Run:
    """The run as it would be if every question were refused."""
    return Run(run.header, tuple(replace(r, citations=(), text="", mode="abstained", confidence=None, score=refused(r)) for r in run.results))


def refused(result: Result) -> Score:
    """The score of a refusal of this question; the search has nothing to do with it."""
    old = result.score
    nothing = None if old.vital is None else 0.0
    return replace(
        old, answered=False, found={}, vital=nothing, okay=None if old.okay is None else 0.0, cited=0, valid=0, precise=0, gold_cited=None, language_kept=None,
        both_values=None, wrong=("abstained",) if result.answerable else (),
    )  # fmt: skip
