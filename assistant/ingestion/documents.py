"""From an item to a Document and its passages: the task that reader processes run.

It knows reading and chunking; it knows nothing of the store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.chunking import chunk
from assistant.ingestion.cleaning import clean
from assistant.ingestion.reading import Block, Limits, RawDocument, assemble, read_file
from assistant.ingestion.sources import Item
from assistant.language.detection import detect
from assistant.language.sentences import sentences
from assistant.schema import Chunk, Document, Visibility


@dataclass(frozen=True, slots=True)
class Task:
    """An item and what its source and the settings say about it."""

    item: Item
    collection: str
    visibility: Visibility
    chunk_size: int
    chunk_minimum: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be stored.

    `held` is an opening line such as "EMBARGO"; `withheld` says that the document must not be stored: it is held
    without a time, or asks not to be indexed.
    """

    document: Document
    chunks: list[Chunk]
    warnings: tuple[str, ...] = ()
    held: str = ""
    withheld: bool = False


_LONGEST_TITLE = 70
# Known metadata, which `assemble` has brought into its form, has fields of its own; the rest goes along as it is.
_FIELDS = ("title", "language", "date", "source", "aliases")


def prepare(task: Task, limits: Limits) -> Prepared:
    """Read, clean and cut one item. Raises ReadError."""
    item = task.item
    if item.is_record:
        raw = _record(item)
        stem = item.origin
    else:
        raw = read_file(Path(item.origin), limits)
        stem = Path(item.origin).stem
    metadata = raw.metadata
    opening = raw.sections[0].path[0] if raw.sections and raw.sections[0].start == 0 else ""
    named = str(metadata.get("title") or opening)
    # The title helps to tell a short text's language.
    language = str(metadata.get("language") or "") or detect(f"{named}\n{raw.text[:3000]}")
    title = " ".join(clean(named or _named(stem, raw.text, language)).split())
    document = Document(
        id=item.document_id, text=raw.text, title=title, language=language, source=str(metadata.get("source") or ""),
        date=str(metadata.get("date") or ""), collection=task.collection,
        metadata={key: _cleaned(value) for key, value in metadata.items() if key not in _FIELDS}, aliases=tuple(tuple(filter(None, dict.fromkeys(" ".join(clean(name).split()) for name in group))) for group in metadata.get("aliases", ())),
        content_hash=item.content_hash, visibility=_visibility(task.visibility, metadata.get("visibility")),
        sections=raw.sections, pages=raw.pages,
    )  # fmt: skip
    withheld = (bool(raw.held) and not metadata.get("embargo_until")) or str(metadata.get("index", "")).lower() in ("false", "no")
    chunks = chunk(document, task.chunk_size, task.chunk_minimum)
    return Prepared(document, chunks, raw.warnings, raw.held, withheld)


def _cleaned(value: Any) -> Any:
    """A value of the metadata, its texts cleaned as the document's is: they are shown beside it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(inner) for key, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list) else value


def _named(stem: str, text: str, language: str) -> str:
    """A title for what has none: the file's name where it is made of words, else how the text begins."""
    words = re.findall(r"[^\W\d_]{3,}", stem)
    if sum(map(len, words)) * 2 > len(stem):
        return re.sub(r"[_\s]+", " ", stem).strip()
    sentence = next((text[a:b] for a, b in sentences(text[:400], language)), "")
    first = " ".join(sentence.split()).rstrip("。.")
    return first if len(first) <= _LONGEST_TITLE else first[: first.rfind(" ", 20, _LONGEST_TITLE) if " " in first[20:_LONGEST_TITLE] else _LONGEST_TITLE] + " …"


def _record(item: Item) -> RawDocument:
    if not item.text.strip():
        raise ReadError("the record has no text", reason="empty", fix="leave it out of the reader's result")
    return assemble([Block(part) for part in item.text.split("\n\n")], item.metadata, ())


def _visibility(source: Visibility, claimed: Any) -> Visibility:
    """A document may restrict what its source allows, never widen it."""
    return "public" if source == "public" and claimed in (None, "public") else "staff"
