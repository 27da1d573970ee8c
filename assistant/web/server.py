"""The web application: chat, API, widget, tools and pages over one assistant, and how it is served.

It wires; what is answered, shown and guarded is made elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

from assistant.errors import AssistantError, SettingsError
from assistant.pipeline import Assistant
from assistant.settings import Settings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WITH_A_MODEL = 16  # answers at once that mostly wait for it
_CONNECTIONS = 2000


def create_app(assistant: Assistant, hosts: tuple[str, ...] = (), *, console: bool = True) -> Any:
    """The FastAPI application. `hosts` are the Host names it answers to, any when empty; `console` opens the chat, and the API without a key.

    Raises SettingsError.
    """
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware
    from fastapi.responses import JSONResponse

    from assistant.web import api, completions, documents, pages, portals, problems
    from assistant.web.access import TOKEN_HEADER, Access
    from assistant.web.asking import Desk
    from assistant.web.description import describe
    from assistant.web.guard import Guard
    from assistant.web.tools import Tools

    settings = assistant.settings
    access = Access(assistant, open_to_all=console)
    desk = Desk(settings.web.at_once or (_WITH_A_MODEL if settings.llm.provider else os.cpu_count() or 2), settings.web.waiting)
    tools = Tools(access, desk)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with tools.manager.run():
            yield
        desk.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, redirect_slashes=False)
    problems.install(app)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Any:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Any:
        try:
            found = assistant.status()
        except AssistantError as error:
            return JSONResponse({"status": "not ready", "reason": error.public}, status_code=503)
        ready = bool(found["indexed"])
        # How many documents there are is staff's to know.
        told = {"status": "ready" if ready else "not ready"} | ({"documents": found["documents"]} if console else {})
        return JSONResponse(told, status_code=200 if ready else 503)

    demo = console if settings.web.demo is None else settings.web.demo
    for router in (portals.routes(access, demo=demo), api.routes(access, desk), completions.routes(access, desk), documents.routes(access, desk), pages.routes()):
        app.include_router(router)
    app.router.routes.append(tools.route)
    describe(app, with_keys=not console)
    if console:
        app = _with_chat(app, assistant)
    if origins := access.origins():
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["Content-Type", TOKEN_HEADER], expose_headers=["Retry-After"],
            allow_credentials=False, max_age=600,
        )  # fmt: skip
    app.add_middleware(Guard, hosts=hosts, console=console)
    app.state.warm = access.warm
    return app


def _with_chat(app: Any, assistant: Assistant) -> Any:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    from assistant.web.chat import STATIC, build

    page = build(assistant)
    page.queue(default_concurrency_limit=8, max_size=200)
    theme = gr.themes.Soft(
        primary_hue="teal", neutral_hue="slate", font=["system-ui", "Segoe UI", "Noto Sans", "Noto Sans CJK JP", "sans-serif"],
        font_mono=["ui-monospace", "monospace"], radius_size="lg",
    )  # fmt: skip
    # In the head, since Gradio confines what it is given as `css` to the page's inner part.
    style = (STATIC / "chat.css").read_text(encoding="utf-8")
    return gr.mount_gradio_app(
        app, page, path="/", footer_links=[], run_history=False, allowed_paths=[], show_error=False, ssr_mode=False,
        enable_monitoring=False, pwa=False, mcp_server=False, theme=theme, head=f"<style>{style}</style>",
    )  # fmt: skip


def exposure(settings: Settings, host: str) -> tuple[tuple[str, ...], bool]:
    """The Host names to answer to (any when empty), and whether the chat is open to everyone who reaches the address.

    Raises SettingsError where portals would be served under any name at all: a page that takes the server's name could use them.
    """
    local = host in _LOOPBACK
    public = urlsplit(settings.web.public_url).hostname or ""
    console = settings.web.console if settings.web.console is not None else local and not public
    if settings.portals and not local and not public:
        raise SettingsError("portals on a public address need web.public_url", fix='set web.public_url = "https://…" to the address that visitors reach')
    return ((*_LOOPBACK, *([public] if public else [])) if local or public else ()), console


def check(settings: Settings, host: str) -> None:
    """What can be told of the settings before anything is indexed. Raises SettingsError."""
    from assistant.web import portals
    from assistant.web.access import secret_of

    exposure(settings, host)
    portals.check(settings.portals)
    secret_of(settings.web.secret_env)


def run(assistant: Assistant, host: str, port: int, *, open_browser: bool = False) -> None:
    """Serve until stopped; `open_browser` shows the page where there is a display. Raises AssistantError when the port is taken."""
    import uvicorn

    web = assistant.settings.web
    hosts, console = exposure(assistant.settings, host)
    if console and host not in _LOOPBACK:
        print("warning: this serves staff documents to everyone who can reach the address; keep it on 127.0.0.1 or behind a proxy that signs people in", file=sys.stderr)
    if not console and not assistant.settings.portals and not web.keys:
        print("note: the chat is closed here, and there is neither a portal nor a key: set web.console = true to open the chat to everyone who reaches the address", file=sys.stderr)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    with contextlib.closing(listener):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise AssistantError(f"cannot listen on {host}:{port} ({error.strerror})", fix="stop what uses the port, or choose another with --port") from error
        shown = f"[{host}]" if ":" in host else host
        app = create_app(assistant, hosts, console=console)
        # From here on a connection waits rather than being refused, so the address below is true.
        listener.listen(512)
        address = f"http://{shown}:{listener.getsockname()[1]}"
        print(f"Forum Assistant at {address}  (Ctrl+C stops it)", file=sys.stderr, flush=True)
        if open_browser and console and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address)
        config = uvicorn.Config(
            app, log_level="warning", timeout_graceful_shutdown=5, server_header=False, proxy_headers=bool(web.proxies), forwarded_allow_ips=web.proxies,
            limit_concurrency=_CONNECTIONS,
        )  # fmt: skip
        server = uvicorn.Server(config)
        warming = threading.Thread(target=_warm, args=(assistant.warm, app.state.warm), name="warm")
        warming.start()
        try:
            server.run(sockets=[listener])
        finally:
            warming.join()


def _warm(*loading: Callable[[], None]) -> None:
    for load in loading:
        load()
