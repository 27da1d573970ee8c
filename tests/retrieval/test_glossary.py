"""The glossary file: what is read, what is refused, and that adding loses nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import NameNotFound, SettingsError
from assistant.language.lexical import fold
from assistant.pipeline import Assistant
from assistant.retrieval.glossary import Glossary, add
from assistant.settings import Settings

SPELLING = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=30).filter(lambda s: bool(fold(s).strip()) and bool(s.strip()))


def test_a_missing_file_is_an_empty_glossary(tmp_path: Path) -> None:
    assert Glossary.read(tmp_path / "none.toml") == Glossary()


@given(st.lists(SPELLING, min_size=2, max_size=4, unique_by=lambda s: " ".join(fold(s).split())), st.text(max_size=20))
def test_what_is_added_is_read_back(tmp_path_factory: pytest.TempPathFactory, group: list[str], seen_in: str) -> None:
    path = tmp_path_factory.mktemp("glossary") / "deeper" / "glossary.toml"
    assert add(path, "names", group, seen_in=seen_in.encode("utf-8", "replace").decode(), today=dt.date(2026, 1, 2))
    assert Glossary.read(path).groups == (tuple(group),)
    assert not add(path, "names", group[::-1]), "it has the group already"


def test_adding_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    path = tmp_path / "glossary.toml"
    written = '# checked by the press office\n[[names]]\nspellings = ["Changping", "昌平"]  # district'
    path.write_text(written, "utf-8")
    assert add(path, "names", ["Qiantan", "前滩"])
    assert add(path, "ignored", ["Forum", "フォーラム"])
    assert path.read_text("utf-8").startswith(written)
    found = Glossary.read(path)
    assert found.groups == (("Changping", "昌平"), ("Qiantan", "前滩"))
    assert found.ignored == (("Forum", "フォーラム"),)
    assert found.holds(["ＣＨＡＮＧＰＩＮＧ", "昌平"])
    assert not found.holds(["Changping"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("names = 3", "entry 1"),
        ("[[names]]\nspellings = ['one']", "two spellings"),
        ("[[names]]\nspellings = ['a', 'b']\n[[names]]\nspelling = ['c', 'd']", "entry 2"),
        ("[[names]]\nspellings = ['Same', 'SAME']", "two spellings"),
        ("[[names]]\nspellings = ['a', 3]", "entry 1"),
        ("[[nmaes]]\nspellings = ['a', 'b']", "nmaes"),
        ("[[names", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "glossary.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        Glossary.read(path)
    assert caught.value.fix
    with pytest.raises(SettingsError):
        add(path, "names", ["a", "b"])
    assert path.read_text("utf-8") == text


class TestThroughTheAssistant:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        corpus = tmp_path / "corpus"
        corpus.mkdir()
        (corpus / "park.md").write_text("---\ntitle: Parks\nlanguage: en\n---\nThe park lies in Future Science City(未来科学城), north of the ring road.\n", "utf-8")
        (corpus / "zh.md").write_text("---\ntitle: 园区\nlanguage: zh\n---\n未来科学城的西区设有三家研究院。\n", "utf-8")
        for number in range(12):
            (corpus / f"{number}.md").write_text(f"---\ntitle: Note {number}\nlanguage: zh\n---\n第{number}号通知：会议室在二楼，请提前十分钟到场。\n", "utf-8")
        return Settings(corpus={"paths": [corpus]}, index={"path": tmp_path / "index"}, names={"glossary": tmp_path / "glossary.toml"})

    def test_a_suggestion_is_accepted_and_widens_the_next_search(self, settings: Settings) -> None:
        with Assistant.open(settings) as assistant:
            assistant.ingest()
            (suggestion,) = assistant.suggest_names()
            assert set(suggestion.spellings) == {"Future Science City", "未来科学城"}
            assert suggestion.seen_in.endswith("park.md")
            assert "未来科学城" in suggestion.context
            question = "Which institutes are in Future Science City?"
            before = assistant.ask(question)
            assert assistant.judge_names([suggestion.id], accept=True) == [suggestion]
            assert assistant.suggest_names() == []
            assert Glossary.read(settings.names.glossary).groups == (suggestion.spellings,)
            hits = assistant.search(question, top_k=2)
            assert {hit.chunk.document_id.rsplit("/", 1)[-1] for hit in hits} == {"park.md", "zh.md"}, before

    def test_an_ignored_suggestion_stays_away(self, settings: Settings) -> None:
        with Assistant.open(settings) as assistant:
            assistant.ingest()
            (suggestion,) = assistant.suggest_names()
            assistant.judge_names([suggestion.id], accept=False)
            assert assistant.suggest_names() == []
            assert Glossary.read(settings.names.glossary).groups == ()

    def test_an_unknown_id_writes_nothing(self, settings: Settings) -> None:
        with Assistant.open(settings) as assistant:
            assistant.ingest()
            (suggestion,) = assistant.suggest_names()
            with pytest.raises(NameNotFound, match="ffffffff"):
                assistant.judge_names([suggestion.id, "ffffffff"], accept=True)
        assert not settings.names.glossary.exists()
