"""Known names in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.lexical import fold
from assistant.retrieval.names import Names

CITY = ("昌平", "Changping", "チャンピン", "창핑", "Чанпин", "تشانغبينغ")
BAY = ("前滩", "Qiantan", "Qiantan Bay")


def texts(names: Names, text: str) -> list[str]:
    return [text[found.start : found.end] for found in names.find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("When is the Changping forum?", ["Changping"]),
        ("when is the CHANGPING forum?", ["CHANGPING"]),
        ("昌平论坛何时举行", ["昌平"]),
        ("チャンピンのフォーラムは？", ["チャンピン"]),
        ("ﾁｬﾝﾋﾟﾝのフォーラムは？", ["ﾁｬﾝﾋﾟﾝ"]),
        ("창핑에서 열리는 포럼", ["창핑"]),
        ("Форум в Чанпин", ["Чанпин"]),
        ("منتدى تشانغبينغ", ["تشانغبينغ"]),
        ("Ｃｈａｎｇｐｉｎｇ", ["Ｃｈａｎｇｐｉｎｇ"]),
        ("Changping, Qiantan and 昌平", ["Changping", "Qiantan", "昌平"]),
        ("the Qiantan Bay platform", ["Qiantan Bay"]),
        ("Qiantan Bayside", ["Qiantan"]),
        ("Changpings", []),
        ("NewChangping", []),
        ("大창핑", ["창핑"]),
        ("서창핑", []),
        ("チャンピングサ", []),
        ("", []),
        ("nothing known", []),
    ],
)
def test_names_are_found_in_every_script_and_not_inside_words(text: str, found: list[str]) -> None:
    assert texts(Names([CITY, BAY]), text) == found


def test_a_found_name_knows_all_its_spellings() -> None:
    [found] = Names([CITY, BAY]).find("the 昌平 forum")
    assert set(found.spellings) == set(CITY)


def test_traditional_and_simplified_forms_are_one_name() -> None:
    names = Names([["國際醫學論壇", "International Medical Forum"]])
    assert texts(names, "国际医学论坛在哪里举行") == ["国际医学论坛"]


def test_groups_that_share_a_spelling_are_joined() -> None:
    names = Names([["Alpha", "アルファ"], ["Beta", "ベータ"], ["Gamma", "アルファ", "BETA"], ["Delta"]])
    [found] = names.find("about Alpha")
    assert set(found.spellings) == {"Alpha", "アルファ", "Beta", "ベータ", "Gamma", "BETA"}
    assert names.find("about Delta")[0].spellings == ("Delta",)


def test_of_overlapping_names_the_longest_is_taken() -> None:
    names = Names([["Health Forum"], ["Forum Asia Pacific"], ["Forum"]])
    assert texts(names, "Health Forum Asia Pacific") == ["Forum Asia Pacific"]


def test_a_number_is_not_found_inside_a_longer_one() -> None:
    assert texts(Names([["Forum 20"]]), "Forum 2024") == []
    assert texts(Names([["Forum 20"]]), "Forum 20, 24") == ["Forum 20"]


@pytest.mark.parametrize("groups", [[], [[]], [["a"]], [[" "]], [["", "b"]]])
def test_names_too_short_to_tell_are_left_out(groups: list[list[str]]) -> None:
    names = Names(groups)
    assert len(names) == 0
    assert names.find("a b c") == []


WORDS = st.sampled_from(["Changping", "changping", "昌平", "チャンピン", "ﾁｬﾝﾋﾟﾝ", "창핑", "은", "の", "论坛", "Qiantan", "Bay", "前滩", "forum", " ", " ", ", ", "-", "2024", "é", "ß"])


@given(st.lists(WORDS, max_size=25).map("".join))
def test_found_names_stand_at_their_offsets(text: str) -> None:
    names = Names([CITY, BAY])
    known = {fold(spelling) for spelling in (*CITY, *BAY)}
    end = 0
    for found in names.find(text):
        assert end <= found.start < found.end <= len(text)
        end = found.end
        assert fold(text[found.start : found.end]) in known
        assert fold(text[found.start : found.end]) in {fold(s) for s in found.spellings}


@given(st.lists(st.lists(st.sampled_from(["aa", "bb", "cc", "dd", "ee", "ff"]), min_size=1, max_size=3), max_size=6))
def test_joined_groups_are_the_connected_ones(groups: list[list[str]]) -> None:
    names = Names(groups)
    expected: list[set[str]] = []
    for group in map(set, groups):
        touching = [other for other in expected if other & group]
        expected = [other for other in expected if not other & group] + [set().union(group, *touching)]
    for members in expected:
        for name in members:
            assert set(names.find(f"about {name}")[0].spellings) == members
    assert len(names) == sum(map(len, expected))
