"""Embargo, expiry, replacement and display."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from assistant.retrieval.release import Release, now

NOON = dt.datetime(2024, 5, 9, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Passages:
    """As much of a generation as release rules read."""

    db: sqlite3.Connection


@pytest.fixture
def released(request: pytest.FixtureRequest):
    made: list[sqlite3.Connection] = []

    def build(documents: Mapping[str, Mapping[str, Any]]) -> Release:
        db = sqlite3.connect(":memory:")
        made.append(db)
        db.execute("CREATE TABLE documents (id TEXT, metadata TEXT)")
        db.executemany("INSERT INTO documents VALUES (?, ?)", [(key, json.dumps(value)) for key, value in documents.items()])
        return Release(Passages(db))  # type: ignore[arg-type]

    yield build
    for db in made:
        db.close()


def hidden(released: Any, metadata: Mapping[str, Any], moment: dt.datetime = NOON) -> bool:
    found = released({"c/s/a.md": metadata, "c/s/other.md": {}}).hidden(moment)
    assert found <= {"c/s/a.md"}
    return bool(found)


@pytest.mark.parametrize(
    ("until", "is_hidden"),
    [
        ("2024-05-09T12:00:01+00:00", True),
        ("2024-05-09T12:00:00+00:00", False),
        ("2024-05-09T11:59:59Z", False),
        ("2024-05-09T14:00:01+02:00", True),
        ("2024-05-09T14:00:00+02:00", False),
        ("2024-05-12", True),
        ("2024-05-06", False),
        ("", False),
        (None, False),
    ],
)
def test_an_embargo_ends_at_its_moment(released: Any, until: str | None, is_hidden: bool) -> None:
    assert hidden(released, {"embargo_until": until}) is is_hidden


@pytest.mark.parametrize(
    ("expires", "is_hidden"),
    [
        ("2024-05-09T11:59:59+00:00", True),
        ("2024-05-09T12:00:00+00:00", False),
        ("2024-05-06", True),
        ("2024-05-12", False),
        ("", False),
    ],
)
def test_a_document_expires_after_its_moment(released: Any, expires: str, is_hidden: bool) -> None:
    assert hidden(released, {"expires": expires}) is is_hidden


def test_a_day_counts_to_its_end() -> None:
    """An expiry day is a last day: the local clock's day, from its first to its last second."""
    local = dt.datetime(2024, 5, 9, 23, 59, 59).astimezone()
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE documents (id TEXT, metadata TEXT)")
    db.execute("INSERT INTO documents VALUES ('c/s/a.md', ?)", (json.dumps({"expires": "2024-05-09", "embargo_until": "2024-05-09"}),))
    release = Release(Passages(db))  # type: ignore[arg-type]
    assert release.hidden(local) == frozenset()
    assert release.hidden(local.replace(hour=0, minute=0, second=0)) == frozenset()
    assert release.hidden(local + dt.timedelta(seconds=2)) == {"c/s/a.md"}
    assert release.hidden(local - dt.timedelta(days=1)) == {"c/s/a.md"}
    db.close()


@pytest.mark.parametrize("value", ["soon", "2024-13-01", "next week", 2024, "09.05.2024", "2024-05-09T25:00"])
def test_what_cannot_be_read_closes(released: Any, value: Any) -> None:
    assert hidden(released, {"embargo_until": value})
    assert hidden(released, {"expires": value})


def test_a_replaced_document_is_hidden_once_its_successor_is_out(released: Any) -> None:
    documents = {"c/s/new.md": {"replaces": "c/s/old.md", "embargo_until": "2024-05-10T00:00:00Z"}, "c/s/old.md": {}}
    release = released(documents)
    assert release.hidden(NOON) == {"c/s/new.md"}
    assert "c/s/old.md" in release.hidden(NOON + dt.timedelta(days=1))
    assert "c/s/new.md" not in release.hidden(NOON + dt.timedelta(days=1))


def test_a_predecessor_may_be_named_as_it_stands_in_the_source(released: Any) -> None:
    release = released({"c/s/new.md": {"replaces": ["old.md", "folder/older.md"]}, "c/s/old.md": {}, "c/s/folder/older.md": {}})
    assert {"c/s/old.md", "c/s/folder/older.md"} <= release.hidden(NOON)
    assert "c/s/new.md" not in release.hidden(NOON)


@pytest.mark.parametrize(("value", "display"), [("full", "full"), ("excerpt", "excerpt"), ("link", "link"), ("everything", "link"), ("", "link"), (None, "link"), (7, "link")])
def test_display_and_what_is_not_understood_restricts(released: Any, value: Any, display: str) -> None:
    release = released({"c/s/a.md": {"display": value}, "c/s/b.md": {}})
    assert release.display("c/s/a.md") == display
    assert release.display("c/s/b.md") == "full"
    assert release.display("unknown") == "full"


def test_the_clock_of_the_settings_is_taken_and_has_a_zone() -> None:
    assert now(NOON) == NOON
    naive = dt.datetime(2024, 5, 9, 12)
    assert now(naive).tzinfo is not None
    assert now(naive).replace(tzinfo=None) == naive
    assert abs(now(None) - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
