"""What a question says: its kind, its telling words, its names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.lexical import fold, lexical_tokens
from assistant.language.packs import QUESTION_KINDS, codes, pack
from assistant.retrieval.names import Names
from assistant.retrieval.questions import kind_of, spelling_tokens, understand

NAMES = Names([["昌平", "Changping"], ["Health Forum", "健康论坛"]])

KINDS = {
    "date": [("en", "When does the forum open?"), ("de", "An welchem Tag endet es?"), ("ja", "開催日はいつですか"), ("zh", "论坛什么时候举行？"), ("fr", "À quelle date a lieu le forum ?"), ("es", "¿Cuándo empieza?"), ("ko", "언제 열립니까?"), ("pt", "Quando começa o fórum?"), ("it", "Quando comincia?"), ("ru", "Когда начнётся форум?"), ("ar", "متى يبدأ المنتدى؟")],
    "number": [("en", "How many companies took part?"), ("de", "Wie viele Gäste kamen?"), ("ja", "何人が参加しましたか"), ("zh", "有多少人参加？"), ("fr", "Combien de personnes ?"), ("es", "¿Cuántas empresas hay?"), ("ko", "몇 명이 왔습니까?"), ("pt", "Quantas empresas há?"), ("it", "Quante persone?"), ("ru", "Сколько человек пришло?"), ("ar", "كم عدد المشاركين؟")],
    "who": [("en", "Who organises it?"), ("de", "Welche Unternehmen nehmen teil?"), ("ja", "主催者は誰ですか"), ("zh", "谁主办论坛？"), ("fr", "Qui organise le forum ?"), ("es", "¿Quién lo organiza?"), ("ko", "누가 주최합니까?"), ("pt", "Quem organiza?"), ("it", "Chi organizza?"), ("ru", "Кто организует форум?"), ("ar", "من ينظم المنتدى؟")],
    "place": [("en", "Where is it?"), ("de", "In welcher Stadt ist es?"), ("ja", "会場はどこですか"), ("zh", "论坛在哪里举行？"), ("fr", "Où se trouve le forum ?"), ("es", "¿Dónde es?"), ("ko", "어디에서 열립니까?"), ("pt", "Onde fica?"), ("it", "Dove si trova?"), ("ru", "Где он пройдёт?"), ("ar", "أين يقام المنتدى؟")],
    "reason": [("en", "Why was it founded?"), ("de", "Warum wurde es gegründet?"), ("ja", "なぜ設立されたのですか"), ("zh", "为什么成立？"), ("fr", "Pourquoi ce forum ?"), ("es", "¿Por qué se fundó?"), ("ko", "왜 설립되었습니까?"), ("pt", "Por que foi fundado?"), ("it", "Perché è nato?"), ("ru", "Почему он основан?"), ("ar", "لماذا تأسس؟")],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "language", "question"), [(kind, code, q) for kind, rows in KINDS.items() for code, q in rows])
def test_the_kind_asked_for(kind: str, language: str, question: str) -> None:
    assert kind_of(question, language)[0] == kind


@pytest.mark.parametrize("language", codes())
def test_every_phrase_of_a_pack_is_recognised(language: str) -> None:
    for kind in QUESTION_KINDS:
        for phrase in pack(language).questions[kind]:
            found, asking = kind_of(phrase, language)
            assert found in QUESTION_KINDS
            assert len(asking) >= len(" ".join(fold(phrase).split())), (kind, phrase)


@pytest.mark.parametrize(("question", "language"), [("Whenever", "en"), ("Somewhere", "en"), ("", "en"), ("forum", "en"), ("Wanne", "de"), ("When is it?", "xx")])
def test_no_kind_without_its_phrase_as_whole_words(question: str, language: str) -> None:
    assert kind_of(question, language) == ("", "")


def test_the_longest_phrase_decides() -> None:
    assert kind_of("Which companies took part?", "en") == ("who", "which companies")
    assert kind_of("Which topics were there?", "en")[0] == "list"
    assert kind_of("How long did it take?", "en") == ("date", "how long")


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("When is the congress on vaccines?", {"congress", "vaccines"}),
        ("Wann ist der Kongress über Impfstoffe?", {"kongress", "impfstoffe"}),
        ("Which companies sponsor the congress?", {"sponsor", "congress"}),
        ("What is 5G?", {"5", "g"}),
        ("Quand a lieu le congrès ?", {"congres"}),
        ("疫苗大会何时举行？", {"疫苗", "苗大", "大会"}),
    ],
)
def test_terms_are_the_telling_words(question: str, terms: set[str]) -> None:
    found = set(understand(question, Names([])).terms)
    assert terms - {"g"} <= found
    assert not found & {"when", "is", "the", "wann", "ist", "der", "what", "quand", "le", "何时"}


def test_the_noun_of_an_asking_phrase_is_known_as_such() -> None:
    question = understand("Which companies sponsor the congress?", Names([]))
    assert question.kind == "who"
    assert question.asking == {"which", "companies"}


def test_names_are_no_terms_but_keywords() -> None:
    question = understand("When is the Changping congress on vaccines?", NAMES)
    assert question.language == "en"
    assert question.kind == "date"
    assert [set(name.spellings) for name in question.names] == [{"昌平", "Changping"}]
    assert "changping" not in question.terms
    assert {"congress", "vaccines"} <= set(question.terms)
    assert question.keywords[0] == "Changping"
    assert {"congress", "vaccines"} <= set(question.keywords)


def test_a_given_language_is_taken() -> None:
    assert understand("Forum 2024", Names([]), language="de").language == "de"
    assert understand("Forum", Names([]), language="xx").kind == ""


def test_spellings_as_phrases_each_once() -> None:
    [name] = understand("the Health Forum", Names([["Health Forum", "HEALTH FORUM", "健康论坛", "健康論壇"]])).names
    assert set(spelling_tokens(name)) == {("health", "forum"), ("健康", "康论", "论坛")}


@given(st.text(max_size=80), st.sampled_from(("", *codes())))
def test_any_text_can_be_understood(text: str, language: str) -> None:
    question = understand(text, NAMES, language=language)
    assert question.text == text
    assert question.kind in ("", *QUESTION_KINDS)
    assert len(question.terms) == len(set(question.terms))
    assert len(question.keywords) == len(set(question.keywords))
    tokens = set(lexical_tokens(text))
    if not question.names:
        assert not question.terms or tokens
