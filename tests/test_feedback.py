"""Feedback is kept, amended, forgotten in time, and holds no text of a document."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.errors import FeedbackError
from assistant.feedback import LONGEST_COMMENT, FeedbackStore, Span
from assistant.schema import Answer, Citation

ANSWER = Answer(
    "Wann?", "Text", "de", "extractive", False, citations=(Citation(1, "c/s/a.md", "T", "", "de", "ein Zitat", 3, 12, "ein Zitat"), Citation(2, "c/s/b.md", "T", "", "de", "noch", 0, 4, "noch"))
)


def test_a_word_is_kept_and_amended(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "deep" / "feedback.sqlite", 30)
    assert store.all() == []
    given = store.give(ANSWER, "down")
    store.amend(given.id, reason="incomplete", comment=" Ort fehlt ")
    (held,) = FeedbackStore(tmp_path / "deep" / "feedback.sqlite", 30).all()
    assert (held.question, held.rating, held.reason, held.comment, held.channel) == ("Wann?", "down", "incomplete", "Ort fehlt", "console")
    assert held.citations == (Span("c/s/a.md", 3, 12), Span("c/s/b.md", 0, 4))
    assert b"ein Zitat" not in (tmp_path / "deep" / "feedback.sqlite").read_bytes()


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite", 30)
    for arguments in ({"rating": "sideways"}, {"rating": "up", "reason": "odd"}, {"rating": "up", "comment": "x" * (LONGEST_COMMENT + 1)}):
        with pytest.raises(FeedbackError):
            store.give(ANSWER, **arguments)  # type: ignore[arg-type]
    assert store.all() == []
    (tmp_path / "broken").write_bytes(b"no database" * 100)
    with pytest.raises(FeedbackError, match="cannot be used"):
        FeedbackStore(tmp_path / "broken", 30).give(ANSWER, "up")
    assert (tmp_path / "broken").read_bytes() == b"no database" * 100


def test_it_expires(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite", 30)
    old, new = store.give(ANSWER, "up", comment="vergänglich"), store.give(ANSWER, "up")
    with sqlite3.connect(tmp_path / "feedback.sqlite") as db:
        db.execute("UPDATE feedback SET given = ? WHERE id = ?", ((dt.datetime.now(dt.UTC) - dt.timedelta(days=31)).isoformat(timespec="seconds"), old.id))
    db.close()
    assert [held.id for held in store.all()] == [new.id]
    assert "vergänglich".encode() not in (tmp_path / "feedback.sqlite").read_bytes()


def test_many_at_once(tmp_path: Path) -> None:
    stores = [FeedbackStore(tmp_path / "feedback.sqlite", 30) for _ in range(4)]
    threads = [threading.Thread(target=lambda s=store: [s.give(ANSWER, "up") for _ in range(10)]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores[0].all()) == 40


def test_a_deleted_document_is_forgotten_here_too(assistant: Assistant, corpus: Path, tmp_path: Path) -> None:
    (corpus / "harbour.md").write_text("The Harbour Forum opens on 12 May 2025.\n", "utf-8")
    assistant.ingest()
    assistant.feedback = FeedbackStore(tmp_path / "feedback.sqlite", 30)
    answer = assistant.ask("When does the Harbour Forum open?")
    assistant.feedback.give(answer, "up")
    document = answer.citations[0].document_id
    assert assistant.feedback.all()[0].citations[0].document_id == document
    assistant.delete([document])
    assert assistant.feedback.all()[0].citations == ()
    assert document.encode() not in (tmp_path / "feedback.sqlite").read_bytes()
