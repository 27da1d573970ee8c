"""Errors over HTTP: problem documents (RFC 9457) that name no path, key, or text of a user.

It knows the error family and status codes; nothing of who asked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from assistant.errors import (
    AssistantError,
    DocumentNotFound,
    FeedbackError,
    IndexNotFound,
    NameNotFound,
    QuestionError,
    ScopeError,
)

_log = logging.getLogger(__name__)

_SAID = {400: "The request cannot be read: its body is JSON in UTF-8.", 404: "There is nothing at this address."}
MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[AssistantError], int], ...] = (
    (DocumentNotFound, 404), (NameNotFound, 404), (QuestionError, 422), (ScopeError, 403), (IndexNotFound, 503), (FeedbackError, 503),
)  # fmt: skip


class Problem(Exception):
    """What is answered instead of what was asked for: a status, a sentence for people, and headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: Exception) -> Problem:
        """An error as a stranger may read it."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, AssistantError):
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
            if status == 500:
                _log.error("%s: %s", type(error).__name__, error)
            return cls(status, error.public)
        return cls(500, AssistantError.public)

    def body(self) -> dict[str, Any]:
        return {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status, self.headers, media_type=MEDIA_TYPE)


class ProblemDocument(BaseModel):
    """Why a request was not answered."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Too Many Requests"])
    status: int = Field(examples=[429])
    detail: str = Field(examples=["Too many questions from this address. Try again in 12 seconds."])


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its OpenAPI description."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses}


def _place(error: Any) -> str:
    """Where a request is wrong; the name of a field that does not exist is the sender's, and stays unsaid."""
    place = error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]
    return ".".join(str(part) for part in place[1:]) or str(error["loc"][0])


def install(app: Starlette) -> None:
    """Every error of the application becomes a problem document."""

    async def of_ours(request: Request, error: Exception) -> JSONResponse:
        return Problem.of(error).response()

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = _SAID.get(error.status_code) or HTTPStatus(error.status_code).description or HTTPStatus(error.status_code).phrase
        return Problem(error.status_code, detail, error.headers).response()

    async def of_request(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        # Where it is wrong and why, never what it says.
        told = [f"{_place(one)}: {one['msg']}" for one in error.errors()[:5]]
        return Problem(422, "; ".join(told)[:1000]).response()

    async def of_anything(request: Request, error: Exception) -> JSONResponse:
        return Problem.of(error).response()

    app.add_exception_handler(Problem, of_ours)
    app.add_exception_handler(AssistantError, of_ours)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(Exception, of_anything)
