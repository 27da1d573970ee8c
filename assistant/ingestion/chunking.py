"""Passages: by structure, then by sentence, never inside one.

Invariant: `document.text[chunk.start:chunk.end] == chunk.text`. It knows documents, not files or indexes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.language.lexical import lexical_tokens, token_count
from assistant.language.sentences import sentences
from assistant.schema import Chunk, Document, Page, Section


def chunk(document: Document, size: int, minimum: int) -> list[Chunk]:
    """The passages of a document, in order; their sentences are the document's, each in exactly one passage.

    `size` and `minimum` are in tokens (`language.lexical.token_count`). A passage is longer than `size` only where one
    sentence is, or where a rest under `minimum` joined it. A heading is context, not passage, unless nothing
    stands under it in the whole document.
    """
    passages: list[tuple[int, int, str]] = []
    for section in _parts(document):
        start = section.start + (len(section.path[-1]) if section.path and _starts_with_heading(document, section) else 0)
        spans = [(start + a, start + b) for a, b in sentences(document.text[start : section.end], document.language)]
        heading = " › ".join(_below_title(section.path, document.title))
        passages.extend((a, b, heading) for a, b in _pack(document.text, spans, size, minimum))
    if not passages:
        passages = [(a, b, "") for a, b in _pack(document.text, sentences(document.text, document.language), size, minimum)]
    return [
        Chunk(
            id=f"{document.id}#{ordinal}", document_id=document.id, text=document.text[start:end], start=start, end=end,
            heading=heading, page=_page(document.pages, start), language=document.language, title=document.title,
            date=document.date, source=document.source, collection=document.collection,
        )
        for ordinal, (start, end, heading) in enumerate(passages)
    ]  # fmt: skip


def _parts(document: Document) -> Iterator[Section]:
    """The whole text as consecutive, non-overlapping sections, with what stands before the first heading."""
    position = 0
    ordered = sorted(document.sections, key=lambda s: s.start)
    for index, section in enumerate(ordered):
        if section.start > position:
            yield Section((), position, section.start)
        end = ordered[index + 1].start if index + 1 < len(ordered) else len(document.text)
        yield Section(section.path, section.start, end)
        position = end
    if position < len(document.text):
        yield Section((), position, len(document.text))


def _below_title(path: tuple[str, ...], title: str) -> tuple[str, ...]:
    """The heading path without a first heading that only says the title again."""
    return path[1:] if path and set(lexical_tokens(path[0])) <= set(lexical_tokens(title)) else path


def _starts_with_heading(document: Document, section: Section) -> bool:
    return document.text.startswith(section.path[-1], section.start)


def _pack(text: str, spans: Sequence[tuple[int, int]], size: int, minimum: int) -> list[tuple[int, int]]:
    """Sentences packed greedily; a paragraph break is taken as the cut once a passage is half full."""
    groups: list[tuple[int, int, int]] = []
    start = end = length = 0
    for a, b in spans:
        tokens = token_count(text[a:b])
        paragraph = length and "\n\n" in text[end:a]
        # What opens a list stays with its first item.
        opens = length and text[end - 1] in ":：" and length + tokens <= size + size // 4
        if length and not opens and (length + tokens > size or (paragraph and length * 2 >= size)):
            groups.append((start, end, length))
            length = 0
        if not length:
            start = a
        end, length = b, length + max(tokens, 1)
    if length:
        groups.append((start, end, length))
    if len(groups) > 1 and groups[-1][2] < minimum:
        (first, _, before), (_, last, rest) = groups[-2], groups[-1]
        groups[-2:] = [(first, last, before + rest)]
    return [(a, b) for a, b, _ in groups]


def _page(pages: Sequence[Page], position: int) -> int | None:
    for page in pages:
        if page.start <= position < page.end:
            return page.number
    return None
