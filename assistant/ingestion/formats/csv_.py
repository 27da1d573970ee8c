"""Reads tables in plain text (.csv, .tsv): a row is a line "a | b | c".

It knows rows, not what their columns mean.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from assistant.ingestion.cleaning import row
from assistant.ingestion.formats.plain import decode
from assistant.ingestion.reading import Block, Limits, Reading


def read(path: Path, limits: Limits) -> Reading:
    text = decode(path.read_bytes())
    rows = csv.reader(io.StringIO(text, newline=""), _dialect(text, path.suffix.lower()))
    return Reading([Block("\n".join(filter(None, map(row, rows))))])


def _dialect(text: str, suffix: str) -> type[csv.Dialect]:
    fallback = csv.excel_tab if suffix == ".tsv" else csv.excel
    sample = "".join(text[:20_000].splitlines(keepends=True)[:50])
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:
        return fallback
