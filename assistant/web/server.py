"""The web application: the chat at `/`, health at `/healthz` and `/readyz`, and the headers that keep both safe.

It wires and guards; pages and answers are made elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import threading
import webbrowser
from typing import Any

from assistant.errors import AssistantError
from assistant.pipeline import Assistant

# What the chat page needs of Gradio; uploads, the file proxy, the API and monitoring pages stay closed.
_OPEN = re.compile(
    r"/(?:|healthz|readyz|config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json|(?:assets|static|svelte)/.+"
    r"|gradio_api/(?:queue/join|queue/data|heartbeat/[^/]+|startup-events|cancel|reset/?|info/?|app_id|theme\.css))"
)
# Gradio needs inline scripts and styles; everything comes from this server, and nobody may frame the page.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()), (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"), (b"cross-origin-opener-policy", b"same-origin"),
)  # fmt: skip
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """ASGI middleware: closes routes that the console does not need, refuses foreign hosts and origins, sets headers."""

    def __init__(self, app: Any, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        if not self._allowed(scope["path"], headers):
            await _refuse(send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                ours = {key for key, _ in _HEADERS}
                message["headers"] = [h for h in message.get("headers", []) if h[0].lower() not in ours] + list(_HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _allowed(self, path: str, headers: dict[str, str]) -> bool:
        if not _OPEN.fullmatch(path):
            return False
        # A foreign page may not drive the chat through the reader's browser: neither by DNS rebinding nor by origin.
        host = headers.get("host", "")
        if self._hosts and _name(host) not in self._hosts:
            return False
        origin = headers.get("origin")
        return origin is None or origin.split("//")[-1] == host


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")


async def _refuse(send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain"), *_HEADERS]})
    await send({"type": "http.response.body", "body": b"not found\n"})


def create_app(assistant: Assistant, hosts: tuple[str, ...] = ()) -> Any:
    """The FastAPI application. `hosts` are the Host names it answers to; empty means any."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse

    from assistant.web.chat import STATIC, build

    app = FastAPI(title="Forum Assistant", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> Any:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> Any:
        try:
            found = assistant.status()
        except AssistantError as error:
            return JSONResponse({"status": "not ready", "reason": error.public}, status_code=503)
        ready = bool(found["indexed"])
        return JSONResponse({"status": "ready" if ready else "not ready", "documents": found["documents"]}, status_code=200 if ready else 503)

    page = build(assistant)
    page.queue(default_concurrency_limit=8, max_size=200)
    theme = gr.themes.Soft(
        primary_hue="teal", neutral_hue="slate", font=["system-ui", "Segoe UI", "Noto Sans", "Noto Sans CJK JP", "sans-serif"],
        font_mono=["ui-monospace", "monospace"], radius_size="lg",
    )  # fmt: skip
    # In the head, since Gradio confines what it is given as `css` to the page's inner part.
    style = (STATIC / "chat.css").read_text(encoding="utf-8")
    app = gr.mount_gradio_app(
        app, page, path="/", footer_links=[], run_history=False, allowed_paths=[], show_error=False, ssr_mode=False,
        enable_monitoring=False, pwa=False, mcp_server=False, theme=theme, head=f"<style>{style}</style>",
    )  # fmt: skip
    app.add_middleware(Guard, hosts=hosts)
    return app


def run(assistant: Assistant, host: str, port: int, *, open_browser: bool = False) -> None:
    """Serve until stopped; `open_browser` shows the page where there is a display. Raises AssistantError when the port is taken."""
    import uvicorn

    local = host in _LOOPBACK
    if not local:
        print("warning: this serves staff documents to everyone who can reach the address; keep it on 127.0.0.1 or behind a proxy that signs people in", file=sys.stderr)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    with contextlib.closing(listener):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise AssistantError(f"cannot listen on {host}:{port} ({error.strerror})", fix="stop what uses the port, or choose another with --port") from error
        shown = f"[{host}]" if ":" in host else host
        app = create_app(assistant, _LOOPBACK if local else ())
        # From here on a connection waits rather than being refused, so the address below is true.
        listener.listen(128)
        address = f"http://{shown}:{listener.getsockname()[1]}"
        print(f"Forum Assistant at {address}  (Ctrl+C stops it)", file=sys.stderr, flush=True)
        if open_browser and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, server_header=False))
        warming = threading.Thread(target=assistant.warm, name="warm")
        warming.start()
        try:
            server.run(sockets=[listener])
        finally:
            warming.join()
