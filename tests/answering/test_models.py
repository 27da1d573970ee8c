"""Language models by settings: an OpenAI-compatible server, and llama-index's packages."""

from __future__ import annotations

import sys
import types

import pytest
from llama_index.core.llms import ChatMessage, CustomLLM, MockLLM

from assistant.answering.models import load_llm, model_name
from assistant.errors import SettingsError
from assistant.settings import LLMSettings
from tests.servers import chat_server


def test_an_openai_compatible_server_is_asked_once_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    with chat_server(lambda messages: f"heard {messages[-1]['content']}") as (address, seen):
        llm = load_llm(LLMSettings(provider="openai-like", model="tiny", base_url=address, api_key_env="SOME_KEY", options={"max_tokens": 7}))
        assert llm.chat([ChatMessage(role="user", content="hello")]).message.content == "heard hello"
    assert model_name(llm) == "tiny"
    assert [(r["model"], r["max_tokens"], r["temperature"], r["authorization"]) for r in seen] == [("tiny", 7, 0.0, "Bearer secret")]


def test_any_package_of_llama_index_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(CustomLLM):
        model: str = ""
        base_url: str = ""
        request_timeout: float = 0.0
        max_tokens: int = 0
        complete = MockLLM.complete
        stream_complete = MockLLM.stream_complete
        metadata = MockLLM.metadata

    module = types.ModuleType("llama_index.llms.some_other")
    module.Other, module.MockLLM = Other, MockLLM  # type: ignore[attr-defined]
    Other.__name__ = "SomeOther"
    monkeypatch.setitem(sys.modules, "llama_index.llms.some_other", module)
    llm = load_llm(LLMSettings(provider="some-other", model="m", base_url="http://127.0.0.1:1", timeout_s=3.0, options={"max_tokens": 5}))
    assert isinstance(llm, Other)
    assert (llm.model, llm.base_url, llm.request_timeout, llm.max_tokens) == ("m", "http://127.0.0.1:1", 3.0, 5)
    with pytest.raises(SettingsError, match="could not be set up"):
        load_llm(LLMSettings(provider="some-other", options={"max_tokens": "many"}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"provider": "openai-like", "model": "m"}, "judge.base_url"),
        ({"provider": "no-such-thing"}, "pip install llama-index-llms-no-such-thing"),
        ({"provider": "../x"}, "is no provider"),
        ({"provider": "openai-like", "model": "m", "base_url": "http://127.0.0.1:1", "api_key_env": "NOT_THERE"}, "NOT_THERE"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_llm(LLMSettings(**values), "judge")
