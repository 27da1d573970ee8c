"""Scripts of characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.scripts import SPACED, UNSPACED, count_scripts, is_unspaced, script_of


@pytest.mark.parametrize(
    ("characters", "script"),
    [
        ("aZéßøıÿẞ", "Latin"), ("日国國々〇豈𠀋", "Han"), ("あんゞ", "Hiragana"), ("アンーㇰ", "Katakana"), ("한ㄱᄀ", "Hangul"), ("กฮ์", "Thai"),
        ("ёЖѢ", "Cyrillic"), ("عىة", "Arabic"), ("αΩἀ", "Greek"), ("את", "Hebrew"), ("कि्", "Devanagari"), ("ကខ", "Other"), ("கঅ", "Indic"),
    ],
)  # fmt: skip
def test_script_of_a_character(characters: str, script: str) -> None:
    assert {script_of(c) for c in characters} == {script}


@pytest.mark.parametrize("character", [*"0９٣۵ .,。！-€→。“・،؛؟۔।฿ \n\t", ""])
def test_digits_and_marks_have_no_script(character: str) -> None:
    assert script_of(character) == ""
    assert not is_unspaced(character)


def test_counting_leaves_out_digits_and_spaces() -> None:
    counts = count_scripts("Forum 2024 東京フォーラム の 포럼 форум منتدى 5月")
    assert counts == {"Latin": 5, "Han": 3, "Katakana": 5, "Hiragana": 1, "Hangul": 2, "Cyrillic": 5, "Arabic": 5}
    assert not count_scripts("2024, 99 % …")


@pytest.mark.parametrize(("character", "unspaced"), [("国", True), ("の", True), ("ア", True), ("한", True), ("ก", True), ("a", False), ("ж", False), ("ع", False), ("क", False)])
def test_scripts_that_put_no_spaces_between_words(character: str, unspaced: bool) -> None:
    assert is_unspaced(character) is unspaced


@given(st.characters(exclude_categories=("Cs",)))
def test_every_character_has_at_most_one_script(character: str) -> None:
    counts = count_scripts(character)
    assert sum(counts.values()) <= 1
    assert script_of(character) == next(iter(counts), "")
    assert is_unspaced(character) == (script_of(character) in UNSPACED)
    assert script_of(character) in (*UNSPACED, *SPACED, "")
    if script_of(character) in SPACED:
        assert unicodedata.category(character) != "Zs"


@given(st.text(), st.text())
def test_counts_add_up(first: str, second: str) -> None:
    assert count_scripts(first) + count_scripts(second) == count_scripts(first + second)
