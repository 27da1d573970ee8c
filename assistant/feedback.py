"""Feedback: what people say of an answer, and what the documents did not answer, kept in a file of its own until it expires. It becomes questions to
evaluate with.

Of the answer nothing is kept but where its quotes stood: a deleted document leaves no text in here. It knows the file; nothing of the
index or of who may see it.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

from assistant.errors import FeedbackError
from assistant.schema import Answer

Rating = Literal["up", "down"]
REASONS = ("wrong", "incomplete", "source", "language", "refused", "other")
LONGEST_COMMENT = 2000


@dataclass(frozen=True, slots=True)
class Span:
    """Where a quote stood in its document."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rated:
    """What is kept of an answer that someone has a word on."""

    question: str
    language: str
    mode: str
    citations: tuple[Span, ...]

    @classmethod
    def of(cls, answer: Answer) -> Rated:
        return cls(answer.question, answer.language, answer.mode, tuple(Span(c.document_id, c.start, c.end) for c in answer.citations))


@dataclass(frozen=True, slots=True)
class Feedback:
    """One person's word on one answer. `given` is the time (UTC, ISO); `channel` is `console`, or a portal's id."""

    id: str
    given: str
    question: str
    language: str
    mode: str
    rating: Rating
    reason: str = ""
    comment: str = ""
    channel: str = ""
    citations: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that the documents did not answer, and how often on a day (ISO); without its words where they are not kept."""

    day: str
    channel: str
    language: str
    question: str
    count: int


class FeedbackStore:
    """The file; safe for several threads and processes. It is made when the first word is given."""

    def __init__(self, path: Path, days: int) -> None:
        self._path = path
        self._days = days
        self._guard = threading.Lock()

    def give(self, answer: Answer | Rated, rating: Rating, *, reason: str = "", comment: str = "", channel: str = "console") -> Feedback:
        """Keep a word on an answer. Raises FeedbackError."""
        if rating not in ("up", "down"):
            raise FeedbackError(f"the rating is {rating!r}", fix="up or down")
        _check(reason, comment)
        rated = answer if isinstance(answer, Rated) else Rated.of(answer)
        made = Feedback(
            uuid.uuid4().hex[:16], dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), rated.question, rated.language, rated.mode, rating, reason,
            comment.strip(), channel, rated.citations,
        )  # fmt: skip
        row = (*astuple(made)[:-1], json.dumps([[s.document_id, s.start, s.end] for s in made.citations], ensure_ascii=False))
        with self._open() as db:
            db.execute(f"INSERT INTO feedback VALUES ({', '.join('?' * len(row))})", row)
        return made

    def amend(self, identity: str, *, reason: str = "", comment: str = "", channel: str = "console", question: str | None = None) -> bool:
        """Add what was wrong to a word that was given before, by the same channel and, where it is named, on the same question.

        False where there is none. Raises FeedbackError.
        """
        _check(reason, comment)
        change = "UPDATE feedback SET reason = ?, comment = ? WHERE id = ? AND channel = ? AND question = coalesce(?, question)"
        with self._open() as db:
            return db.execute(change, (reason, comment.strip(), identity, channel, question)).rowcount > 0

    def all(self) -> list[Feedback]:
        """Everything that has not expired, oldest first. Raises FeedbackError."""
        if not self._path.is_file():
            return []
        with self._open() as db:
            rows = db.execute("SELECT * FROM feedback ORDER BY given, id").fetchall()
        names = [field.name for field in fields(Feedback)]
        return [Feedback(**{**dict(zip(names, row, strict=True)), "citations": tuple(Span(*span) for span in json.loads(row[-1]))}) for row in rows]

    def refuse(self, question: str, language: str, channel: str) -> None:
        """Count a question that was not answered; one without words among those of its day, channel and language. Raises FeedbackError."""
        row = (dt.datetime.now(dt.UTC).date().isoformat(), channel, language, question)
        with self._open() as db:
            db.execute("INSERT INTO refused VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1", row)

    def refused(self) -> list[Refused]:
        """What was refused and has not expired, newest day first, the most frequent first. Raises FeedbackError."""
        if not self._path.is_file():
            return []
        with self._open() as db:
            return [Refused(*row) for row in db.execute("SELECT * FROM refused ORDER BY day DESC, count DESC, channel, language, question")]

    def forget(self, document_ids: Sequence[str]) -> None:
        """Take deleted documents out of what answers cited."""
        if not self._path.is_file():
            return
        gone = set(document_ids)
        with self._open() as db:
            for identity, citations in db.execute("SELECT id, citations FROM feedback").fetchall():
                spans = json.loads(citations)
                if any(span[0] in gone for span in spans):
                    kept = json.dumps([span for span in spans if span[0] not in gone], ensure_ascii=False)
                    db.execute("UPDATE feedback SET citations = ? WHERE id = ?", (kept, identity))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction; what has expired is gone when it begins."""
        columns = ", ".join(f"{field.name} TEXT NOT NULL" for field in fields(Feedback))
        oldest = (dt.datetime.now(dt.UTC) - dt.timedelta(days=self._days)).isoformat(timespec="seconds")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._guard, closing(sqlite3.connect(self._path, timeout=10)) as db, db:
                db.execute("PRAGMA secure_delete = ON")
                db.execute(f"CREATE TABLE IF NOT EXISTS feedback ({columns})")
                db.execute("CREATE TABLE IF NOT EXISTS refused (day TEXT, channel TEXT, language TEXT, question TEXT, count INTEGER NOT NULL, PRIMARY KEY (day, channel, language, question))")
                db.execute("DELETE FROM feedback WHERE given < ?", (oldest,))
                db.execute("DELETE FROM refused WHERE day < ?", (oldest[:10],))
                yield db
        except (OSError, sqlite3.Error) as error:
            raise FeedbackError(f"the feedback file {self._path} cannot be used ({error})", fix="make room or give rights, or name another file in feedback.path") from error


def _check(reason: str, comment: str) -> None:
    if reason and reason not in REASONS:
        raise FeedbackError(f"the reason is {reason!r}", fix=f"one of {', '.join(REASONS)}, or none")
    if len(comment) > LONGEST_COMMENT:
        raise FeedbackError(f"the comment has {len(comment)} characters", fix=f"at most {LONGEST_COMMENT}")
