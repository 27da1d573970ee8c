"""What a text holds, whatever is asked: its dates, numbers and years. It knows texts only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from assistant.language.dates import FoundDate, find_dates
from assistant.language.numbers import FoundNumber, find_numbers

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SEPARATOR = re.compile(r"[,、，;；/·]|\b(?:and|und|et|y|e|и)\b")


@dataclass(frozen=True, slots=True)
class Facts:
    """`numbers` are counts: those within dates, and articles ("one", "ein", "un"), are left out. `separators` is at most twelve."""

    dates: tuple[FoundDate, ...]
    numbers: tuple[FoundNumber, ...]
    years: frozenset[str]
    separators: int


@lru_cache(maxsize=8192)
def facts(text: str, language: str) -> Facts:
    """Kept, since the same texts answer many questions."""
    dates = tuple(find_dates(text))
    numbers = tuple(n for n in find_numbers(text, language) if not any(d.start <= n.start < d.end for d in dates))
    # "one", "ein", "un" are articles more often than counts.
    counts = tuple(n for n in numbers if text[n.start].isdigit() or n.value > 1)
    return Facts(dates, counts, frozenset(_YEAR.findall(text)), min(12, len(_SEPARATOR.findall(text))))
