"""A nugget is met in any writing of its number or date, and by any of its spellings."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assistant.evaluation.nuggets import Nugget


@pytest.mark.parametrize(
    ("entry", "text", "language"),
    [
        ({"number": "15000"}, "about 15,000 visitors", "en"),
        ({"number": "15000"}, "etwa 15.000 Besucher", "de"),
        ({"number": "15000"}, "约1.5万名观众", "zh"),
        ({"number": "15000"}, "1万5000人が来場した", "ja"),
        ({"number": "20"}, "zwanzig Firmen", "de"),
        ({"date": "2025-12-09"}, "am 9. Dezember 2025", "de"),
        ({"date": "2025-12-09"}, "2025年12月9日に開かれた", "ja"),
        ({"date": "2025-12"}, "en diciembre de 2025", "es"),
        ({"any": ["Fujifilm", "富士フイルム"]}, "富士フイルムの副社長", "ja"),
        ({"any": ["São Paulo"]}, "in Sao Paulo", "en"),
    ],
)
def test_it_is_met(entry: dict[str, object], text: str, language: str) -> None:
    assert Nugget.read(entry).matches(text, language)


@pytest.mark.parametrize(
    ("entry", "text"),
    [({"number": "15000"}, "1,500 visitors"), ({"date": "2025-12-09"}, "on 9 December 2024"), ({"any": ["Basel"]}, "in Bern"), ({"number": "5"}, "15 firms")],
)
def test_it_is_not_met(entry: dict[str, object], text: str) -> None:
    assert not Nugget.read(entry).matches(text, "en")


@pytest.mark.parametrize("entry", [{}, {"vital": True}, {"number": "many"}, {"any": ["x"], "weight": 2}])
def test_what_is_no_nugget_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Nugget.read(entry)


def test_it_is_vital_unless_it_says_otherwise() -> None:
    assert Nugget.read({"number": 3}) == Nugget(True, (), Decimal(3))
    assert not Nugget.read({"any": ["x"], "vital": False}).vital
