"""JSON Lines that are appended to: a last line that a kill cut short is left out. It knows lines; nothing of what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.errors import EvaluationError


def json_lines(path: Path, text: str, *, fix: str) -> Iterator[tuple[int, Any]]:
    """Each line's number (from 1) and value. Raises EvaluationError, naming a line that is no JSON."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        try:
            if line:
                yield number, json.loads(line)
        except ValueError as error:
            if number < len(lines):
                raise EvaluationError(f"{path}, line {number} is no JSON", fix=fix) from error
