"""The HTTP API below /api/v1: ask (JSON, or server-sent events), search, documents, feedback, and a portal's visits.

It turns requests into questions and answers into JSON; who may see what is `access`'s business, when they are answered `asking`'s.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from assistant.feedback import LONGEST_COMMENT, REASONS
from assistant.language.packs import codes
from assistant.pipeline import LONGEST_QUESTION
from assistant.schema import Answer, Document, Filters, Message, ScoredChunk, as_json
from assistant.web.access import Access, Caller
from assistant.web.asking import Desk
from assistant.web.problems import Problem, documented
from assistant.web.quotas import ASKING, READING
from assistant.web.rendering import Block, blocks_of

_TURNS, _LONGEST_TURN = 20, 8000
# Control characters count as blank where Python strips them, and not where the schema's patterns are read.
SAYS_SOMETHING = r"[^\s\x00-\x1f\x7f-\xa0]"
EVENT_SCHEMA = {"type": "object", "description": "A server-sent event, its data in JSON.", "required": ["data"], "properties": {"event": {"type": "string"}, "data": {"type": "string"}}}
_NO_STORE = {"Cache-Control": "no-store"}
_QUESTION = "Wann fand die DMEA 2024 statt?"
_DAY = r"^(|\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?)$"
Language = Annotated[str, Field(description="Language of the answer; the question's when empty.", json_schema_extra={"enum": ["", *codes()]}, pattern=rf"^({'|'.join(codes())})?$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Turn(_Body):
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str = Field(max_length=_LONGEST_TURN)


class Restrictions(_Body):
    """What the answer may rest on; an empty list or date restricts nothing."""

    collections: Annotated[list[str], Field(max_length=50)] = []
    languages: Annotated[list[str], Field(max_length=50)] = []
    documents: Annotated[list[str], Field(max_length=200)] = []
    date_from: Annotated[str, Field(pattern=_DAY, description="Earliest publication date, as 2024, 2024-04 or 2024-04-09.")] = ""
    date_to: Annotated[str, Field(pattern=_DAY, description="Latest publication date.")] = ""

    def filters(self) -> Filters:
        return Filters(tuple(self.collections), tuple(self.languages), tuple(self.documents), self.date_from, self.date_to)


class AskBody(_Body):
    """A question, and what it goes on from."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"question": _QUESTION}, {"question": "And in 2025?", "history": [{"role": "user", "text": _QUESTION}], "language": "en"}]})

    question: str = Field(min_length=1, max_length=LONGEST_QUESTION, pattern=SAYS_SOMETHING, description="In any language.")
    history: Annotated[list[Turn], Field(max_length=_TURNS)] = []
    filters: Restrictions = Restrictions()
    language: Language = ""


class FeedbackBody(_Body):
    """A word on an answer. `id` adds to a word given before."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"receipt": "WyJjb25z…", "rating": "down", "reason": "incomplete", "comment": "The second day is missing."}]})

    receipt: str = Field(max_length=60_000, description="The answer's receipt.")
    rating: Literal["up", "down"]
    reason: str = Field("", pattern=rf"^({'|'.join(REASONS)})?$", json_schema_extra={"enum": ["", *REASONS]})
    comment: str = Field("", max_length=LONGEST_COMMENT)
    id: str = Field("", pattern=r"^([0-9a-f]{16})?$")


class Given(BaseModel):
    """Feedback that was kept."""

    id: str = Field(examples=["3f2a9c0b7d1e4f58"])


class Visit(BaseModel):
    """A visitor's token, for the header X-Visitor-Token, and the seconds it is good for."""

    token: str
    expires_in: int = Field(examples=[900])


@dataclass(frozen=True, slots=True)
class Told(Answer):
    """An Answer over HTTP. `blocks` are its text as it is shown; `receipt` is for feedback on it."""

    blocks: tuple[Block, ...] = ()
    receipt: str = ""


def told(access: Access, caller: Caller, answer: Answer) -> dict[str, Any]:
    """The answer as JSON for a caller."""
    given = {field.name: getattr(answer, field.name) for field in fields(Answer)}
    found: dict[str, Any] = as_json(Told(**given, blocks=blocks_of(answer), receipt=access.receipt(caller, answer)))
    return found


def event(name: str, data: Any) -> bytes:
    """A server-sent event with JSON in it."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def begun(events: AsyncIterator[str | Answer]) -> AsyncIterator[str | Answer]:
    """The same events, the first of them awaited: what cannot be answered is known before the response begins."""
    first = await anext(events)

    async def all_of() -> AsyncIterator[str | Answer]:
        yield first
        async for one in events:
            yield one

    return all_of()


def routes(access: Access, desk: Desk) -> APIRouter:
    """The API's routes."""
    router = APIRouter(prefix="/api/v1")

    @router.post(
        "/ask", summary="Ask a question", tags=["answers"], response_class=Response,
        responses={
            200: {
                "description": "The answer: as JSON, or with `Accept: text/event-stream` as events: `text` for each piece, then `answer` with all of it, or `error`.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Told"}}, "text/event-stream": {"schema": EVENT_SCHEMA, "example": 'event: text\ndata: {"text": "…"}\n\nevent: answer\ndata: {…}\n\n'}},
            },
            **documented(400, 401, 403, 413, 422, 429, 503),
        },
    )  # fmt: skip
    async def ask(body: AskBody, request: Request) -> Response:
        caller = access.caller(request, "ask")
        desk.refuse_when_full()
        await access.quotas.spend(caller.quotas, ASKING)
        history = [Message(turn.role, turn.text) for turn in body.history]

        def asked() -> Iterator[str | Answer]:
            return caller.stream(body.question, history, body.filters.filters(), language=body.language)

        events = await begun(desk.stream(asked))
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(_as_events(access, caller, events), media_type="text/event-stream", headers={**_NO_STORE, "X-Accel-Buffering": "no"})
        answer = None
        async for one in events:
            answer = one
        assert isinstance(answer, Answer)
        return JSONResponse(told(access, caller, answer), headers=_NO_STORE)

    @router.get("/search", summary="Passages for a question", tags=["passages"], response_class=JSONResponse, responses={200: {"model": list[ScoredChunk]}, **documented(401, 403, 422, 429, 503)})
    async def search(
        request: Request,
        question: Annotated[str, Query(min_length=1, max_length=LONGEST_QUESTION, pattern=SAYS_SOMETHING, openapi_examples={"German": {"value": _QUESTION}})],
        top_k: Annotated[int, Query(ge=1, le=100)] = 5,
        collection: Annotated[list[str], Query(max_length=50, description="Only these collections.")] = [],  # noqa: B006
        language: Annotated[list[str], Query(max_length=50, description="Only documents in these languages.")] = [],  # noqa: B006
    ) -> JSONResponse:
        caller = access.caller(request, "search")
        desk.refuse_when_full()
        await access.quotas.spend(caller.quotas, ASKING)
        filters = Filters(collections=tuple(collection), languages=tuple(language))
        return JSONResponse(as_json(await desk.run(lambda: caller.assistant.search(question, top_k, filters))), headers=_NO_STORE)

    @router.get("/documents/{id:path}", summary="A document", tags=["documents"], response_class=JSONResponse, responses={200: {"model": Document, "description": "The document; its text is empty where it may not be shown whole."}, **documented(401, 403, 404, 422, 429, 503)})
    async def document(id: Annotated[str, PathParameter(max_length=2000, examples=["press/press-releases/2024/opening.de.md"])], request: Request) -> JSONResponse:
        caller = access.caller(request, "documents")
        await access.quotas.spend(caller.quotas, READING)
        found, _ = await desk.run(lambda: caller.assistant.shown(id))
        return JSONResponse(as_json(found), headers=_NO_STORE)

    @router.post("/feedback", summary="Say something of an answer", tags=["answers"], response_class=JSONResponse, responses={200: {"model": Given}, **documented(400, 401, 403, 404, 413, 422, 429, 503)})
    async def feedback(body: FeedbackBody, request: Request) -> JSONResponse:
        caller = access.caller(request, "feedback")
        await access.quotas.spend(caller.quotas, READING)
        rated = access.rated(caller, body.receipt)
        store = caller.assistant.feedback

        def keep() -> str:
            if body.id:
                if not store.amend(body.id, reason=body.reason, comment=body.comment, channel=caller.channel, question=rated.question):
                    raise Problem(404, "There is no such word on this answer.")
                return body.id
            return store.give(rated, body.rating, reason=body.reason, comment=body.comment, channel=caller.channel).id

        return JSONResponse({"id": await desk.run(keep)}, headers=_NO_STORE)

    @router.post("/portals/{portal}/visits", summary="Begin a visit", tags=["portals"], response_class=JSONResponse, responses={200: {"model": Visit}, **documented(403, 404, 413, 422, 429)})
    async def visit(portal: Annotated[str, PathParameter(max_length=50, examples=["city"])], request: Request) -> JSONResponse:
        """For a page that the portal lists, as its Origin header says: a token that is good for a while and for that page only."""
        return JSONResponse({"token": await access.begin(request, access.portal(portal)), "expires_in": access.token_seconds}, headers=_NO_STORE)

    return router


async def _as_events(access: Access, caller: Caller, events: AsyncIterator[str | Answer]) -> AsyncIterator[bytes]:
    try:
        async for one in events:
            if isinstance(one, Answer):
                yield event("answer", told(access, caller, one))
            else:
                # An empty piece is a sign of life while the model thinks.
                yield event("text", {"text": one}) if one else b": \n\n"
    except Exception as error:  # noqa: BLE001 - the response has begun: what went wrong is said within it
        yield event("error", Problem.of(error).body())
