"""Reads presentations (.pptx): a slide is a page, its title a heading; tables and speaker notes are text.

It knows shapes with text; charts, pictures and SmartArt are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.ingestion.cleaning import row
from assistant.ingestion.reading import Block, Limits, Reading, unpacked

_TEMPLATE = "2013-01-27"  # python-pptx's own template was made then
_NO_TITLE = ("powerpoint presentation", "powerpoint-präsentation", "presentation")


def read(path: Path, limits: Limits) -> Reading:
    from pptx import Presentation

    presentation = Presentation(unpacked(path, limits))
    blocks: list[Block] = []
    warnings: list[str] = []
    for number, slide in enumerate(presentation.slides, start=1):
        if number > limits.pages:
            warnings.append(f"only the first {limits.pages} slides were read")
            break
        title = slide.shapes.title
        if title is not None:
            blocks.append(Block(title.text_frame.text.replace("\v", " "), level=1, page=number))
        texts = _texts(slide.shapes, None if title is None else title.shape_id)
        blocks += [Block(text, page=number) for text in texts if text.strip()]
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
            blocks.append(Block(notes.text, page=number))
    core = presentation.core_properties
    created = core.created.date().isoformat() if core.created else ""
    metadata: dict[str, Any] = {"language": core.language or None}
    if core.title.casefold() not in _NO_TITLE:
        metadata["title"] = core.title or None
    if created and created != _TEMPLATE:
        metadata |= {"date": created, "date_from": "pptx-properties"}
    return Reading(blocks, metadata, warnings)


def _texts(shapes: Any, title: int | None) -> Iterator[str]:
    waiting = list(shapes)
    while waiting:
        shape = waiting.pop(0)
        if shape.shape_id == title:
            continue
        if hasattr(shape, "shapes"):
            waiting[:0] = list(shape.shapes)
        elif shape.has_text_frame:
            yield "\n".join(paragraph.text for paragraph in shape.text_frame.paragraphs)
        elif getattr(shape, "has_table", False):
            rows = (row(cell.text for cell in line.cells) for line in shape.table.rows)
            yield "\n".join(filter(None, rows))
