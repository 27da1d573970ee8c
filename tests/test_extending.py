"""The recipes of docs/extending.md, run as they stand there."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from assistant import Settings
from assistant.answering.models import load_llm

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def block(language: str, label: str) -> str:
    found = [text for kind, name, text in _BLOCK.findall(PAGE) if kind == language and name == label]
    assert len(found) == 1, f"one {language} block {label} is expected in docs/extending.md"
    return found[0]


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_format_of_ones_own_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "our_formats.py").write_text(block("python", "file=our_formats.py"), encoding="utf-8")
    (tmp_path / "assistant.toml").write_text(block("toml", "file=assistant.toml"), encoding="utf-8")
    (tmp_path / "talks").mkdir()
    (tmp_path / "talks" / "opening.srt").write_text("1\n00:00:01 --> 00:00:04\nThe registry opened on 3 May 2023.\n", encoding="utf-8")
    (tmp_path / "talks" / "silent.srt").write_text("1\n00:00:01 --> 00:00:04\n", encoding="utf-8")
    done = command(tmp_path, "ingest")
    assert done.returncode == 1
    assert "silent.srt: there are no spoken lines in it" in done.stderr
    answered = command(tmp_path, "ask", "When was the registry opened?")
    assert "The registry opened on 3 May 2023. [1]" in answered.stdout, answered.stdout + answered.stderr


def test_a_connector_adds_nothing_anew_the_next_night(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "events.db") as db:
        db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, title TEXT, held_on TEXT, body TEXT)")
        db.execute("INSERT INTO events VALUES (7, 'Harbour symposium', '2024-06-02', 'The harbour symposium gathered 80 guests.')")
    db.close()
    (tmp_path / "connector.toml").write_text(block("toml", "file=connector.toml"), encoding="utf-8")
    first = command(tmp_path, "--settings", "connector.toml", "ingest")
    assert "1 added" in first.stdout, first.stdout + first.stderr
    second = command(tmp_path, "--settings", "connector.toml", "ingest")
    assert "1 unchanged" in second.stdout
    answered = command(tmp_path, "--settings", "connector.toml", "ask", "How many guests did the harbour symposium gather?")
    assert "80 guests" in answered.stdout


def test_an_encoder_of_ones_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "forum.txt").write_text("The harbour forum opens on 9 June 2025.\n", encoding="utf-8")
    exec(compile(block("python", "run"), "docs/extending.md", "exec"), {})
    assert "9 June 2025" in capsys.readouterr().out


def test_a_language_model_is_set_up_as_described(tmp_path: Path) -> None:
    (tmp_path / "llm.toml").write_text(block("toml", "file=llm.toml"), encoding="utf-8")
    settings = Settings.load(tmp_path / "llm.toml")
    assert load_llm(settings.llm).metadata.model_name == settings.llm.model


def test_a_new_language_is_told_what_it_lacks(tmp_path: Path) -> None:
    line = block("console", "run").strip().removeprefix("$ assistant ")
    done = command(tmp_path, *line.split())
    assert done.returncode == 1
    assert "there is no language pack for nl" in done.stdout
    assert "questions.date" in done.stdout


def test_a_glossary_entry_widens_the_search(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_text('[corpus]\npaths = ["notes"]\n', encoding="utf-8")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "ja.md").write_text("---\nlanguage: ja\n---\nロートフェルト研究所は2019年に設立された。\n", encoding="utf-8")
    for number in range(9):
        (tmp_path / "notes" / f"{number}.md").write_text(f"---\nlanguage: en\n---\nThe institute in room {number} was founded long ago.\n", encoding="utf-8")
    assert command(tmp_path, "ingest").returncode == 0
    (tmp_path / "glossary.toml").write_text(block("toml", "file=glossary.toml"), encoding="utf-8")
    assert "Rotfeld Institute = ロートフェルト研究所" in command(tmp_path, "names", "list").stdout
    found = command(tmp_path, "search", "Rotfeld Institute", "--top-k", "1")
    assert "ロートフェルト研究所は2019年" in found.stdout, found.stdout + found.stderr
