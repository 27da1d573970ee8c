"""Chat completions as OpenAI's clients know them, at /v1: the last message is the question, the citations come as annotations.

It translates; answers come from where the API's do.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from assistant.pipeline import LONGEST_QUESTION
from assistant.schema import Answer, Message
from assistant.web.access import Access, Caller
from assistant.web.api import EVENT_SCHEMA, SAYS_SOMETHING, begun
from assistant.web.asking import Desk
from assistant.web.documents import address_of
from assistant.web.problems import Problem, documented
from assistant.web.quotas import ASKING
from assistant.web.rendering import safe_link

MODEL = "forum-assistant"
_TURNS, _LONGEST_TURN = 20, 8000


class Part(BaseModel):
    """A piece of a message; only text is read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str = Field("", max_length=_LONGEST_TURN)


class _Said(BaseModel):
    model_config = ConfigDict(extra="allow")

    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content or [] if part.type == "text")


class UserMessage(_Said):
    """A question, as text or as pieces of text."""

    role: Literal["user"]
    content: Annotated[str, Field(max_length=LONGEST_QUESTION)] | Annotated[list[Part], Field(max_length=20)]


class OtherMessage(_Said):
    """What was answered before; instructions and tools are accepted and have no effect."""

    role: Literal["system", "developer", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=60_000)] | Annotated[list[Part], Field(max_length=20)] | None = None


# At least one message says what is asked.
_A_QUESTION = {"contains": {"type": "object", "required": ["role", "content"], "properties": {"role": {"const": "user"}, "content": {"type": "string", "pattern": SAYS_SOMETHING}}}}


class CompletionBody(BaseModel):
    """A conversation; the user's last message is the question. What else OpenAI's clients send is accepted and has no effect."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"model": MODEL, "messages": [{"role": "user", "content": "中关村生命科学园有多少家企业？"}]}]})

    model: str = Field(MODEL, max_length=200)
    messages: list[UserMessage | OtherMessage] = Field(min_length=1, max_length=200, json_schema_extra=_A_QUESTION)  # type: ignore[arg-type]
    stream: StrictBool | None = False


class Completion(BaseModel):
    """The answer as OpenAI's clients read it."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]


class ModelList(BaseModel):
    """The models there are: one."""

    object: Literal["list"]
    data: list[dict[str, Any]]


def annotated(answer: Answer, base: str, caller: Caller) -> list[dict[str, Any]]:
    """A `url_citation` for each place where the answer cites, its indices those of the sentence with its number; beside it the quote itself."""
    found = []
    portal = caller.portal.id if caller.portal else ""
    for citation in answer.citations:
        marker = f"[{citation.number}]"
        at = answer.text.find(f"{citation.quote} {marker}")
        begin = at if at >= 0 else answer.text.find(marker)
        stop = answer.text.find(marker, max(begin, 0)) + len(marker)
        url = safe_link(citation.source) or f"{base}/{address_of(citation.document_id, portal=portal, start=citation.start, end=citation.end)}"
        cited = {"start_index": max(begin, 0), "end_index": stop, "title": citation.title, "url": url}
        ours = {"number": citation.number, "document_id": citation.document_id, "quote": citation.quote, "start": citation.start, "end": citation.end, "language": citation.language, "date": citation.date}
        found.append({"type": "url_citation", "url_citation": {**cited, **ours}})
    return found


def routes(access: Access, desk: Desk) -> APIRouter:
    """`/v1/chat/completions` and `/v1/models`."""
    router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

    @router.get("/models", summary="The one model", response_class=JSONResponse, responses={200: {"model": ModelList}, **documented(401, 403)})
    def models(request: Request) -> JSONResponse:
        access.caller(request, "ask")
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}]})

    @router.post(
        "/chat/completions", summary="Ask as OpenAI's clients do", response_class=Response,
        responses={
            200: {"description": "The answer, or with `stream` its pieces.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Completion"}}, "text/event-stream": {"schema": EVENT_SCHEMA}}},
            **documented(400, 401, 403, 413, 422, 429, 503),
        },
    )  # fmt: skip
    async def complete(body: CompletionBody, request: Request) -> Response:
        caller = access.caller(request, "ask")
        said = [Message(message.role, message.text) for message in body.messages if message.role in ("user", "assistant") and message.text.strip()]
        while said and said[-1].role != "user":
            said.pop()
        if not said:
            raise Problem(422, "messages: none of the user's says anything.")
        if len(said[-1].text) > LONGEST_QUESTION:
            raise Problem(422, f"messages: the question has more than {LONGEST_QUESTION} characters.")
        desk.refuse_when_full()
        await access.quotas.spend(caller.quotas, ASKING)
        *before, question = said
        history = [Message(turn.role, turn.text[:_LONGEST_TURN]) for turn in before[-_TURNS:]]

        def asked() -> Iterator[str | Answer]:
            return caller.stream(question.text, history)

        events = await begun(desk.stream(asked))
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL}
        base = access.base(request)
        if body.stream:
            return StreamingResponse(_chunks(head, events, base, caller), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        answer = None
        async for one in events:
            answer = one
        assert isinstance(answer, Answer)
        message = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": annotated(answer, base, caller)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return JSONResponse({**head, "object": "chat.completion", "choices": [choice]}, headers={"Cache-Control": "no-store"})

    return router


async def _chunks(head: dict[str, Any], events: AsyncIterator[str | Answer], base: str, caller: Caller) -> AsyncIterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return b"data: " + JSONResponse({**head, "object": "chat.completion.chunk", "choices": [choice]}).body + b"\n\n"

    yield chunk({"role": "assistant", "content": ""})
    try:
        async for one in events:
            if isinstance(one, Answer):
                yield chunk({"annotations": annotated(one, base, caller)})
            else:
                yield chunk({"content": one}) if one else b": \n\n"
        yield chunk({}, "stop")
        yield b"data: [DONE]\n\n"
    except Exception as error:  # noqa: BLE001 - the response has begun: what went wrong is said within it
        problem = Problem.of(error)
        yield b"data: " + JSONResponse({"error": {"message": problem.detail, "type": problem.body()["title"], "code": problem.status}}).body + b"\n\n"
