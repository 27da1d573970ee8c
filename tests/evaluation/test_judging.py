"""A judge model, its recording, and what it could not judge; against a real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import MockLLM
from typer.testing import CliRunner

from assistant import Assistant
from assistant.answering.models import load_llm
from assistant.cli import app
from assistant.errors import EvaluationError, ModelUnavailable
from assistant.evaluation.judging import agreements, judge
from assistant.evaluation.recording import Recorded
from assistant.settings import LLMSettings
from tests.evaluation.test_metrics import result
from tests.evaluation.test_runs import assistant, place
from tests.servers import chat_server

__all__ = ["assistant", "place"]  # fixtures

CITED = ({"number": 1, "document": "d.de.md", "quote": "Das Forum beginnt am 12. Mai."},)
GOLD = ({"document": "d.de.md", "quote": "beginnt am 12. Mai"},)
RESULTS = [replace(result(key), question=f"Wann? {key}", text=f"Am 12. Mai. {key}", citations=CITED, gold=GOLD) for key in ("right", "wrong", "odd", "fault")]


def opinion(messages: list[dict[str, Any]]) -> str:
    said = "\n".join(message["content"] for message in messages)
    if "fault" in said:
        raise RuntimeError
    if "odd" in said:
        return "I cannot tell."
    if "YES" in said:
        return "NO" if "12. Mai. wrong" in said else "YES"
    return "1.0\nIt says something else." if "12. Mai. wrong" in said else "5.0\nIt says the same."


def model(address: str) -> Any:
    return load_llm(LLMSettings(provider="openai-like", model="tiny", base_url=address))


def test_a_verdict_that_was_not_given_is_unmeasured(tmp_path: Path) -> None:
    with chat_server(opinion) as (address, seen):
        found = judge([*RESULTS, result("refused", answered=False)], Recorded(model(address), tmp_path / "judged.jsonl", "cache"))
        asked = len(seen)
        assert {o.key: (o.faithful, o.correct) for o in found.opinions} == {"right": (True, True), "wrong": (False, False), "odd": (None, None), "fault": (None, None)}
        assert found.faults["InternalServerError"] == 2
        # What was answered is not asked again, what failed is.
        again = judge(RESULTS, Recorded(model(address), tmp_path / "judged.jsonl", "cache"))
        assert again.opinions == found.opinions
        assert 0 < len(seen) - asked < asked
    correct, faithful = agreements(found, RESULTS)
    assert (correct.measured, correct.unmeasured, correct.agreement) == (2, 2, 0.5)
    assert faithful.who == "tiny: faithful"


def test_a_judge_gates_nothing(assistant: Assistant, place: Path) -> None:
    with chat_server(lambda messages: "NO\n1.0") as (address, _):
        (place / "assistant.toml").write_text(f'[corpus]\npaths = ["corpus"]\n[index]\npath = "indexes/default"\n[judge]\nprovider = "openai-like"\nmodel = "tiny"\nbase_url = "{address}"\n', "utf-8")
        done = CliRunner().invoke(app, ["eval", "run", "--judge", "--html", "r.html"])
        assert done.exit_code == 0, done.output
    assert "judge tiny: faithful" in done.output
    assert "tiny: faithful" in (place / "r.html").read_text("utf-8")
    # Without the server, what the judge said can be had again.
    text = (place / "assistant.toml").read_text("utf-8")
    (place / "assistant.toml").write_text(text.replace('provider = "openai-like"\n', ""), "utf-8")
    again = CliRunner().invoke(app, ["eval", "run", "--judge"])
    assert again.exit_code == 0, again.output
    assert [line for line in again.output.splitlines() if line.startswith("judge ")] == [line for line in done.output.splitlines() if line.startswith("judge ")]
    (place / "assistant.toml").unlink()
    done = CliRunner().invoke(app, ["eval", "run", "--judge"])
    assert isinstance(done.exception, EvaluationError)


class Counting(MockLLM):
    """Answers with a number that grows."""

    def __init__(self) -> None:
        super().__init__()
        self._times = 0

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncIterator[ChatResponse]:  # type: ignore[override]
        self._times += 1
        time = self._times

        async def pieces() -> AsyncIterator[ChatResponse]:
            for piece in ("answer ", str(time)):
                yield ChatResponse(message=ChatMessage(role="assistant", content=piece), delta=piece)

        return pieces()


def streamed(llm: Any, text: str) -> list[str]:
    async def read() -> list[str]:
        return [piece.delta or "" async for piece in await llm.astream_chat([ChatMessage(role="user", content=text)])]

    # In a thread of its own: a browser test of the same process may have a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, read()).result()


def test_a_recording_replays_answer_by_answer(tmp_path: Path) -> None:
    path = tmp_path / "recorded.jsonl"
    live = Recorded(Counting(), path, "record", name="m")
    first = [streamed(live, "a"), streamed(live, "b"), streamed(live, "a")]
    assert first == [["answer ", "1"], ["answer ", "2"], ["answer ", "3"]]
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "cut')
    again = Recorded(None, path, "replay", name="m")
    assert ["".join(streamed(again, text)) for text in ("a", "b", "a")] == ["answer 1", "answer 2", "answer 3"]
    with pytest.raises(ModelUnavailable, match="holds no answer"):
        streamed(again, "c")
    with pytest.raises(EvaluationError, match="no recording"):
        Recorded(None, tmp_path / "none.jsonl", "replay")


def test_a_broken_recording_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"key": "a", "pieces": ["x"]}\nno json\n{"key": "a", "pieces": ["x"]}\n', "utf-8")
    with pytest.raises(EvaluationError, match="line 2"):
        Recorded(None, tmp_path / "r.jsonl", "replay")
