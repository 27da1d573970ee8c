"""Answers made of quotes, and honest refusals."""

from __future__ import annotations

import pytest

from assistant.language.packs import codes, pack
from assistant.schema import Chunk, ScoredChunk
from tests.answering.shelf import BY_ID, DOCUMENTS, answered, ask, document, ranked, wanting


@pytest.mark.parametrize(
    ("question", "held", "language"),
    [
        ("When does the Lake Health Forum open?", "opens on 9 December 2024", "en"),
        ("How many delegates does the Lake Health Forum expect?", "450 delegates", "en"),
        ("Who organises the Lake Health Forum?", "Blue Water Association", "en"),
        ("Why was the Lake Health Forum founded?", "rural clinics lacked vaccines", "en"),
        ("What is the annual budget of the Copper Cluster?", "3.5 million euros", "en"),
        ("Wann beginnt das Seeforum?", "am 9. Dezember 2024", "de"),
        ("Wie viele Gäste werden am Seeforum erwartet?", "450 Gäste", "de"),
        ("湖畔健康论坛何时开幕？", "2024年12月9日", "zh"),
        ("湖畔健康論壇何時開幕？", "2024年12月9日", "zh"),
        ("レイクヘルスフォーラムはいつ開幕しますか？", "2024年12月9日に開幕", "ja"),
    ],
)
def test_the_sentence_that_answers_is_quoted(question: str, held: str, language: str) -> None:
    answer = ask(question)
    assert not answer.abstained
    assert answer.mode == "extractive"
    assert answer.language == language
    assert held in answer.citations[0].quote or any(held in c.quote for c in answer.citations if c.language == language)
    assert answer.citations[0].language == language
    assert BY_ID[answer.citations[0].document_id].title in answer.text


def test_a_list_is_quoted_whole_with_what_opens_it() -> None:
    answer = ask("What are the goals of the Lake Health Forum?")
    assert any(c.quote == "The forum has three goals:\n- share vaccine data\n- train nurses\n- reach remote patients" for c in answer.citations)


def test_a_quote_keeps_its_abbreviation() -> None:
    [citation] = [c for c in ask("Was kostet die Anmeldung für Studierende?").citations if c.language == "de"]
    assert citation.quote == "Die Anmeldung kostet z. B. für Studierende 20 Euro."


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Peru?",
        "When does the submarine museum open?",
        "How many submarines does the Lake Health Forum own?",
        "What is the budget of the Lake Health Forum?",
        "Wie hoch ist der Eintritt ins Schwimmbad?",
        "月球的首都在哪里？",
        "zzz qqq",
    ],
)
def test_without_evidence_it_abstains_and_says_what_came_nearest(question: str) -> None:
    answer = ask(question)
    assert answer.abstained
    assert answer.mode == "abstained"
    assert not answer.citations
    assert not answer.statements
    assert answer.text.startswith(pack(answer.language).answers["refusal"])
    assert answer.passages
    assert answer.passages[0].chunk.title in answer.text


@pytest.mark.parametrize("code", codes())
def test_it_refuses_in_every_language(code: str) -> None:
    answer = ask("zzz qqq", language=code)
    assert answer.language == code
    assert answer.text.startswith(pack(code).answers["refusal"])


def test_a_language_without_a_pack_is_answered_in_english() -> None:
    assert ask("Πότε είναι το φόρουμ;").language == "en"


@pytest.mark.parametrize("question", ["", "?", "the", "2024"])
def test_a_question_that_says_nothing_is_no_error(question: str) -> None:
    assert ask(question).question == question


def test_no_passages_no_answer() -> None:
    answer = answered(wanting("When does the Lake Health Forum open?"), [], BY_ID.__getitem__)
    assert answer.abstained
    assert answer.passages == ()
    assert pack("en").answers["refusal_nearest"] not in answer.text


def test_a_foreign_quote_is_marked_as_such() -> None:
    answer = ask("Wann öffnet das Lake Health Forum?", [DOCUMENTS[0]])
    assert answer.language == "de"
    assert answer.citations[0].language == "en"
    assert pack("de").answers["untranslated"].format(language="Englisch") in answer.notes
    assert answer.notes[0] in answer.text
    assert "(auf Englisch, 9. Mai 2024)" in answer.text


def test_the_answer_speaks_the_language_asked_for() -> None:
    answer = ask("When does the Lake Health Forum open?", language="fr")
    assert answer.language == "fr"
    assert "anglais" in answer.text
    assert "9 mai 2024" in answer.text


def test_a_document_without_a_date_is_introduced_without() -> None:
    answer = ask("湖畔健康论坛何时开幕？", [DOCUMENTS[2]])
    assert answer.text.startswith("摘自《湖畔健康论坛》：\n")


def test_nothing_is_quoted_twice() -> None:
    twin = document("twin", "en", "Lake Health Forum, again", DOCUMENTS[0].text)
    answer = ask("Who organises the Lake Health Forum?", [DOCUMENTS[0], twin])
    quotes = [c.quote for c in answer.citations]
    assert len(quotes) == len(set(quotes))


@pytest.mark.parametrize("quotes", [1, 2, 3])
def test_no_more_quotes_than_the_settings_allow(quotes: int) -> None:
    many = [document(f"m{n}", "en", "Lake Health Forum", f"The Lake Health Forum shares {word} data with clinics.") for n, word in enumerate(["vaccine", "blood", "heart", "bone", "skin"])]
    answer = ask("Which data does the Lake Health Forum share with clinics?", many, quotes=quotes)
    assert 1 <= len(answer.citations) <= quotes


def test_more_confidence_can_be_demanded() -> None:
    question = "When does the Lake Health Forum open?"
    assert not ask(question, confidence=0.0).abstained
    assert ask(question, confidence=1.0).abstained


def test_a_passage_that_may_only_be_linked_to_is_not_quoted() -> None:
    wanted = wanting("When does the Lake Health Forum open?")
    link = Chunk("default/shelf/lake.md#0", "default/shelf/lake.md", "", 0, 0, language="en", title="Lake Health Forum", source="https://example.org/lake")
    answer = answered(wanted, [ScoredChunk(link, 1.0, 1)], BY_ID.__getitem__)
    assert not answer.citations
    assert answer.abstained
    assert "9 December" not in answer.text
    assert "https://example.org/lake" in answer.text


def test_an_answer_shows_no_more_passages_than_top_k() -> None:
    assert len(ask("When does the Lake Health Forum open?", top_k=2).passages) == 2
    wanted = wanting("When does the Lake Health Forum open?")
    assert [p.rank for p in ranked(wanted)] == list(range(1, len(ranked(wanted)) + 1))


def test_the_part_of_a_question_that_no_quote_answers_is_named() -> None:
    beginning = document("plain", "en", "Harbour Forum", "The Harbour Forum opens for its guests on 9 December 2024.")
    answer = ask("When does the Harbour Forum open and how many guests are expected?", [beginning], confidence=0.0)
    assert not answer.abstained
    assert pack("en").answers["missing_number"] in answer.notes
    assert pack("en").answers["missing_date"] not in answer.notes
    assert not [note for note in ask("When does the Harbour Forum open?", [beginning]).notes if note == pack("en").answers["missing_number"]]
