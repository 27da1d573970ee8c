"""The web application: console, API, widget, tools and pages over one assistant, and how it is served.

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
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from assistant.errors import AssistantError, SettingsError
from assistant.pipeline import Assistant
from assistant.settings import Role, Settings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WITH_A_MODEL = 16  # answers at once that mostly wait for it
_CONNECTIONS = 2000


def create_app(assistant: Assistant, hosts: tuple[str, ...] = (), *, open_as: Role | None = "admin") -> Any:
    """The FastAPI application. `hosts` are the Host names it answers to, any when empty; `open_as` is the role of everyone who reaches it where
    `web.auth` is off, None to close the console and the API without a key.

    Raises SettingsError.
    """
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware

    from assistant.web import (
        api,
        briefings,
        completions,
        console,
        documents,
        health,
        manage,
        pages,
        portals,
        problems,
        signing,
    )
    from assistant.web.access import TOKEN_HEADER, Access
    from assistant.web.asking import Desk
    from assistant.web.description import describe
    from assistant.web.guard import Guard
    from assistant.web.observing import Observer, Requests
    from assistant.web.proxies import Behind
    from assistant.web.tools import Tools
    from assistant.web.works import Works

    settings = assistant.settings
    observer = Observer(settings, assistant.feedback)
    access = Access(assistant, open_as=open_as, observer=observer)
    staff = access.staff
    desk = Desk(settings.web.at_once or (_WITH_A_MODEL if settings.llm.provider else os.cpu_count() or 2), settings.web.waiting)
    works = Works()
    tools = Tools(access, desk)
    stopping = threading.Event()
    observer.gauge("assistant_answers_in_progress", "Answers being made.", lambda: desk.in_progress)
    observer.gauge("assistant_questions_waiting", "Questions that wait for their turn.", lambda: desk.waiting)
    observer.gauge("assistant_questions_turned_away", "Questions turned away since the start, because too many waited.", lambda: desk.turned_away)
    observer.gauge("assistant_index_generation", "Number of the published generation; 0 without an index.", lambda: _published(assistant))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with tools.manager.run():
            yield
        desk.close()
        works.wait()
        observer.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, redirect_slashes=False)
    problems.install(app)

    demo = staff.open_to_all if settings.web.demo is None else settings.web.demo
    rooms = [health.routes(access, observer, stopping), portals.routes(access, demo=demo), api.routes(access, desk), briefings.routes(access, desk), completions.routes(access, desk), documents.routes(access, desk), pages.routes()]
    if staff.exists:
        rooms += [console.routes(access, desk), manage.routes(access, works), signing.routes(access)]
    for router in rooms:
        app.include_router(router)
    app.router.routes.append(tools.route)
    describe(app, with_keys=not staff.open_to_all, prefix=settings.web.prefix)
    if staff.exists:
        app = console.mount(app, access, settings.web.prefix)
    if origins := access.origins():
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["Content-Type", TOKEN_HEADER], expose_headers=["Retry-After", "X-Request-Id"],
            allow_credentials=False, max_age=600,
        )  # fmt: skip
    app.add_middleware(Guard, hosts=hosts, staff=staff, upload_bytes=(settings.web.upload_mb + 1) << 20)
    app.add_middleware(Requests, observer=observer)
    app.add_middleware(Behind, proxies=settings.web.proxies, prefix=settings.web.prefix)
    app.state.warm = access.warm
    app.state.stopping = stopping
    return app


def _published(assistant: Assistant) -> int:
    try:
        return assistant.generation()
    except AssistantError:
        return 0


def exposure(settings: Settings, host: str) -> tuple[tuple[str, ...], Role | None]:
    """The Host names to answer to (any when empty), and the role of everyone who reaches the address; None where they are strangers.

    Raises SettingsError where portals would be served under any name at all (a page that takes the server's name could use them), and for a
    public address that nobody said who may use.
    """
    web = settings.web
    local = host in _LOOPBACK
    public = urlsplit(web.public_url).hostname or ""
    if settings.portals and not local and not public:
        raise SettingsError("portals on a public address need web.public_url", fix='set web.public_url = "https://…" to the address that visitors reach')
    hosts = (*_LOOPBACK, *([public] if public else [])) if local or public else ()
    if web.auth.mode != "none":
        return hosts, None
    if not local and web.console is None and not settings.portals and not web.keys:
        raise SettingsError(
            f"{host} can be reached by others, and nothing says who may ask here",
            fix="set up [web.auth] (docs/operating.md), or portals or keys for visitors and programs, or say web.console = true to let everyone in",
        )
    alone = local and not public
    opened = alone if web.console is None else web.console
    # Whoever is let in from outside may read, and change nothing.
    return hosts, ("admin" if alone else "reader") if opened else None


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

    from assistant.web.observing import lines

    class _Server(uvicorn.Server):
        """Says that it is being stopped as soon as it is told to, so that a load balancer asks elsewhere while answers are finished."""

        def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
            super().__init__(config)
            self._stopping = stopping

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            self._stopping.set()
            super().handle_exit(sig, frame)

    web = assistant.settings.web
    hosts, open_as = exposure(assistant.settings, host)
    if open_as and host not in _LOOPBACK:
        print("warning: this serves staff documents to everyone who can reach the address; [web.auth] lets staff sign in", file=sys.stderr)
    if open_as is None and web.auth.mode == "none" and not assistant.settings.portals and not web.keys:
        print("note: the chat is closed here, and there is neither a portal nor a key: [web.auth] lets staff sign in, web.console = true lets everyone in", file=sys.stderr)
    if web.auth.mode == "users" and not web.secret_env:
        print("note: sessions end with this server, since web.secret_env names no secret to sign them with", file=sys.stderr)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    with contextlib.closing(listener):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise AssistantError(f"cannot listen on {host}:{port} ({error.strerror})", fix="stop what uses the port, or choose another with --port") from error
        shown = f"[{host}]" if ":" in host else host
        app = create_app(assistant, hosts, open_as=open_as)
        # From here on a connection waits rather than being refused, so the address below is true.
        listener.listen(512)
        address = f"http://{shown}:{listener.getsockname()[1]}"
        print(f"Forum Assistant at {address}{web.prefix}  (Ctrl+C stops it)", file=sys.stderr, flush=True)
        if open_browser and (open_as or web.auth.mode == "users") and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address + web.prefix)
        config = uvicorn.Config(
            app, log_level="warning", timeout_graceful_shutdown=web.shutdown_seconds, server_header=False, proxy_headers=False, limit_concurrency=_CONNECTIONS, access_log=False,
        )  # fmt: skip
        server = _Server(config, app.state.stopping)
        warming = threading.Thread(target=_warm, args=(assistant.warm, app.state.warm), name="warm")
        warming.start()
        with lines(web.log):
            try:
                server.run(sockets=[listener])
            finally:
                warming.join()


def _warm(*loading: Callable[[], None]) -> None:
    for load in loading:
        load()
