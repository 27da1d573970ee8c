"""Sentence boundaries: labelled cases, and what holds for any text."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.language.packs import codes
from assistant.language.sentences import LONGEST, sentences
from tests.language.compare_sentences import ours, right, theirs
from tests.language.sentence_cases import CASES, HELD_OUT, Case

# Where a reader knows more than marks and words tell; a rule that learns one of these takes it off the list.
UNDECIDED = {
    "en-single-letter-at-the-end", "zh-quote-goes-on", "ru-year-abbreviation-at-the-end", "ru-enumeration-at-the-end", "hi-title",
    "th-short-clauses",
}  # fmt: skip
LANGUAGES = st.sampled_from((*codes(), "th", "hi", "xx"))
PIECES = st.sampled_from(
    [
        "The forum", "opens", "Prof.", "z. B.", "e.g.", "U.S.", "9.", "Dezember", "2.5", "1.000", "2024. 5. 9.", "フォーラム", "です。", "「はい。」",
        "と述べた", "论坛", "举行！", "……", "“好。”", "포럼", "열립니다.", "«Да.»", "и т. д.", "Форум", "المنتدى", "؟", "मंच", "।", "การประชุม", "พ.ศ.",
        " ", "  ", "\n", "\n\n", "\u3000", "\u00a0", ".", "!", "?", "…", "...", "．", "\"", "”", "(", ")", "»", "«", "-", "•", "1.", ":", " | ", "a", "A.",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join), st.lists(PIECES, max_size=60).map(" ".join))


@pytest.mark.parametrize("case", [pytest.param(c, id=c.id, marks=[pytest.mark.xfail(strict=True)] if c.id in UNDECIDED else []) for c in CASES])
def test_labelled_cases(case: Case) -> None:
    assert ours(case) == case.sentences


def test_every_language_has_cases_and_none_is_twice() -> None:
    assert {case.language for case in CASES} >= {*codes(), "hi", "th"}
    assert len({case.id for case in (*CASES, *HELD_OUT)}) == len(CASES) + len(HELD_OUT)


def test_held_out_cases_go_no_worse_than_with_sentencex() -> None:
    """The reason for a splitter of our own; docs/decisions/003-sentences.md holds the figures."""
    assert len(right(ours, HELD_OUT)) >= max(0.8 * len(HELD_OUT), len(right(theirs, HELD_OUT)))


@given(TEXTS, LANGUAGES)
@example("x" * (3 * LONGEST), "en")
@example("。" * (2 * LONGEST), "ja")
@example("word, " * LONGEST, "en")
@example("ก" * (2 * LONGEST), "th")
@example("", "en")
@example(" \n ", "de")
def test_spans_hold_every_character_once(text: str, language: str) -> None:
    spans = sentences(text, language)
    covered = 0
    for start, end in spans:
        assert covered <= start < end <= len(text)
        assert not text[covered:start].strip(), "a character between two sentences"
        assert text[start:end] == text[start:end].strip()
        assert end - start <= LONGEST
        covered = end
    assert not text[covered:].strip()


@given(TEXTS, LANGUAGES)
def test_surrounding_space_moves_spans_and_changes_none(text: str, language: str) -> None:
    plain = [text.strip()[a:b] for a, b in sentences(text.strip(), language)]
    padded = f"\n\n{text.strip()}\n\n"
    assert [padded[a:b] for a, b in sentences(padded, language)] == plain


@given(st.lists(PIECES, min_size=1, max_size=20).map(" ".join), st.lists(PIECES, min_size=1, max_size=20).map(" ".join), LANGUAGES)
def test_no_sentence_crosses_an_empty_line(first: str, second: str, language: str) -> None:
    text = f"{first.strip()}\n\n{second.strip()}"
    border = len(first.strip())
    assert all(end <= border or start >= border for start, end in sentences(text, language))


def test_a_run_without_an_end_is_cut_at_a_clause_mark() -> None:
    text = ", ".join(["a part of a long enumeration"] * 200)
    pieces = [text[a:b] for a, b in sentences(text)]
    assert len(pieces) > 4
    assert all(piece.endswith(",") for piece in pieces[:-1])


def test_thai_is_cut_at_spaces_once_a_piece_is_long() -> None:
    text = " ".join(["การประชุมเริ่มขึ้น"] * 20)
    pieces = [text[a:b] for a, b in sentences(text, "th")]
    assert len(pieces) > 3
    assert all(len(piece) >= 60 for piece in pieces[:-1])


def test_table_rows_and_bullets_are_sentences_of_their_own() -> None:
    text = "Name | Place of the session in the exhibition hall\nAlpha | Hall one on the second floor, beside the\nbeta | Hall two\n① first\n② second"
    assert [text[a:b] for a, b in sentences(text)] == text.split("\n")


@pytest.mark.parametrize("unit", ["Dr. ", "z. B. ", "word\n", "…", "。」", "2024. 5. 9. ", "a" * 50 + " ", "。 "])
def test_time_grows_with_length_not_with_its_square(unit: str) -> None:
    def took(size: int) -> float:
        text = unit * (size // len(unit)) + "end"
        # Looking for garbage takes as long as the whole process is large, which is not what is measured.
        gc.disable()
        try:
            begun = time.process_time()
            sentences(text, "de")
            return time.process_time() - begun
        finally:
            gc.enable()

    took(1_000)
    # Ten times the text; its square would take a hundred times as long. The floor keeps the clock's noise out.
    assert min(took(200_000), took(200_000)) < 40 * max(min(took(20_000), took(20_000)), 0.005)
