"""Briefings over HTTP: collected quotes come in, each is looked up in its document, and a file goes out.

It knows callers and documents; how a briefing is written is `assistant.briefing`'s business.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from assistant.briefing import Briefing, Quoted, as_docx, as_markdown, as_record
from assistant.errors import DocumentNotFound
from assistant.language.packs import codes
from assistant.web.access import Access, Caller
from assistant.web.asking import Desk
from assistant.web.problems import documented
from assistant.web.quotas import ASKING
from assistant.web.rendering import safe_link

_MOST = 200
_MEDIA = {"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "md": "text/markdown; charset=utf-8", "json": "application/json"}

_CONTENT = {kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"} if name != "json" else {"type": "object", "required": ["title", "language", "quotes"]}} for name, kind in _MEDIA.items()}


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("it is a whole number")
    return value


# JSON's 160.0 is a whole number, its `true` is none.
Place = Annotated[int, Field(ge=0, le=10**9), BeforeValidator(_no_truth)]


class Item(BaseModel):
    """A quote: where it stood, its words and title as they were collected, and what is said about it."""

    model_config = ConfigDict(extra="forbid")

    document_id: str = Field(max_length=2000)
    start: Place
    end: Place
    quote: str = Field(min_length=1, max_length=8000)
    title: str = Field("", max_length=1000)
    statement: str = Field("", max_length=2000)


class BriefingBody(BaseModel):
    """Quotes in their order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "Forums in June", "language": "en", "items": [{"document_id": "default/corpus/forums/harbour.md", "start": 0, "end": 24, "quote": "It gathered 340 guests.", "statement": "The forum had 340 guests."}]}]})

    title: str = Field("", max_length=200)
    language: str = Field("en", pattern=rf"^({'|'.join(codes())})$", json_schema_extra={"enum": list(codes())})
    items: Annotated[list[Item], Field(min_length=1, max_length=_MOST)]


def looked_up(caller: Caller, item: Item) -> Quoted:
    """The quote as its document has it: where it was, or elsewhere in it, or marked as no longer there."""
    lost = Quoted(item.quote, item.title or item.document_id, "", item.statement, document_id=item.document_id, start=item.start, end=item.end, stands=False)
    try:
        document, passages = caller.assistant.shown(item.document_id)
    except DocumentNotFound:
        return lost
    # What may not be shown whole is held against the passages that may be quoted.
    texts = [(document.text, 0)] if document.text else [(passage.text, passage.start) for passage in passages]
    places = [offset + at for text, offset in texts if (at := text.find(item.quote)) >= 0]
    at = item.start if any(text[max(item.start - offset, 0) : item.end - offset] == item.quote and item.start >= offset for text, offset in texts) else next(iter(places), -1)
    passage = next((passage for passage in passages if passage.start <= at < passage.end), None)
    return Quoted(
        item.quote, document.title, document.language, item.statement, str(document.metadata.get("publisher") or ""), document.date, safe_link(document.source), document.id,
        max(at, 0), max(at, 0) + len(item.quote), passage.page if passage else None, passage.heading if passage else "", stands=at >= 0,
    )  # fmt: skip


def routes(access: Access, desk: Desk) -> APIRouter:
    """`POST /api/v1/briefings`."""
    router = APIRouter(prefix="/api/v1")

    @router.post(
        "/briefings", summary="Quotes as a file", tags=["documents"], response_class=Response,
        responses={200: {"description": "The file.", "content": _CONTENT}, **documented(400, 401, 403, 413, 422, 429, 503)},
    )  # fmt: skip
    async def briefing(body: BriefingBody, request: Request, format: Annotated[Literal["docx", "md", "json"], Query()] = "docx") -> Response:
        """Each quote is looked up in its document; one that no longer stands there is marked."""
        caller = access.caller(request, "documents")
        await access.quotas.spend(caller.quotas, ASKING)

        def made() -> bytes:
            whole = Briefing(body.title, body.language, tuple(looked_up(caller, item) for item in body.items))
            return as_docx(whole) if format == "docx" else (as_markdown if format == "md" else as_record)(whole).encode()

        return Response(await desk.run(made), media_type=_MEDIA[format], headers={"Content-Disposition": f'attachment; filename="briefing.{format}"', "Cache-Control": "no-store"})

    return router
