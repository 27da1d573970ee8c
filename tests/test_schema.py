"""The nouns: frozen, plain JSON field for field, and filters that cannot be given one string by mistake."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import schema
from assistant.schema import (
    Answer,
    Chunk,
    Citation,
    Document,
    FailedFile,
    Filters,
    IngestReport,
    ScoredChunk,
    Statement,
    as_json,
)

NOUNS = sorted((c for c in vars(schema).values() if dataclasses.is_dataclass(c)), key=lambda c: c.__name__)
CHUNK = Chunk("default/a/b.md#0", "default/a/b.md", "昌平のフォーラム", 0, 8, language="ja")


@pytest.mark.parametrize("noun", NOUNS)
def test_nouns_are_frozen_and_slotted(noun: type) -> None:
    assert noun.__dataclass_params__.frozen
    assert "__slots__" in vars(noun)
    assert noun.__doc__
    assert not noun.__doc__.startswith(f"{noun.__name__}(")


# Tests outside the repository rely on these names (design.md, section 4): fields may be added, none may go.
CONTRACT = {
    "Document": "id text title language source date collection metadata aliases content_hash",
    "Chunk": "id document_id text start end heading page language",
    "ScoredChunk": "chunk score rank found_by",
    "Citation": "number document_id title source language quote start end passage page heading",
    "Statement": "text citations supported",
    "Answer": "question text language mode abstained statements citations passages timings_ms notes",
    "Message": "role text",
    "Filters": "collections languages documents date_from date_to",
    "IngestReport": "added updated unchanged deleted failed",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_fields_of_the_contract_are_there(name: str) -> None:
    fields = [f.name for f in dataclasses.fields(getattr(schema, name))]
    assert [f for f in fields if f in CONTRACT[name].split()] == CONTRACT[name].split()


def test_json_has_every_field_and_nothing_else() -> None:
    citation = Citation(1, "d", "T", "", "ja", "昌平", 0, 2, "昌平の")
    answer = Answer("q", "昌平 [1]", "ja", "extractive", False, (Statement("昌平", (1,)),), (citation,), (ScoredChunk(CHUNK, 1.5, 1, ("dense",)),), {"total": 1.0}, ("n",))
    plain = json.loads(json.dumps(as_json(answer)))
    assert list(plain) == [f.name for f in dataclasses.fields(Answer)]
    assert plain["passages"][0]["chunk"]["text"] == CHUNK.text
    assert plain["passages"][0]["chunk"]["page"] is None
    assert plain["citations"][0]["quote"] == "昌平"
    assert plain["statements"] == [{"text": "昌平", "citations": [1], "supported": True}]


def test_json_of_dates_sets_and_unknown_things() -> None:
    assert as_json({"a": dt.date(2024, 11, 15), 2: {1}}) == {"a": "2024-11-15", "2": [1]}
    assert as_json(dt.datetime(2024, 11, 15, 10, tzinfo=dt.UTC)) == "2024-11-15T10:00:00+00:00"
    assert as_json([complex(1, 2), IngestReport]) == ["(1+2j)", str(IngestReport)]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_json_values_stay_as_they_are(value: object) -> None:
    assert as_json(value) == value
    assert json.loads(json.dumps(as_json({"metadata": value}))) == {"metadata": value}


@pytest.mark.parametrize("name", ["collections", "languages", "documents"])
def test_filters_take_no_single_string(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        Filters(**{name: "de"})
    assert getattr(Filters(**{name: ["de"]}), name) == ("de",)


def test_filters_take_dates_as_text_or_as_dates() -> None:
    assert Filters(date_from=dt.date(2024, 1, 2)) == Filters(date_from="2024-01-02")  # type: ignore[arg-type]


def test_only_a_collection_restricts_no_rows() -> None:
    assert not Filters(collections=("a",)).restricts_rows
    for one in (Filters(languages=("de",)), Filters(documents=("d",)), Filters(date_from="2024"), Filters(date_to="2024")):
        assert one.restricts_rows


@pytest.mark.parametrize(("metadata", "display"), [({}, "full"), ({"display": "link"}, "link"), ({"display": "excerpt"}, "excerpt")])
def test_display_is_what_the_front_matter_says(metadata: dict[str, str], display: str) -> None:
    assert Document("d", "t", "T", "de", metadata=metadata).display == display


def test_an_unknown_display_shows_least() -> None:
    """As at answer time: what cannot be understood restricts."""
    assert Document("d", "t", "T", "de", metadata={"display": "exerpt"}).display == "link"


def test_failures_are_whole_unless_they_say_so() -> None:
    assert not FailedFile("a", "broken", "it is broken").partial
