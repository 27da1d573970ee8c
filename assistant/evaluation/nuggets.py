"""Nuggets: what an answer must contain, in any writing. 15,000 = 1.5万; 9. Dezember 2025 = 2025年12月9日.

It knows one nugget and one text; nothing of questions or answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from assistant.language.dates import find_dates
from assistant.language.lexical import fold
from assistant.language.numbers import find_numbers


@dataclass(frozen=True, slots=True)
class Nugget:
    """Met by any of its spellings, its number or its date (ISO, as exact as it is written)."""

    vital: bool = True
    spellings: tuple[str, ...] = ()
    number: Decimal | None = None
    date: str = ""

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Nugget:
        """From a set's file. Raises ValueError."""
        unknown = set(entry) - {"vital", "any", "number", "date"}
        if unknown or not set(entry) & {"any", "number", "date"}:
            raise ValueError(f"a nugget holds any, number or date, and vital: {dict(entry)}")
        try:
            number = Decimal(str(entry["number"])) if "number" in entry else None
        except InvalidOperation as error:
            raise ValueError(f"{entry['number']} is no number") from error
        return cls(bool(entry.get("vital", True)), tuple(map(str, entry.get("any", ()))), number, str(entry.get("date", "")))

    def matches(self, text: str, language: str) -> bool:
        """True when the text, in that language, says it."""
        folded = " ".join(fold(text).split())
        if any(" ".join(fold(spelling).split()) in folded for spelling in self.spellings):
            return True
        if self.number is not None and any(found.value == self.number for found in find_numbers(text, language)):
            return True
        return bool(self.date) and any(found.iso == self.date for found in find_dates(text))
