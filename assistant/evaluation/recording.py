"""A language model whose answers are written down, so that a run can be replayed and a judge need not be asked twice.

    record   always asks, and appends what came
    replay   asks nobody: the n-th time a request is made, the n-th answer written down
    cache    what was written down last if it is there, else as `record`

It knows llama-index's interface and a file of JSON Lines. Only answers that came whole are written down.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import LLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.custom import CustomLLM
from pydantic import PrivateAttr

from assistant.answering.models import model_name
from assistant.errors import EvaluationError, ModelUnavailable
from assistant.evaluation.lines import json_lines

Mode = Literal["record", "replay", "cache"]


class Recorded(CustomLLM):
    """Wraps a model (None to replay). Safe for several threads; answers are taken and given by `achat`, `astream_chat` and what rests on them."""

    _inner: LLM | None = PrivateAttr()
    _path: Path = PrivateAttr()
    _mode: Mode = PrivateAttr()
    _held: dict[str, list[list[str]]] = PrivateAttr()
    _given: dict[str, int] = PrivateAttr()
    _guard: Any = PrivateAttr()
    _name: str = PrivateAttr()

    def __init__(self, inner: LLM | None, path: Path, mode: Mode, name: str = "") -> None:
        super().__init__()
        self._inner, self._path, self._mode = inner, path, mode
        self._name = name or (model_name(inner) if inner is not None else "recorded")
        self._given, self._guard = {}, threading.Lock()
        self._held = {} if mode == "record" else _read(path)
        if mode == "replay" and not path.is_file():
            raise EvaluationError(f"there is no recording {path}", fix="make one first: assistant eval run --record FILE with a model set up, or --judge with a judge")

    @classmethod
    def class_name(cls) -> str:
        return "recorded"

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self._name, is_chat_model=True) if self._inner is None else self._inner.metadata

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        key = self._key(messages, kwargs)
        held = self._written(key)
        if held is None:
            assert self._inner is not None
            response = self._inner.chat(messages, **kwargs)
            self._write(key, [response.message.content or ""])
            return response
        return _response("".join(held))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        key = self._key(messages, kwargs)
        held = self._written(key)
        if held is None:
            assert self._inner is not None
            response = await self._inner.achat(messages, **kwargs)
            self._write(key, [response.message.content or ""])
            return response
        return _response("".join(held))

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncIterator[ChatResponse]:
        key = self._key(messages, kwargs)
        held = self._written(key)

        async def live() -> AsyncIterator[ChatResponse]:
            assert self._inner is not None
            pieces: list[str] = []
            async for response in await self._inner.astream_chat(messages, **kwargs):
                pieces.append(response.delta or "")
                yield response
            self._write(key, pieces)

        async def again() -> AsyncIterator[ChatResponse]:
            text = ""
            for piece in held or ():
                text += piece
                yield _response(text, piece)
            yield _response(text, "", finish="stop")

        return live() if held is None else again()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self.chat([ChatMessage(role=MessageRole.USER, content=prompt)], **kwargs).message.content or "")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        text = self.complete(prompt, formatted, **kwargs).text

        def once() -> CompletionResponseGen:
            yield CompletionResponse(text=text, delta=text)

        return once()

    def _key(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> str:
        said = [[str(message.role), message.content] for message in messages]
        plain = {name: value for name, value in kwargs.items() if isinstance(value, (str, int, float, bool))}
        return hashlib.blake2b(json.dumps([self._name, said, plain], ensure_ascii=False, sort_keys=True).encode(), digest_size=12).hexdigest()

    def _written(self, key: str) -> list[str] | None:
        """What was written down for this request; None when the model is to be asked. Raises ModelUnavailable."""
        if self._mode == "record":
            return None
        with self._guard:
            held = self._held.get(key)
            if held:
                time = self._given.get(key, 0)
                self._given[key] = time + 1
                return held[min(time, len(held) - 1)] if self._mode == "replay" else held[-1]
        if self._mode == "replay":
            raise ModelUnavailable("the recording holds no answer to this request", fix="replay the run that was recorded, with its sets, settings and prompts")
        return None

    def _write(self, key: str, pieces: list[str]) -> None:
        with self._guard:
            self._held.setdefault(key, []).append(pieces)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "pieces": pieces}, ensure_ascii=False) + "\n")


def _response(text: str, delta: str | None = None, finish: str | None = None) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=delta, raw={"choices": [{"finish_reason": finish}]})


def _read(path: Path) -> dict[str, list[list[str]]]:
    """Answers by request; a last line that a kill cut short is left out."""
    if not path.is_file():
        return {}
    found: dict[str, list[list[str]]] = {}
    fix = "name a file that assistant eval run --record or --judge wrote, or move it away"
    for number, entry in json_lines(path, path.read_text("utf-8"), fix=fix):
        try:
            found.setdefault(entry["key"], []).append(list(map(str, entry["pieces"])))
        except (KeyError, TypeError) as error:
            raise EvaluationError(f"{path}, line {number} is no recorded answer", fix=fix) from error
    return found
