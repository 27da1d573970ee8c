"""What stands before every route: hosts the server answers to, the routes that are open, how large and how slow a body may be, and headers.

It knows paths and headers; who asks is `access`'s business.
"""

from __future__ import annotations

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.web.problems import Problem
from assistant.web.proxies import path_of
from assistant.web.staff import Staff

# What the console's page needs of Gradio: it has no events, so the queue, uploads, files, the proxy, the API and monitoring stay closed.
_GRADIO = re.compile(r"/(?:|config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json|(?:assets|static|svelte)/.+|gradio_api/(?:startup-events|app_id|heartbeat/[^/]+|theme\.css))")
# Of these the page itself and what it is made of are for staff only; the rest is the same in every installation of Gradio.
_FOR_STAFF = re.compile(r"/(?:|config/?|gradio_api/.+)")
_OURS = re.compile(
    r"/(?:healthz|readyz|metrics|widget\.js|demo|mcp|signin|signout|pages/[^/]+|embed/[^/]+|(?:documents|originals)/.+|v1/(?:models|chat/completions)"
    r"|manage/(?:index|documents|names|evaluation|feedback|refused|delete|ingest|upload|work|(?:feedback|refused)\.csv|runs/[^/]+)"
    r"|api/v1/(?:ask|search|feedback|briefings|console(?:/questions)?|openapi\.json|(?:documents|pages)/.+|portals/[^/]+(?:/visits)?))"
)
# Gradio needs inline scripts and styles; everything comes from this server, and nobody may frame the page.
_CONSOLE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
LARGEST_BODY = 64 * 1024
# A briefing brings its quotes, and documents have a limit of their own, which is looked at once it is known who sends them.
_LARGER = {"/api/v1/briefings": 2**20, "/manage/names": 2**20, "/manage/upload": None}
_BODY_SECONDS = 10.0


class Guard:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...], staff: Staff, upload_bytes: int) -> None:
        self._app = app
        self._hosts = hosts
        self._staff = staff
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        path, headers = path_of(scope), {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        ours = bool(_OURS.fullmatch(path))
        closed = _headers(_POLICY, framed=False)
        if not self._allowed(path, headers, ours):
            await _answer(Problem(404, "There is nothing at this address."), scope, receive, send, closed)
            return
        if not ours and _FOR_STAFF.fullmatch(path) and self._staff.member(Request(scope)) is None:
            await _answer(self._staff.stranger("" if path == "/" else None), scope, receive, send, closed)
            return
        length, most = headers.get("content-length", ""), _LARGER.get(path, LARGEST_BODY) or self._upload_bytes
        if ours and length.isdigit() and int(length) > most:
            await _answer(Problem(413, f"A request has at most {most // 1024} kB.", {"Connection": "close"}), scope, receive, send, closed)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = message.get("headers", [])
                own = next((value.decode("latin-1") for name, value in given if name.lower() == b"content-security-policy"), "")
                policy = own if ours and own else _POLICY if ours else _CONSOLE_POLICY
                extra = _headers(policy, framed="frame-ancestors 'none'" not in policy)
                names = {name for name, _ in extra}
                message["headers"] = [header for header in given if header[0].lower() not in names] + extra
            await send(message)

        try:
            await self._app(scope, _Body(receive, most).receive if ours else receive, with_headers)
        except HTTPException as error:
            if begun:
                raise
            await _answer(Problem(error.status_code, str(error.detail), error.headers), scope, receive, send, closed)

    def _allowed(self, path: str, headers: dict[str, str], ours: bool) -> bool:
        host = headers.get("host", "")
        # A foreign page may not drive the server through the reader's browser by DNS rebinding.
        if self._hosts and _name(host) not in self._hosts:
            return False
        if ours:
            return True
        if not self._staff.exists or not _GRADIO.fullmatch(path):
            return False
        origin = headers.get("origin")
        return origin is None or origin.split("//")[-1] == host


class _Body:
    """A request's body, so large and so slow at most. What is beyond that raises HTTPException, the one error that routes let through."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._size = 0
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._size > self._most:
                raise HTTPException(413, headers={"Connection": "close"})
        return message


def _headers(policy: str, *, framed: bool) -> list[tuple[bytes, bytes]]:
    found = [
        (b"content-security-policy", policy.encode()), (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    ]  # fmt: skip
    return found if framed else [*found, (b"x-frame-options", b"DENY"), (b"cross-origin-opener-policy", b"same-origin")]


def _name(host: str) -> str:
    return (host.rsplit(":", 1)[0] if not host.endswith("]") else host).strip("[]").lower()


async def _answer(problem: Problem, scope: Scope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    response = problem.response()
    response.raw_headers.extend(headers)
    await response(scope, receive, send)
