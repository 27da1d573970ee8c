"""Numbers in running text as canonical values."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.numbers import find_numbers
from assistant.language.packs import codes, packs


def values(text: str, language: str = "") -> list[Decimal]:
    return [found.value for found in find_numbers(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("3", "", ["3"]),
        ("３", "", ["3"]),
        ("1,000", "", ["1000"]),
        ("1.000", "", ["1000"]),
        ("1 000", "", ["1000"]),
        ("1\u00a0000 et 2\u202f500", "fr", ["1000", "2500"]),
        ("1’000", "", ["1000"]),
        ("1.000.000", "", ["1000000"]),
        ("1,234,567.89", "", ["1234567.89"]),
        ("1.234.567,89", "", ["1234567.89"]),
        ("2.5", "", ["2.5"]),
        ("2,5", "", ["2.5"]),
        ("0.25", "", ["0.25"]),
        ("2.5 million", "en", ["2500000"]),
        ("2,5 Millionen Euro", "de", ["2500000"]),
        ("3 Mio. Euro", "de", ["3000000"]),
        ("3 milliards", "fr", ["3000000000"]),
        ("20 mil", "es", ["20000"]),
        ("2,5 млн", "ru", ["2500000"]),
        ("3 ملايين", "ar", ["3000000"]),
        ("3万", "zh", ["30000"]),
        ("３万人", "ja", ["30000"]),
        ("2.5億円", "ja", ["250000000"]),
        ("1200万", "zh", ["12000000"]),
        ("5千万", "zh", ["50000000"]),
        ("3만 명", "ko", ["30000"]),
        ("2 hundred thousand", "en", ["200000"]),
        ("zwanzig", "de", ["20"]),
        ("Zwanzig", "de", ["20"]),
        ("dreißig", "de", ["30"]),
        ("dreißig Gäste und zwei Redner", "de", ["30", "2"]),
        ("three panels in 4 halls", "en", ["3", "4"]),
        ("trois salles", "fr", ["3"]),
        ("veintitrés", "es", ["23"]),
        ("venti", "it", ["20"]),
        ("dezesseis", "pt", ["16"]),
        ("двадцать", "ru", ["20"]),
        ("ثلاثة عشر", "ar", ["13"]),
        ("twenty", "de", []),
        ("zwanzig", "", []),
        ("zwanzigste", "de", []),
        ("2024 500 guests", "en", ["2024", "500"]),
        ("in 2024 백신", "ko", ["2024"]),
        ("4 millionaires", "en", ["4"]),
        ("12 percent, 30 people", "en", ["12", "30"]),
        ("10–12", "", ["10", "12"]),
        ("٢٠٢٤", "ar", ["2024"]),
        ("", "en", []),
        ("no figures", "en", []),
    ],
)
def test_numbers_as_they_are_written(text: str, language: str, expected: list[str]) -> None:
    assert values(text, language) == [Decimal(value) for value in expected]


@pytest.mark.parametrize("item", packs(), ids=codes())
def test_number_words_of_every_pack(item: object) -> None:
    code = item.code  # type: ignore[attr-defined]
    for word, value in item.number_words.items():  # type: ignore[attr-defined]
        if len(word) > 1:
            assert values(f"( {word} )", code) == [Decimal(value)], word


@pytest.mark.parametrize("item", packs(), ids=codes())
def test_multipliers_of_every_pack(item: object) -> None:
    for word, value in item.multipliers.items():  # type: ignore[attr-defined]
        assert values(f"( 7 {word} )" if word[0] < "\u3000" else f"( 7{word} )") == [Decimal(7 * value)], word


@given(st.integers(0, 10**12), st.sampled_from([",", ".", " ", "\u00a0", "’", "'"]))
def test_grouping_marks_change_no_value(number: int, mark: str) -> None:
    assert values(f"{number:,}".replace(",", mark)) == [Decimal(number)]


@given(st.decimals(0, 10**9, places=2))
def test_decimal_point_and_comma_are_one(number: Decimal) -> None:
    assert values(f"{number}") == values(f"{number}".replace(".", ",")) == [number]
    assert values(f"{number:,}") == [number]


@given(st.one_of(st.text(max_size=60), st.text("0123456789.,' 万千million", max_size=30)), st.sampled_from(("", *codes())))
def test_numbers_stand_at_their_offsets_in_order(text: str, language: str) -> None:
    start = 0
    for found in find_numbers(text, language):
        assert start <= found.start < found.end <= len(text)
        assert found.value.is_finite()
        start = found.start
    # Every digit belongs to a number.
    spans = [(f.start, f.end) for f in find_numbers(text, language)]
    assert all(any(a <= i < b for a, b in spans) for i, c in enumerate(text) if c.isdecimal())


@pytest.mark.parametrize(
    ("text", "value"),
    [("1万5000人", 15000), ("１万5千人", 15000), ("3万7,500名", 37500), ("2億3400万円", 234_000_000), ("3만7,500명", 37500), ("1万8232平方米", 18232)],
)
def test_a_number_goes_on_below_its_unit(text: str, value: int) -> None:
    assert [number.value for number in find_numbers(text)] == [value]


def test_a_larger_number_behind_a_unit_is_another() -> None:
    assert [number.value for number in find_numbers("3千20000")] == [3000, 20000]
