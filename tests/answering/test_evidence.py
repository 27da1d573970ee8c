"""How much of a question a text holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.evidence import TokenSet, held_by, kind_strength, needs
from assistant.language.lexical import lexical_tokens
from assistant.retrieval.names import Names
from assistant.retrieval.questions import understand
from tests.answering.shelf import NAMES, wanting

NONE = Names([])


@pytest.mark.parametrize(
    ("text", "term", "credit"),
    [
        ("the goals of it", "goals", 1.0),
        ("the goal of it", "goals", 0.8),
        ("die Ziele", "zielen", 0.8),
        ("die Kernziele", "ziele", 0.8),
        ("das Gesundheitsforum", "forum", 0.8),
        ("vaccination", "vaccinations", 0.8),
        ("the conference", "confidence", 0.0),
        ("internal", "international", 0.0),
        ("forums", "fort", 0.0),
        ("2024", "2023", 0.0),
        ("2024", "2024", 1.0),
        ("健康论坛", "论坛", 1.0),
        ("健康论坛", "坛论", 0.0),
        ("健康", "健", 0.0),
        ("car", "cars", 0.0),
        ("", "goals", 0.0),
    ],
)
def test_terms_in_a_text(text: str, term: str, credit: float) -> None:
    assert TokenSet(text).has_term(term) == credit


@pytest.mark.parametrize(
    ("text", "phrase", "held"),
    [
        ("the Lake Health Forum opens", "lake health forum", True),
        ("the Lake and Health Forum", "lake health forum", False),
        ("Lake Healthy Forum", "lake health forum", False),
        ("湖畔健康論壇開幕", "健康论坛", True),
        ("the forum", "", False),
    ],
)
def test_phrases_in_a_text(text: str, phrase: str, held: bool) -> None:
    assert TokenSet(text).has_any([tuple(lexical_tokens(phrase))]) is held


@given(st.lists(st.sampled_from(["lake", "forum", "论坛", "健康", "2024", "の", "a"]), max_size=12), st.integers(0, 11), st.integers(1, 4))
def test_every_run_of_tokens_is_a_phrase(words: list[str], first: int, count: int) -> None:
    tokens = TokenSet(" ".join(words))
    phrase = tuple(tokens.sequence[first : first + count])
    assert tokens.has_any([phrase]) == bool(phrase)
    assert all(tokens.has_term(term) == 1.0 for term in phrase)


def test_rare_terms_weigh_more_than_frequent_ones() -> None:
    frequency = {"forum": 90, "vaccines": 3}
    wanted = needs(understand("Does the forum cover vaccines?", NONE), lambda term: frequency.get(term, 0), 100)
    assert set(wanted.terms) == {"forum", "cover", "vaccines"}
    assert 0 < wanted.terms["forum"] < wanted.terms["vaccines"] <= wanted.terms["cover"]


def test_the_bigrams_of_one_word_share_its_weight() -> None:
    wanted = needs(understand("疫苗联盟 vaccine", NONE, language="zh"), lambda term: 3, 100)
    assert sum(wanted.terms[bigram] for bigram in ("疫苗", "苗联", "联盟")) == pytest.approx(wanted.terms["vaccine"])


def test_a_name_counts_in_any_of_its_spellings() -> None:
    wanted = wanting("When does the Lake Health Forum open?")
    assert len(wanted.names) == 1
    for text in ("the Lake Health Forum", "湖畔健康論壇", "am Seeforum"):
        assert held_by(wanted, [(TokenSet(text), 1.0)]).names == 1.0
    assert held_by(wanted, [(TokenSet("the Lake Forum"), 1.0)]).names == 0.0


def test_unseen_is_told() -> None:
    assert wanting("Does the Lake Health Forum discuss submarines?").unseen
    assert not wanting("Does the Lake Health Forum share vaccine data?").unseen


def test_what_is_held_is_a_share() -> None:
    wanted = wanting("How many delegates does the Lake Health Forum expect in 2024?")
    nothing, everything = held_by(wanted, []), held_by(wanted, [(TokenSet(wanted.question.text), 1.0)])
    assert (nothing.all, nothing.words, nothing.names) == (0.0, 0.0, 0.0)
    assert everything.all == everything.words == everything.names == pytest.approx(1.0)
    part = held_by(wanted, [(TokenSet("the delegates"), 1.0)])
    assert 0 < part.all < part.words < 1
    assert part.names == 0


@given(st.lists(st.sampled_from(["lake", "health", "forum", "delegates", "450", "2024", "seeforum", "goals", "x"]), max_size=10), st.floats(0, 1))
def test_shares_are_bounded_and_grow_with_text_and_credit(words: list[str], credit: float) -> None:
    wanted = wanting("How many delegates does the Lake Health Forum expect in 2024?")
    text = TokenSet(" ".join(words))
    held, more, less = (held_by(wanted, parts) for parts in ([(text, 1.0)], [(text, 1.0), (TokenSet("delegates"), 1.0)], [(text, credit)]))
    for share in ("all", "words", "names"):
        low, middle, high = (getattr(item, share) for item in (less, held, more))
        assert 0 <= low <= middle + 1e-9
        assert middle <= high + 1e-9
        assert high <= 1 + 1e-9


@pytest.mark.parametrize(
    ("kind", "text", "language", "strength"),
    [
        ("date", "It opens on 9 December 2024.", "en", 1.0),
        ("date", "论坛于12月9日开幕。", "zh", 1.0),
        ("date", "the Forum 2024", "en", 0.4),
        ("date", "It opens soon.", "en", 0.0),
        ("number", "450 delegates come.", "en", 1.0),
        ("number", "zwanzig Gäste", "de", 1.0),
        ("number", "It opens on 9 December 2024.", "en", 0.0),
        ("number", "many delegates come", "en", 0.0),
        ("who", "It is organised by the Blue Water Association.", "en", 1.0),
        ("who", "主办方为蓝水协会。", "zh", 1.0),
        ("who", "it is organised by friends", "en", 0.0),
        ("who", "am seeforum", "de", 1.0),
        ("reason", "anything", "en", 1.0),
        ("", "anything", "en", 1.0),
    ],
)
def test_how_surely_a_text_holds_what_is_asked_for(kind: str, text: str, language: str, strength: float) -> None:
    assert kind_strength(kind, text, language, NAMES) == strength
