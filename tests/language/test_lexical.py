"""Folding and tokens: spellings that meet, spellings that must not, and offsets that lead back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.language.lexical import fold, fold_aligned, fold_word, lexical_tokens, token_count, tokens_with_offsets
from assistant.language.scripts import is_unspaced

MIXED = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                "München", "Muenchen", "ＦＯＲＵＭ", "２０１９年", "1,000", "2.5", "国", "國際", "医療", "フォーラム", "ﾁｬﾝﾋﾟﾝ", "は", "포럼", "กรุงเทพ", "Ёлка",
                "أحمد", "الصحة", "٢٠٢٤", "मंच", "CAR-T", "ß", "ﬁ", "İ", "①", "㎏", "e\u0301", "\u1112\u1161\u11ab", " ", "\n", "。", "/",
            ]
        ),
        max_size=15,
    ).map("".join),
)  # fmt: skip


@pytest.mark.parametrize(
    "spellings",
    [
        ("國", "国", "国"), ("醫", "医", "医"), ("國際醫療", "国际医疗", "国際医療"), ("發展", "发展", "発展"), ("藥", "药", "薬"), ("廣東", "广东", "広東"),
        ("論壇", "论坛"), ("臺灣", "台灣", "台湾"), ("München", "Muenchen", "Munchen", "MÜNCHEN", "MUENCHEN", "mu\u0308nchen"), ("Köln", "Koeln", "Koln"),
        ("Düsseldorf", "Duesseldorf", "Dusseldorf"), ("Ärzte", "Aerzte", "ARZTE"), ("Straße", "STRASSE", "strasse"), ("café", "cafe", "CAFÉ"),
        ("São Paulo", "sao paulo"), ("Łódź", "lodz"), ("ＦＯＲＵＭ　２０１９", "forum 2019"), ("ﾁｬﾝﾋﾟﾝ", "チャンピン"), ("Ёлка", "елка"), ("الصحّة", "الصحه", "الصحة"),
        ("أحمد", "احمد", "إحمد", "آحمد"), ("مستشفى", "مستشفي", "مستشفی"), ("ك", "ک"), ("عـــربي", "عربي"), ("٢٠٢٤", "2024", "۲۰۲۴", "２０２４"),
        ("1,000", "1000", "1.000", "１，０００"), ("2,5", "2.5"), ("ﬁnance", "finance"), ("e\u0301cole", "école"),
    ],
)  # fmt: skip
def test_spellings_meet(spellings: tuple[str, ...]) -> None:
    assert len({tuple(lexical_tokens(s)) for s in spellings}) == 1
    assert lexical_tokens(spellings[0])


@pytest.mark.parametrize("word", ["neue", "queue", "true", "neuer", "abenteuer", "steuer", "quelle", "frequent", "bauen", "eue", "blue", "unique", "treue"])
def test_ue_that_is_no_umlaut_stays(word: str) -> None:
    assert lexical_tokens(word) == [word]


@pytest.mark.parametrize(("one", "other"), [("neue", "neu"), ("2.5", "25"), ("1.5", "15"), ("国", "囲"), ("Köln", "Kölln"), ("й", "и"), ("が", "か"), ("パ", "ハ"), ("2019", "219")])
def test_spellings_that_must_not_meet(one: str, other: str) -> None:
    assert lexical_tokens(one) != lexical_tokens(other)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("2019年", ["2019", "年"]),
        ("2019年 München", ["2019", "年", "munchen"]),
        ("健康论坛", ["健康", "康论", "论坛"]),
        ("フォーラム", ["フォ", "ォー", "ーラ", "ラム"]),
        ("포럼은", ["포럼", "럼은"]),
        ("ไทย", ["ไท", "ทย"]),
        ("東京の森", ["东京", "の", "森"]),
        ("第3回", ["第", "3", "回"]),
        ("COVID-19 and mRNA", ["covid", "19", "and", "mrna"]),
        ("5G", ["5", "g"]),
        ("1.000.000", ["1000000"]),
        ("10,5", ["10.5"]),
        ("Forum/форум/منتدى", ["forum", "форум", "منتدي"]),
        ("दिल्ली मंच", ["दिल्ली", "मंच"]),
        ("", []),
        ("… — ·", []),
        ("a a a", ["a", "a", "a"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert lexical_tokens(text) == tokens


def test_a_script_change_ends_a_word() -> None:
    assert lexical_tokens("iPS細胞研究CiRA") == ["ips", "细胞", "胞研", "研究", "cira"]


@given(MIXED)
@example("ﾁｬﾝﾋﾟﾝ")
@example("e\u0301")
@example("\u1112\u1161\u11ab")
@example("㍿")
def test_folding_by_character_gives_the_same_with_the_way_back(text: str) -> None:
    folded, origin = fold_aligned(text)
    assert folded == fold(text)
    assert len(origin) == len(folded) + 1
    assert origin == sorted(origin)
    assert origin[-1] == len(text)
    assert all(0 <= index < max(len(text), 1) for index in origin[:-1])


@given(MIXED)
@example("ẛ̣")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(MIXED)
def test_tokens_stand_at_their_offsets(text: str) -> None:
    folded = fold(text)
    before = 0
    for token, start, end in tokens_with_offsets(folded):
        assert before <= start < end <= len(folded)
        before = start
        piece = folded[start:end]
        assert not any(c.isspace() for c in token)
        if is_unspaced(token[0]):
            assert piece == token
            assert len(token) <= 2
        elif not token[0].isdigit():
            assert token == fold_word(piece) or token == piece


@given(MIXED, MIXED)
def test_a_space_parts_tokens(first: str, second: str) -> None:
    # A mark in front of the second text would belong to the space.
    assert lexical_tokens(f"{first} . {second}") == lexical_tokens(first) + lexical_tokens(second)


@given(MIXED)
def test_words_and_digits_leave_tokens(text: str) -> None:
    assert bool(lexical_tokens(text)) == any(c.isalnum() for c in fold(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("a forum in 2024", 4), ("健康论坛", 2), ("健康论坛!", 2), ("国", 1), ("フォーラム", 3), ("포럼 2024", 2), ("1,000.50", 1), ("मंच", 1)],
)
def test_length_in_tokens(text: str, count: int) -> None:
    assert token_count(text) == count
