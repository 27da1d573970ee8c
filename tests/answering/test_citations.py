"""Verified citations: nothing is quoted that does not stand in its document."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.citations import cite, is_valid
from assistant.errors import IndexBroken
from assistant.ingestion.chunking import chunk
from assistant.schema import Chunk, Document
from tests.answering.shelf import DOCUMENTS, ask, passages_of

LAKE = DOCUMENTS[0]


def test_a_citation_carries_what_a_reader_needs() -> None:
    passage = dataclasses.replace(passages_of([LAKE])[0], page=3, heading="Programme › Day one")
    start = passage.text.index("It expects")
    end = passage.text.index(" The Lake Health Forum is")
    citation = cite(2, passage, start, end, LAKE)
    assert citation.quote == "It expects 450 delegates from 12 countries."
    assert LAKE.text[citation.start : citation.end] == citation.quote
    assert citation.quote in citation.passage == passage.text
    assert (citation.number, citation.page, citation.heading) == (2, 3, "Programme › Day one")
    assert (citation.document_id, citation.title, citation.source, citation.language, citation.date) == (LAKE.id, LAKE.title, LAKE.source, "en", LAKE.date)
    assert is_valid(citation, LAKE)


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "The forum opens on 10 December 2024."},
        {"quote": ""},
        {"start": 1},
        {"end": 3},
        {"start": 10**6, "end": 10**6 + 5},
        {"passage": "Another passage."},
    ],
)
def test_a_changed_citation_is_not_valid(change: dict[str, object]) -> None:
    passage = passages_of([LAKE])[0]
    citation = cite(1, passage, 0, 68, LAKE)
    assert is_valid(citation, LAKE)
    assert not is_valid(dataclasses.replace(citation, **change), LAKE)


@pytest.mark.parametrize("text", ["", "Another text altogether.", LAKE.text[1:], LAKE.text.upper(), LAKE.text.replace("9 December", "8 December")])
def test_a_document_that_has_changed_is_an_error_with_its_fix(text: str) -> None:
    passage = passages_of([LAKE])[0]
    with pytest.raises(IndexBroken, match=r"default/shelf/lake\.md") as caught:
        cite(1, passage, 0, 40, dataclasses.replace(LAKE, text=text))
    assert "rebuild" in caught.value.fix


@pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 5), (9, 3), (10**6, 10**6 + 1)])
def test_an_empty_quote_is_none(start: int, end: int) -> None:
    with pytest.raises(IndexBroken):
        cite(1, passages_of([LAKE])[0], start, end, LAKE)


@given(st.text(min_size=1, max_size=200), st.data())
def test_a_citation_is_its_documents_text_or_an_error(text: str, data: st.DataObject) -> None:
    document = Document("c/s/a", text, "A title", "en")
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    passage = Chunk("c/s/a#0", "c/s/a", text[start:end], start, end)
    first, last = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text) + 2))
    try:
        citation = cite(1, passage, first, last, document)
    except IndexBroken:
        assert not passage.text[first:last] or last > len(passage.text)
    else:
        assert document.text[citation.start : citation.end] == citation.quote == passage.text[first:last] != ""
        assert citation.quote in citation.passage


QUESTIONS = st.sampled_from(
    [
        "When does the Lake Health Forum open?", "How many delegates does the Lake Health Forum expect?", "What are the goals of the Lake Health Forum?", "Who organises the Lake Health Forum?",
        "Why was the forum founded?", "Wann beginnt das Seeforum?", "Was kostet die Anmeldung?", "湖畔健康论坛何时开幕？", "论坛的目标是什么？", "レイクヘルスフォーラムはいつ開幕しますか", "What is the budget of the Copper Cluster?",
        "Where is the moon?", "forum", "450", "?", "疫苗",
    ]
)  # fmt: skip
EXTRA = st.lists(
    st.sampled_from(
        [
            "The Lake Health Forum opens on 8 December 2025.", "Goals:\n- share data\n- train staff", "湖畔健康论坛的目标是什么？", "Das Seeforum kostet 20 Euro, z. B. für alle.", "450 delegates!",
            "Vaccines … vaccines", "“The forum is free.” So they said.", "\n\n", "「はい。」と答えた。", "e\u0301 vaccine", "| a | b |", "🙂 forum",
        ]
    ),
    max_size=8,
)  # fmt: skip


@given(QUESTIONS, EXTRA, st.sampled_from(["en", "de", "zh", "ja"]), st.integers(16, 80))
def test_every_citation_of_an_answer_stands_in_its_document(question: str, extra: list[str], language: str, size: int) -> None:
    made = Document("default/shelf/made.md", " ".join(extra).strip(), "Made for the Lake Health Forum", language)
    documents = [*DOCUMENTS, made]
    assert all(made.text[c.start : c.end] == c.text for c in chunk(made, size, 0))
    answer = ask(question, documents)
    by_id = {item.id: item for item in documents}
    for citation in answer.citations:
        assert is_valid(citation, by_id[citation.document_id])
        assert by_id[citation.document_id].text[citation.start : citation.end] == citation.quote
        assert f"{citation.quote} [{citation.number}]" in answer.text
    assert [c.number for c in answer.citations] == list(range(1, len(answer.citations) + 1))
    numbers = {c.number for c in answer.citations}
    assert all(s.citations and set(s.citations) <= numbers for s in answer.statements)
    assert {n for s in answer.statements for n in s.citations} == numbers
    assert answer.abstained == (not answer.citations) == (answer.mode == "abstained")
