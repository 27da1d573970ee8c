"""Drafts: from feedback and from the command line, completed, taken into the set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from assistant import Assistant
from assistant.cli import app
from assistant.errors import EvaluationError
from assistant.evaluation import drafts
from assistant.evaluation.sets import load
from assistant.feedback import Feedback, Span
from tests.evaluation.test_runs import ASK, assistant, place

__all__ = ["assistant", "place"]  # fixtures


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output + (f"{done.exception}" if done.exception else "")


def test_a_draft_is_completed_and_taken_into_the_set(assistant: Assistant, place: Path) -> None:
    status, text = run(
        "eval", "add", "How many guests are expected at the Harbour Forum?", "--kind", "number", "--document", "forums/harbour.en.md", "--span", "About 1,500 guests are expected.", "--number", "1500"
    )
    assert (status, "1 drafts added" in text) == (0, True)
    path = place / "evals" / "drafts" / "forums.yaml"
    (entry,) = yaml.safe_load(path.read_text("utf-8"))
    assert entry["subject"] == "harbour"
    status, text = run("eval", "add", "--complete")
    assert "0 drafts taken" in text
    assert "lacks: the question in de; the question in ja" in text
    entry["ask"] = {language: f"{question} 1500?" for language, question in ASK.items()}
    path.write_text(yaml.safe_dump([entry | {"gold": [{"document": "forums/harbour.en.md", "span": "About 15,000 guests"}]}], allow_unicode=True), "utf-8")
    assert "its span stands 0 times" in run("eval", "add", "--complete")[1]
    path.write_text(yaml.safe_dump([entry], allow_unicode=True), "utf-8")
    status, text = run("eval", "add", "--complete", "--json")
    assert json.loads(text) == {"ids": [entry["id"]], "lacking": {}}
    assert path.read_text("utf-8") == ""
    assert {item.id for item in load(place / "evals" / "forums")} == {"harbour-opening", "harbour-fee", entry["id"]}
    assert run("eval", "check")[0] == 0


@pytest.mark.slow
def test_what_people_said_becomes_drafts_once(assistant: Assistant, place: Path) -> None:
    praised = assistant.ask("When does the Harbour Forum open?")
    assistant.feedback.give(praised, "up")
    assistant.feedback.give(assistant.ask("What is the fee of the Harbour Forum?"), "down", reason="refused", comment="it is free")
    status, text = run("eval", "add", "--from-feedback")
    assert (status, "2 drafts added" in text) == (0, True)
    entries = {entry["ask"]["en"]: entry for entry in yaml.safe_load((place / "evals" / "drafts" / "forums.yaml").read_text("utf-8"))}
    good, bad = entries["When does the Harbour Forum open?"], entries["What is the fee of the Harbour Forum?"]
    assert good["gold"][0] == {"document": "forums/harbour.en.md", "span": praised.citations[0].quote}
    assert bad["gold"] == []
    assert "refused" in bad["note"]
    assert "it is free" in bad["note"]
    assert "0 drafts added" in run("eval", "add", "--from-feedback")[1]


def test_feedback_in_other_languages_and_on_lost_documents() -> None:
    words = [
        Feedback("a", "2026-01-01T00:00:00+00:00", "Когда?", "ru", "extractive", "down"),
        Feedback("b", "2026-01-01T00:00:00+00:00", "Wann?", "de", "extractive", "up", citations=(Span("c/s/gone.md", 0, 4),)),
    ]
    (made,) = drafts.from_feedback(words, lambda name: None, lambda document: document.split("/", 2)[-1])
    assert (made["ask"]["de"], made["gold"], made["subject"]) == ("Wann?", [], "open")


def test_wrong_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "give a question, or --from-feedback" in run("eval", "add")[1]
    assert "belong together" in run("eval", "add", "When?", "--span", "x")[1]
    assert "there is no kind" in run("eval", "add", "When?", "--kind", "odd")[1]
    assert "not asked in 'xx'" in run("eval", "add", "When?", "--language", "xx")[1]
    (tmp_path / "x.yaml").write_text("- 3\n", "utf-8")
    with pytest.raises(EvaluationError, match="no draft"):
        drafts.read(tmp_path / "x.yaml")
