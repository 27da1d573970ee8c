"""The lexical index: names in any script, rare exact tokens, changes in one commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.index.lexical import LexicalIndex, LexicalQuery
from assistant.language.lexical import lexical_tokens

TEXTS = {
    1: ("a", "The forum opens in Changping on 5 March, grant AB-1234."),
    2: ("a", "昌平フォーラムは三月五日に開かれる。"),
    3: ("b", "Das Forum beginnt in München, Förderung AB-9999."),
    4: ("b", "论坛在昌平区举行，讨论新药研发。"),
    5: ("b", "The grant of the forum opens later; the forum, the forum."),
}


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    made = LexicalIndex(tmp_path / "lexical", create=True)
    made.change([], [(key, collection, text) for key, (collection, text) in TEXTS.items()])
    return made


def keys(index: LexicalIndex, text: str, **options: object) -> list[int]:
    return [key for key, _ in index.search(LexicalQuery(tuple(lexical_tokens(text))), 10, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "best"), [("AB-1234", 1), ("ab 9999", 3), ("Muenchen", 3), ("Munchen", 3), ("三月五日", 2), ("新藥研發", 4), ("later", 5)]
)
def test_a_rare_token_finds_its_passage_first(index: LexicalIndex, question: str, best: int) -> None:
    assert keys(index, question)[0] == best


def test_scores_fall_and_the_limit_holds(index: LexicalIndex) -> None:
    hits = index.search(LexicalQuery(tuple(lexical_tokens("the forum opens"))), 10)
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)
    assert len(index.search(LexicalQuery(("forum",)), 2)) == 2
    assert index.search(LexicalQuery(()), 10) == []
    assert index.search(LexicalQuery(("nothing-of-this",)), 10) == []


def test_collections_restrict_without_scoring(index: LexicalIndex) -> None:
    everywhere = dict(index.search(LexicalQuery(("forum",)), 10))
    within = dict(index.search(LexicalQuery(("forum",)), 10, ["b"]))
    assert set(within) == {key for key in everywhere if TEXTS[key][0] == "b"}
    assert all(within[key] == pytest.approx(everywhere[key]) for key in within)
    assert index.search(LexicalQuery(("forum",)), 10, ["none"]) == []


def test_of_a_names_spellings_only_the_best_counts(index: LexicalIndex) -> None:
    spellings = tuple(tuple(lexical_tokens(s)) for s in ("昌平", "Changping", "昌平区"))
    found = dict(index.search(LexicalQuery((), (spellings,)), 10))
    assert set(found) == {1, 2, 4}
    single = dict(index.search(LexicalQuery((), (spellings[2:],)), 10))
    assert found[4] == pytest.approx(max(single[4], dict(index.search(LexicalQuery((), (spellings[:1],)), 10))[4]))
    assert index.search(LexicalQuery((), (((),),)), 10) == []


def test_a_change_removes_and_adds(index: LexicalIndex, tmp_path: Path) -> None:
    index.change([1, 77], [(6, "a", "A symposium in Changping.")])
    assert index.count() == 5
    assert keys(index, "Changping")[0] == 6
    assert 1 not in keys(index, "forum")
    again = LexicalIndex(tmp_path / "lexical")
    assert again.count() == 5
    assert again.frequency("symposium") == 1
    assert again.frequency("absent") == 0


def test_a_failed_change_leaves_the_index_as_it_was(index: LexicalIndex, tmp_path: Path) -> None:
    def breaks():  # type: ignore[no-untyped-def]
        yield 9, "a", "half"
        raise RuntimeError("it breaks")

    with pytest.raises(RuntimeError, match="it breaks"):
        index.change([1], breaks())
    assert LexicalIndex(tmp_path / "lexical").count() == 5
    index.change([1], [])
    assert index.count() == 4


@pytest.mark.parametrize("text", ["", " ", "…！？", "\U0001f9ec", "a" * 70_000, "医" * 3000])
def test_odd_texts_are_taken(index: LexicalIndex, text: str) -> None:
    index.change([], [(9, "a", text)])
    assert index.count() == 6


def test_a_reader_makes_nothing_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError)):
        LexicalIndex(tmp_path / "lexical")
    assert not (tmp_path / "lexical").exists()
