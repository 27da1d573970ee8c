"""Small talk in every language, and questions that only look like it."""

from __future__ import annotations

import pytest

from assistant import Assistant
from assistant.answering.talk import kind_of_talk
from assistant.language.packs import codes, pack


@pytest.mark.parametrize("code", codes())
def test_every_phrase_of_a_pack_is_understood_in_some_way(code: str) -> None:
    for kind, phrases in pack(code).talk.items():
        for phrase in phrases:
            found = kind_of_talk(f"{phrase}!", code)
            assert found is not None
            assert found[0] == kind, phrase


@pytest.mark.parametrize(
    "question",
    ["When is the forum?", "Who organises the hello conference?", "Was weißt du über die DMEA?", "論壇什麼時候舉行？", "何社ですか？", "What medicines are shown at CPHI?", "Danke-Preis 2024: wer gewann?", "¿Quién fundó CEPI?"],
)
def test_a_question_is_a_question(question: str) -> None:
    assert kind_of_talk(question, "en") is None


@pytest.mark.parametrize(("said", "code"), [("Hello!", "en"), ("Vielen Dank!", "de"), ("你好", "zh"), ("ありがとうございます。", "ja"), ("¿Quién eres?", "es"), ("안녕하세요", "ko")])
def test_it_is_answered_in_its_language_without_passages(assistant: Assistant, said: str, code: str) -> None:
    assistant.ingest()
    answer = assistant.ask(said)
    assert (answer.mode, answer.language, answer.abstained, answer.passages) == ("talk", code, False, ())
    assert "{" not in answer.text
    assert "".join(str(piece) for piece in list(assistant.stream(said))[:-1]) == answer.text
