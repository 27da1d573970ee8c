"""Verified citations: no quote leaves this module that does not stand, character for character, in its document.

It checks and builds; which sentence is worth quoting is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.errors import IndexBroken
from assistant.schema import Answer, Chunk, Citation, Document


def cite(number: int, chunk: Chunk, start: int, end: int, document: Document) -> Citation:
    """A citation of `chunk.text[start:end]`. Raises IndexBroken when document and passage have come apart."""
    first, last = chunk.start + start, chunk.start + end
    citation = Citation(
        number=number, document_id=document.id, title=document.title, source=document.source, language=chunk.language,
        quote=chunk.text[start:end], start=first, end=last, passage=chunk.text, page=chunk.page, heading=chunk.heading, date=document.date,
    )  # fmt: skip
    if not is_valid(citation, document):
        raise IndexBroken(f"a passage of {document.id} does not stand in its document", fix="assistant ingest --rebuild")
    return citation


def is_valid(citation: Citation, document: Document) -> bool:
    """The invariants of a citation: a non-empty quote, at its offsets in its document, within its passage."""
    return bool(citation.quote) and document.text[citation.start : citation.end] == citation.quote and citation.quote in citation.passage


def quotes_in(answer: Answer) -> Iterator[tuple[Citation, int]]:
    """Where each quote ends in the answer's text, its number behind it; citations whose sentence is not their quote are left out."""
    position = 0
    for citation in answer.citations:
        at = answer.text.find(f"{citation.quote} [{citation.number}]", position)
        if at >= 0:
            position = at + len(citation.quote)
            yield citation, position
