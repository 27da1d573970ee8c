"""Baselines over a real index: each is another search, kept whole, and stands beside the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import Assistant
from assistant.cli import app
from assistant.evaluation import baselines, report, runs
from tests.evaluation.test_runs import assistant, place, questions

__all__ = ["assistant", "place"]  # fixtures


@pytest.mark.slow
def test_baselines_are_run_kept_and_shown_beside(assistant: Assistant, place: Path) -> None:
    done = CliRunner().invoke(app, ["eval", "baselines"])
    assert done.exit_code == 0, done.output
    held = baselines.read(place / "evals" / "baselines")
    assert tuple(held) == baselines.NAMES
    settings = {name: run.header["settings"] for name, run in held.items()}
    assert settings["BM25 only"]["retrieval"]["dense_weight"] == 0
    assert settings["dense only"]["retrieval"]["lexical_weight"] == 0
    assert settings["hashed encoder"]["embedding"]["model"] == "hashed"
    run = runs.execute(assistant, questions(place), place / "run.jsonl")
    found = report.summary(run, beside=held | {baselines.NEVER: baselines.never(run)})
    assert found.beside["dense only"]["success@5, same language"]["all"] == 1
    assert found.beside[baselines.NEVER]["abstains when it should"]["all"] == 1
    assert "in braces: BM25 only, dense only, hashed encoder, always abstains" in report.as_text(found)


def test_a_run_is_kept_as_the_same_bytes(assistant: Assistant, place: Path) -> None:
    run = runs.execute(assistant, questions(place), place / "run.jsonl")
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        assert CliRunner().invoke(app, ["eval", "keep", "run.jsonl", name]).exit_code == 0
    assert (place / "a.jsonl.gz").read_bytes() == (place / "b.jsonl.gz").read_bytes()
    assert runs.read(place / "a.jsonl.gz") == run
