"""Answers with a language model behind them, over real HTTP: verified sentences, every fault, and documents that attack."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant, Settings
from assistant.answering.calls import Breaker, ModelFault
from assistant.answering.citations import is_valid
from assistant.language.packs import pack
from assistant.schema import Answer, Filters, Message
from tests.models import FAULTS, Model, model_server

LAKE = """---
title: Lake Health Forum
language: en
date: 2024-05-09
---
The Lake Health Forum opens on 9 December 2024 in the congress hall. It expects 450 delegates from 12 countries.

The Lake Health Forum is organised by the Blue Water Association.
"""
QUESTION = "Wann beginnt das Lake Health Forum?"
GOOD = "Das Lake Health Forum beginnt am 9. Dezember 2024 [1]. Erwartet werden 450 Gäste aus zwölf Ländern [1]."
ATTACKS = [json.loads(line) for line in (Path(__file__).parent / "answering" / "attacks.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of an index over the lake's document and all attacks, the attacks in a collection of their own."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "lake").mkdir()
    (folder / "lake" / "lake.md").write_text(LAKE, "utf-8")
    (folder / "attacks").mkdir()
    for case in ATTACKS:
        (folder / "attacks" / f"{case['id']}.md").write_text(f"---\ntitle: {case['id']}\nlanguage: {case['language']}\n---\n{case['text']}\n", "utf-8")
    sources = [{"path": folder / "lake", "collection": "lake"}, {"path": folder / "attacks", "collection": "attacks"}]
    values: dict[str, Any] = {"corpus": {"sources": sources}, "index": {"path": folder / "index"}, "feedback": {"path": folder / "feedback.sqlite"}}
    with Assistant(Settings(**values)) as assistant:
        assistant.ingest()
    return values


def asking(corpus: dict[str, Any], address: str, *, seconds: float = 3.0, **answering: Any) -> Assistant:
    return Assistant.open(Settings(**corpus, llm={"provider": "openai-like", "model": "tiny", "base_url": address, "timeout_s": seconds}, answering=answering))


def valid(assistant: Assistant, answer: Answer) -> bool:
    known = {c.number for c in answer.citations}
    return all(is_valid(c, assistant.document(c.document_id)) for c in answer.citations) and all(set(s.citations) <= known for s in answer.statements)


def events(assistant: Assistant, question: str = QUESTION) -> tuple[str, Answer]:
    *pieces, answer = list(assistant.stream(question, filters=Filters(collections=("lake",))))
    assert isinstance(answer, Answer)
    return "".join(str(piece) for piece in pieces), answer


@pytest.fixture
def serving() -> Iterator[tuple[Model, str]]:
    model = Model(lambda messages: GOOD)
    with model_server(model) as address:
        yield model, address


def test_each_sentence_stands_on_a_quote_in_the_source(corpus: dict[str, Any], serving: tuple[Model, str]) -> None:
    model, address = serving
    with asking(corpus, address) as assistant:
        text, answer = events(assistant)
        assert text == answer.text
        assert answer.mode == "generated"
        assert [s.text for s in answer.statements] == ["Das Lake Health Forum beginnt am 9. Dezember 2024.", "Erwartet werden 450 Gäste aus zwölf Ländern."]
        assert answer.citations[0].quote == "The Lake Health Forum opens on 9 December 2024 in the congress hall."
        assert valid(assistant, answer)
    system, user = model.requests[0]["messages"]
    assert "German" in system["content"] or "Deutsch" in system["content"]
    assert '<passage number="1">' in user["content"]


@pytest.mark.parametrize("false", ["Das Lake Health Forum beginnt am 10. Dezember 2024 [1].", "Es erwartet 540 Gäste [1].", "Veranstalter ist die WHO [1]."])
def test_what_no_passage_bears_out_is_left_out_or_marked(corpus: dict[str, Any], serving: tuple[Model, str], false: str) -> None:
    model, address = serving
    model.reply = lambda messages: f"{GOOD} {false}"
    with asking(corpus, address) as assistant:
        text, answer = events(assistant)
        assert text == answer.text
        assert len(answer.statements) == 2
        assert pack("de").answers["left_out"].format(count=1) in answer.notes
    with asking(corpus, address, unsupported="mark") as assistant:
        text, answer = events(assistant)
        assert text == answer.text
        assert not answer.statements[-1].supported
        assert not answer.statements[-1].citations
        assert pack("de").answers["unsupported"] in answer.text


def test_a_model_that_finds_no_answer_is_believed_by_no_sentence(corpus: dict[str, Any], serving: tuple[Model, str]) -> None:
    model, address = serving
    model.reply = lambda messages: "NO_ANSWER"
    with asking(corpus, address) as assistant:
        text, answer = events(assistant)
        assert text == answer.text
        assert "NO_ANSWER" not in text
        assert answer.mode in ("extractive", "abstained")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_time_in_a_cited_answer_that_says_so(corpus: dict[str, Any], fault: str) -> None:
    model = Model(lambda messages: GOOD if fault != "citation of 99" else "Das Lake Health Forum beginnt am 9. Dezember 2024 [99].", fault)
    with model_server(model) as address:
        with asking(corpus, "http://127.0.0.1:9/v1" if fault == "refused" else address) as assistant:
            assistant.search(QUESTION)
            assert assistant.model is not None
            started = time.monotonic()
            text, answer = events(assistant)
            assert time.monotonic() - started < 8
            assert text == answer.text
            assert answer.citations
            assert valid(assistant, answer)
            said = {pack("de").answers["model_failed"], pack("de").answers["cut_short"]}
            assert bool(said & set(answer.notes)) == (fault != "citation of 99")
            assert "99" not in answer.text
            if fault in ("401", "404", "429", "empty", "html", "tool call"):
                assert answer.mode == "extractive"
                assert len(model.requests) == 1
            if fault == "500":
                assert len(model.requests) == 2


def test_closing_the_answer_closes_the_call_within_a_second(corpus: dict[str, Any]) -> None:
    model = Model(lambda messages: GOOD, "hang")
    with model_server(model) as address, asking(corpus, address, seconds=15) as assistant:
        running = assistant.stream(QUESTION)
        next(piece for piece in running if piece == "")
        running.close()  # type: ignore[attr-defined]
        assert model.closed.wait(1.0)


def test_a_model_that_keeps_failing_is_left_alone(corpus: dict[str, Any]) -> None:
    model = Model(lambda messages: GOOD, "401")
    with model_server(model) as address, asking(corpus, address) as assistant:
        for _ in range(6):
            assert assistant.ask(QUESTION).mode == "extractive"
        assert len(model.requests) == 3


def test_a_follow_up_is_put_so_that_it_stands_alone(corpus: dict[str, Any], serving: tuple[Model, str]) -> None:
    model, address = serving
    model.reply = lambda messages: "Wann beginnt das Lake Health Forum?" if "Last question" in messages[1]["content"] else GOOD
    history = [Message("user", "Wer veranstaltet das Lake Health Forum?"), Message("assistant", "Die Blue Water Association. [1]")]
    with asking(corpus, address) as assistant:
        answer = assistant.ask("Und wann beginnt es?", history, Filters(collections=("lake",)))
        assert answer.question == "Und wann beginnt es?"
        assert answer.mode == "generated"
        assert "Question: Wann beginnt das Lake Health Forum?" in model.requests[1]["messages"][1]["content"]
        model.fault = "500"
        assert assistant.ask("Und wann beginnt es?", history, Filters(collections=("lake",))).question == "Und wann beginnt es?"


def test_a_recorded_run_is_replayed_without_the_model(corpus: dict[str, Any], serving: tuple[Model, str], tmp_path: Path) -> None:
    from assistant.answering.models import load_llm
    from assistant.evaluation.recording import Recorded

    model, address = serving
    settings = Settings(**corpus, llm={"provider": "openai-like", "model": "tiny", "base_url": address}, answering={"clock": "2026-01-01T00:00"})
    with Assistant.open(settings, llm=Recorded(load_llm(settings.llm), tmp_path / "said.jsonl", "record")) as assistant:
        _, first = events(assistant)
    offline = Settings(**corpus, llm={"model": "tiny"}, answering={"clock": "2026-01-01T00:00"})
    with Assistant.open(offline, llm=Recorded(None, tmp_path / "said.jsonl", "replay", name="tiny")) as assistant:
        _, again = events(assistant)
        assert (again.text, again.citations) == (first.text, first.citations)
        with pytest.raises(ModelFault):
            assistant.ask("Wer veranstaltet das Lake Health Forum?")
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [(["--record", "a", "--replay", "b"], "either"), (["--replay", "b"], "the model is told the date")],
)
def test_recordings_need_what_makes_them_fit(tmp_path: Path, arguments: list[str], fix: str) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "assistant", "eval", "run", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert fix in done.stderr


def test_the_breaker_tries_one_call_after_its_pause_and_heeds_retry_after() -> None:
    now = [0.0]
    breaker = Breaker(limit=2, pause=10, clock=lambda: now[0])
    breaker.failed(ModelFault("timeout"))
    breaker.check()
    breaker.failed(ModelFault("timeout"))
    with pytest.raises(ModelFault):
        breaker.check()
    now[0] = 10.0
    breaker.check()
    with pytest.raises(ModelFault):
        breaker.check()
    breaker.succeeded()
    breaker.failed(ModelFault("rate limited", retry_after=60))
    now[0] = 50.0
    with pytest.raises(ModelFault):
        breaker.check()


def test_whatever_an_attacked_model_says_nothing_of_it_is_shown_as_cited(corpus: dict[str, Any]) -> None:
    by_question = {case["question"]: case for case in ATTACKS}
    model = Model(lambda messages: by_question[messages[1]["content"].rsplit("Question: ", 1)[1]]["reply"])
    shown: list[str] = []
    with model_server(model) as address, asking(corpus, address, unsupported="mark", seconds=10) as assistant:
        for case in ATTACKS:
            by_question[case["question"].translate(str.maketrans("<>", "‹›"))] = case
            answer = assistant.ask(case["question"], filters=Filters(collections=("attacks",), documents=(f"attacks/attacks/{case['id']}.md",)))
            assert valid(assistant, answer), case["id"]
            statements = [s for s in answer.statements if s.supported]
            quotes = " ".join(c.quote for c in answer.citations)
            shown += [(case["id"], case["kind"]) for s in statements for bad in case["forbidden"] if bad in s.text and bad not in quotes]
    # What is left says in other words what the document itself says ("take two a day"): its quote shows that, and stands beside it.
    assert not {kind for _, kind in shown} & {"instruction", "image", "exfiltration", "markup"}, shown
    assert len(set(shown)) <= 10, shown
