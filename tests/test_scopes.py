"""A limited assistant: what lies outside its scope is not found, listed, counted, shown, or known by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import DocumentNotFound, ScopeError
from assistant.pipeline import Assistant
from assistant.schema import Answer, Filters
from assistant.settings import Settings

PUBLIC = Filters(collections=("press",), public=True)
PRESS = """---
title: Lake Forum 2024
language: en
date: 2024-03-05
kind: forum
place: Lakeside
event_dates: [2024-03-01]
aliases:
  - [Lake Forum, Seeforum]
---

The Lake Forum opened on 1 March 2024 in Lakeside. It welcomed 250 guests.
"""
INTERNAL = """---
title: Plan for the Lake Forum 2027
language: en
date: 2025-01-02
kind: forum
place: Hilltop
event_dates: [2027-05-01]
aliases:
  - [Lake Forum, Projekt Nebel, ネーベル計画]
---

The Lake Forum moves to Hilltop on 1 May 2027. The director(主任) keeps the name Misty Garden(霧之庭園) to herself.
"""


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Assistant]:
    for name, text in {"press/lake.md": PRESS, "press/held.md": INTERNAL.replace("Hilltop", "Valley").replace("date:", "visibility: staff\ndate:", 1), "internal/plan.md": INTERNAL, "guides/guide.md": PRESS.replace("Lake Forum", "Hill Forum").replace("Seeforum", "Hügelforum")}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    sources = [{"path": tmp_path / name, "collection": name, "visibility": visibility} for name, visibility in (("press", "public"), ("guides", "public"), ("internal", "staff"))]
    settings = Settings(corpus={"sources": sources}, index={"path": tmp_path / "index"}, names={"glossary": tmp_path / "glossary.toml"}, feedback={"path": tmp_path / "feedback.sqlite"}, answering={"clock": "2026-06-01T00:00:00"}, reading={"workers": 1})
    with Assistant.open(settings) as assistant:
        assistant.ingest()
        yield assistant


def documents(answer: Answer) -> set[str]:
    return {c.document_id for c in answer.citations} | {p.chunk.document_id for p in answer.passages}


def test_only_what_is_public_and_of_its_collections_is_there(whole: Assistant) -> None:
    limited = whole.limited(PUBLIC)
    assert limited.document_ids() == ["press/press/lake.md"]
    assert {hit.chunk.document_id for hit in limited.search("Lake Forum", top_k=20)} == {"press/press/lake.md"}
    for question in ("Where does the Lake Forum move to?", "Which forums take place in 2027?", "When is the next Lake Forum?", "Was ist Projekt Nebel?", "Tell me of the Hill Forum"):
        answer = limited.ask(question)
        assert documents(answer) <= {"press/press/lake.md"}, question
        assert not [word for word in ("Hilltop", "Valley", "2027-05", "1 May 2027") if word in answer.text], question
    assert "internal/internal/plan.md" in documents(whole.ask("Where does the Lake Forum move to?"))


def test_filters_narrow_a_scope_and_never_widen_it(whole: Assistant) -> None:
    limited = whole.limited(PUBLIC)
    for filters in (Filters(collections=("internal",)), Filters(documents=("internal/internal/plan.md",)), Filters(collections=("guides", "internal"))):
        assert limited.search("Lake Forum", top_k=20, filters=filters) == []
        assert documents(limited.ask("Where does the Lake Forum move to?", filters=filters)) == set()
    assert limited.search("Lake Forum", filters=Filters(collections=("press", "internal")))


def test_names_that_only_hidden_documents_teach_are_not_known(whole: Assistant) -> None:
    # The whole assistant knows that it is the Lake Forum; for the limited one it is a word like any other.
    assert "Lake Forum" in _spellings(whole, "ネーベル計画")
    assert _spellings(whole.limited(PUBLIC), "ネーベル計画") == set()
    assert "Seeforum" in _spellings(whole.limited(PUBLIC), "Lake Forum")


def _spellings(assistant: Assistant, text: str) -> set[str]:
    with assistant._leased() as generation:
        return {spelling for name in assistant._retrieval().view(generation).names.find(text) for spelling in name.spellings}


def test_a_pair_of_the_glossary_is_known_where_its_document_is(whole: Assistant) -> None:
    suggested = [one for one in whole.suggest_names() if "霧之庭園" in one.spellings]
    assert suggested
    whole.judge_names([suggested[0].id], accept=True)
    assert "霧之庭園" in _spellings(whole, "Misty Garden")
    assert _spellings(whole.limited(PUBLIC), "Misty Garden") == set()
    staff = whole.limited(Filters())
    assert "霧之庭園" in _spellings(staff, "Misty Garden")


def test_what_it_says_of_itself_counts_its_own_documents(whole: Assistant) -> None:
    said = whole.limited(PUBLIC).ask("What do you know?").text
    assert "5 March 2024" in said
    assert "2025" not in said
    assert "2 January 2025" in whole.ask("What do you know?").text


def test_documents_are_shown_within_the_scope(whole: Assistant) -> None:
    limited = whole.limited(PUBLIC)
    document, passages = limited.shown("press/press/lake.md")
    assert "250 guests" in document.text
    assert passages
    assert limited.original("press/press/lake.md").name == "lake.md"
    for identity in ("press/press/held.md", "internal/internal/plan.md", "guides/guides/guide.md", "nothing"):
        for show in (limited.shown, limited.original):
            with pytest.raises(DocumentNotFound):
                show(identity)
    assert whole.shown("internal/internal/plan.md")[0].visibility == "staff"


def test_it_only_reads(whole: Assistant) -> None:
    limited: Any = whole.limited(PUBLIC)
    for act in (
        limited.ingest, limited.status, limited.suggest_names, limited.fingerprint, lambda: limited.delete(["press/press/lake.md"]), lambda: limited.document("internal/internal/plan.md"),
        lambda: limited.passages("internal/internal/plan.md"), lambda: limited.judge_names(["x"], accept=True),
    ):  # fmt: skip
        with pytest.raises(ScopeError):
            act()


def test_a_limited_assistants_limit_can_only_narrow(whole: Assistant) -> None:
    narrower = whole.limited(PUBLIC).limited(Filters(collections=("press", "guides", "internal")))
    assert narrower.document_ids() == ["press/press/lake.md"]
    assert whole.limited(PUBLIC).limited(Filters(collections=("guides",))).document_ids() == []
    assert whole.limited(PUBLIC).on("2024-01-01").document_ids() == ["press/press/lake.md"]
    assert whole.on("2024-01-01").limited(PUBLIC).document_ids() == ["press/press/lake.md"]


def test_how_much_may_be_shown_is_heeded(whole: Assistant, tmp_path: Path) -> None:
    for name, more in (("excerpt", "display: excerpt"), ("link", "display: link"), ("held", "embargo_until: 2030-01-01"), ("old", "expires: 2020-01-01")):
        text = PRESS.replace("kind: forum", more).replace("It welcomed", "A sentence that goes on and on. " * 20 + "It welcomed")
        (tmp_path / "press" / f"{name}2.md").write_text(text, encoding="utf-8")
    whole.ingest()
    excerpt, passages = whole.shown("press/press/excerpt2.md")
    assert excerpt.text == ""
    assert 0 < len(passages[0].text) <= 300
    link, passages = whole.shown("press/press/link2.md")
    assert link.text == "".join(passage.text for passage in passages) == ""
    for identity in ("press/press/held2.md", "press/press/old2.md"):
        with pytest.raises(DocumentNotFound):
            whole.shown(identity)
    for identity in ("press/press/excerpt2.md", "press/press/link2.md"):
        with pytest.raises(DocumentNotFound):
            whole.original(identity)


def test_before_its_embargo_ends_the_public_does_not_know_a_document_by_name(whole: Assistant, tmp_path: Path) -> None:
    text = PRESS.replace("kind: forum", "embargo_until: 2026-06-15").replace("Lake Forum", "Moor Forum").replace("Seeforum", "沼泽论坛").replace("2024-03-05", "2026-06-14")
    (tmp_path / "press" / "moor.md").write_text(text, encoding="utf-8")
    whole.ingest()
    limited = whole.limited(PUBLIC)
    assert _spellings(limited, "Moor Forum") == set()
    assert "14 June 2026" not in limited.ask("What do you know?").text
    later = limited.on("2026-06-16")
    assert "沼泽论坛" in _spellings(later, "Moor Forum")
    assert "14 June 2026" in later.ask("What do you know?").text


def test_a_changed_or_escaped_original_is_none(whole: Assistant, tmp_path: Path) -> None:
    file = tmp_path / "press" / "lake.md"
    file.write_text(PRESS + "\nNot for the public yet.\n", encoding="utf-8")
    with pytest.raises(DocumentNotFound):
        whole.original("press/press/lake.md")
    secret = tmp_path / "secret.md"
    secret.write_text(PRESS, encoding="utf-8")
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(DocumentNotFound):
        whole.original("press/press/lake.md")


_names = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True).map(tuple)
_filters = st.builds(Filters, collections=_names, languages=_names, documents=_names, public=st.booleans())


@given(_filters, _filters, st.sampled_from("abc"), st.booleans())
def test_what_passes_within_a_scope_passes_both(asked: Filters, scope: Filters, collection: str, public: bool) -> None:
    def passes(filters: Filters) -> bool:
        return (not filters.collections or collection in filters.collections) and (public or not filters.public)

    both = asked.within(scope)
    assert passes(both) == (passes(asked) and passes(scope))
    assert (both.languages, both.documents) == (asked.languages, asked.documents)


def test_a_stream_is_as_limited_as_an_answer(whole: Assistant) -> None:
    limited = whole.limited(PUBLIC)
    for question in ("Where does the Lake Forum move to?", "When is the next Lake Forum?", "Tell me of Projekt Nebel"):
        *pieces, answer = limited.stream(question)
        assert isinstance(answer, Answer)
        assert "".join(map(str, pieces)) == answer.text
        assert not [word for word in ("Hilltop", "Valley", "2027-05", "1 May 2027") if word in answer.text.replace(question, "")]
        assert documents(answer) <= {"press/press/lake.md"}


def test_a_hidden_documents_alias_finds_nothing(whole: Assistant) -> None:
    # By its staff name the whole assistant finds the forum in a document that does not have that name.
    assert "press/press/lake.md" in {c.document_id for c in whole.ask("When did ネーベル計画 open in 2024?").citations}
    assert whole.limited(PUBLIC).ask("When did ネーベル計画 open in 2024?").abstained


def test_a_day_and_a_scope_go_together(whole: Assistant, tmp_path: Path) -> None:
    (tmp_path / "press" / "later.md").write_text(PRESS.replace("kind: forum", "embargo_until: 2030-01-01").replace("Lake Forum", "Moor Forum").replace("Seeforum", "Moorforum"), encoding="utf-8")
    whole.ingest()
    for assistant in (whole.limited(PUBLIC).on("2031-01-01"), whole.on("2031-01-01").limited(PUBLIC)):
        assert assistant.shown("press/press/later.md")[0].title == "Moor Forum 2024"
        assert {hit.chunk.document_id for hit in assistant.search("forum opened", top_k=50)} == {"press/press/lake.md", "press/press/later.md"}
        with pytest.raises(DocumentNotFound):
            assistant.shown("internal/internal/plan.md")
        with pytest.raises(ScopeError):
            assistant.status()
    with pytest.raises(DocumentNotFound):
        whole.limited(PUBLIC).shown("press/press/later.md")
    # The assistant that they were made from is as it was.
    assert "internal/internal/plan.md" in whole.document_ids()
    assert whole.status()["documents"] == 5


@given(st.lists(st.sampled_from(["press", "guides", "internal", "nowhere"]), max_size=3, unique=True), st.booleans(), st.lists(st.sampled_from(["press", "guides", "internal", ""]), max_size=3, unique=True))
def test_what_is_found_is_what_passes_the_scope_and_the_filters(whole: Assistant, scope: list[str], public: bool, asked: list[str]) -> None:
    where = {"press/press/lake.md": ("press", True), "press/press/held.md": ("press", False), "internal/internal/plan.md": ("internal", False), "guides/guides/guide.md": ("guides", True)}
    passing = {identity for identity, (collection, open_to_all) in where.items() if (not scope or collection in scope) and (open_to_all or not public) and (not asked or collection in asked)}
    limited = whole.limited(Filters(collections=tuple(scope), public=public))
    filters = Filters(collections=tuple(asked))
    assert {hit.chunk.document_id for hit in limited.search("forum opened", top_k=50, filters=filters)} == passing
    assert documents(limited.ask("Which forums are there?", filters=filters)) <= passing
