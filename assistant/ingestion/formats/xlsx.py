"""Reads workbooks (.xlsx): a sheet is a page under its name; a row is a line "a | b | c".

It knows the values that were stored; formulas are not computed.
"""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

from assistant.ingestion.cleaning import row
from assistant.ingestion.reading import Block, Limits, Reading, unpacked

_CELLS = 200_000
_NO_TIME = dt.time()


def read(path: Path, limits: Limits) -> Reading:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of every extension that it doesn't know
        return _read(path, limits)


def _read(path: Path, limits: Limits) -> Reading:
    from openpyxl import load_workbook

    workbook = load_workbook(unpacked(path, limits), read_only=True, data_only=True, keep_links=False)
    blocks: list[Block] = []
    cells = 0
    try:
        for number, sheet in enumerate(workbook.worksheets, start=1):
            sheet.reset_dimensions()  # files may claim a million empty columns
            rows: list[str] = []
            for values in sheet.iter_rows(values_only=True):
                if cells >= _CELLS:
                    break
                texts = [_text(value) for value in values]
                cells += sum(map(bool, texts))
                rows.append(row(texts).rstrip(" |"))
            rows = list(filter(None, rows))
            if rows:
                # Level 2: "Sheet1" is no title for a document.
                blocks += [Block(sheet.title, level=2, page=number), Block("\n".join(rows), page=number)]
        core = workbook.properties
        metadata: dict[str, Any] = {"title": core.title or None, "language": core.language or None}
    finally:
        workbook.close()
    return Reading(blocks, metadata, [f"only the first {_CELLS:,} cells were read"] if cells >= _CELLS else [])


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == _NO_TIME else value.isoformat(" ", "minutes")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)
