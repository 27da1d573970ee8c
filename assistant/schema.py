"""The nouns of the project: frozen dataclasses that every room speaks. Standard library only.

Offsets count Unicode code points of `Document.text`, as Python slices do.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Visibility = Literal["staff", "public"]
Display = Literal["full", "excerpt", "link"]
# Told of long work: the stage's name, how many are done, of how many.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading's reach: `text[start:end]` stands under `path` (outermost heading first)."""

    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """`text[start:end]` stands on page `number` (1-based; slides and sheets count as pages)."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One document as read: cleaned text and what is known about it.

    `id` is `collection/source-name/relative/path`, or the connector's own id below its source's name.
    `date` is the publication date (ISO, possibly only `2024` or `2024-11`), empty when unknown.
    `source` is the link to the original, empty when unknown. `content_hash` covers everything that
    was read (file and sidecar), so an equal hash means nothing to do.
    """

    id: str
    text: str
    title: str
    language: str
    source: str = ""
    date: str = ""
    collection: str = "default"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[tuple[str, ...], ...] = ()
    content_hash: str = ""
    visibility: Visibility = "staff"
    sections: tuple[Section, ...] = ()
    pages: tuple[Page, ...] = ()

    @property
    def display(self) -> Display:
        """How much of it may be shown; what cannot be understood restricts, as at answer time."""
        value = self.metadata.get("display", "full")
        return value if value in ("full", "excerpt", "link") else "link"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage. Invariant: `document.text[start:end] == text`.

    `id` is the document's id, `#`, and the passage's ordinal number. `heading` is the heading path
    joined with " › "; `page` is None where the format has no pages.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None
    language: str = ""
    title: str = ""
    date: str = ""
    source: str = ""
    collection: str = "default"


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A passage found for a question. `rank` is 1-based; `score` only orders one result list.

    `version_of` is the id of the passage above it that says the same in another language.
    """

    chunk: Chunk
    score: float
    rank: int
    found_by: tuple[str, ...] = ()
    version_of: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A verified quote. Invariants: `document.text[start:end] == quote`, and `quote in passage`.

    `asked` are the parts of the quote that were asked for (its date, its number, a name), as (start, end) within the quote.
    """

    number: int
    document_id: str
    title: str
    source: str
    language: str
    quote: str
    start: int
    end: int
    passage: str
    page: int | None = None
    heading: str = ""
    date: str = ""
    asked: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer and the numbers of the citations it rests on."""

    text: str
    citations: tuple[int, ...] = ()
    supported: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question. `mode` is "extractive", "generated", "abstained", "catalogue" for lists and editions, or "talk" for the
    reply to a greeting and the like.

    `confidence` (0 to 1) orders answers by how likely they answer what was asked; None where nothing was weighed.
    """

    question: str
    text: str
    language: str
    mode: str
    abstained: bool
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    passages: tuple[ScoredChunk, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `role` is "user" or "assistant"."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Facets:
    """What there is to filter by: documents by collection, by language, and the years of publication, newest first."""

    collections: Mapping[str, int]
    languages: Mapping[str, int]
    years: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filters:
    """Restrictions on the passages that may be found; an empty tuple or string restricts nothing.

    Dates are ISO and inclusive; a document without a date never passes a date filter. `public` leaves what anyone may see.
    """

    collections: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    date_from: str = ""
    date_to: str = ""
    public: bool = False

    def __post_init__(self) -> None:
        for name in ("collections", "languages", "documents"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise TypeError(f"Filters.{name} is a sequence of strings, not one string")
            object.__setattr__(self, name, tuple(value))
        for name in ("date_from", "date_to"):
            value = getattr(self, name)
            object.__setattr__(self, name, value.isoformat() if isinstance(value, dt.date) else value)

    @property
    def restricts_rows(self) -> bool:
        """True when something other than the collection is restricted."""
        return bool(self.languages or self.documents or self.date_from or self.date_to or self.public)

    def within(self, scope: Filters) -> Filters:
        """What passes both: these restrictions, and the collections and publicity of a scope."""
        collections = self.collections or scope.collections
        if self.collections and scope.collections:
            # No collection is called "", so nothing passes where the two have none in common.
            collections = tuple(c for c in self.collections if c in scope.collections) or ("",)
        return dataclasses.replace(self, collections=collections, public=self.public or scope.public)


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that was skipped or only partly read. `partial` files were indexed all the same."""

    path: str
    reason: str
    message: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did. The first five fields are document ids; `failed` carries file and reason."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    failed: tuple[FailedFile, ...] = ()
    held: tuple[FailedFile, ...] = ()
    passages: int = 0
    embedded: int = 0
    generation: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteReport:
    """What a delete removed and how it was proven: `checks` names each search that found nothing."""

    deleted: tuple[str, ...]
    passages: int
    checks: tuple[str, ...]
    generation: int


def as_json(value: Any) -> Any:
    """Dataclasses (nested, in mappings and sequences too) as plain JSON values, field for field."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, (Sequence, set, frozenset)):
        return [as_json(v) for v in value]
    return str(value)
