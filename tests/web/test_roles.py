"""Every route of the server, for every role: who gets in, and that nothing is open which nobody thought of."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.web.conftest import assistant_serving
from tests.web.inside import ORIGIN
from tests.web.test_signing import client, laid_out, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("roles")]
DOCUMENT = "press/press/harbour.md"
ROLES = ("stranger", "reader", "evaluator", "admin")
NAMES = {"reader": "ben", "evaluator": "eva", "admin": "anna"}
# The least role for which a route answers; a stranger may see what is public by itself.
LEAST = {
    "GET /": "reader", "GET /config": "reader", "GET /config/": "reader", "GET /gradio_api/startup-events": "reader", "GET /gradio_api/app_id": "reader", "GET /gradio_api/heartbeat/{session_hash}": "reader", "GET /gradio_api/theme.css": "reader",
    "GET /theme.css": "stranger", "GET /robots.txt": "stranger", "GET /favicon.ico": "stranger", "GET /manifest.json": "stranger",
    "GET /healthz": "stranger", "GET /readyz": "stranger", "GET /metrics": "admin", "GET /widget.js": "stranger", "GET /demo": "nobody", "GET /pages/{name}": "stranger",
    "GET /signin": "stranger", "POST /signin": "stranger", "POST /signout": "stranger", "GET /embed/{portal}": "stranger",
    "GET /api/v1/openapi.json": "stranger", "GET /api/v1/portals/{portal}": "stranger", "POST /api/v1/portals/{portal}/visits": "stranger",
    "POST /api/v1/ask": "reader", "GET /api/v1/search": "reader", "GET /api/v1/documents/{id:path}": "reader", "GET /api/v1/pages/{id:path}": "reader", "POST /api/v1/feedback": "reader",
    "POST /api/v1/briefings": "reader", "GET /api/v1/console": "reader", "GET /api/v1/console/questions": "reader", "GET /documents/{id:path}": "reader", "GET /originals/{id:path}": "reader",
    "GET /v1/models": "reader", "POST /v1/chat/completions": "reader", "POST /mcp": "reader",
    "GET /manage/index": "evaluator", "GET /manage/evaluation": "evaluator", "GET /manage/feedback": "evaluator", "GET /manage/refused": "evaluator", "GET /manage/{name}.csv": "evaluator",
    "GET /manage/runs/{name}": "evaluator", "GET /manage/documents": "admin", "GET /manage/names": "admin", "POST /manage/names": "admin", "POST /manage/delete": "admin", "POST /manage/ingest": "admin",
    "POST /manage/upload": "admin", "GET /manage/work": "admin",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "/api/v1/ask": {"question": "When?"}, "/api/v1/feedback": {"receipt": "x", "rating": "up"}, "/v1/chat/completions": {"messages": [{"role": "user", "content": "When?"}]},
    "/api/v1/briefings": {"items": [{"document_id": DOCUMENT, "start": 0, "end": 1, "quote": "T"}]},
}  # fmt: skip
FILLED = {"id": DOCUMENT, "portal": "city", "name": "page.css", "session_hash": "abc", "path": "x"}


# In a process of its own, since Gradio's libraries leave there what is an error in tests.
_LIST = """
import json, sys
from assistant import Assistant, Settings
from assistant.web.server import create_app

def routes(found, prefix=""):
    for route in found:
        inner = getattr(getattr(route, "original_router", None), "routes", None) or getattr(route, "routes", None) or getattr(getattr(route, "app", None), "routes", None)
        path = prefix + getattr(route, "path", "")
        if inner:
            yield from routes(inner, path)
        elif getattr(route, "methods", None):
            yield from ((method, path) for method in route.methods)
        elif path:
            yield from (("GET", path), ("POST", path))

with Assistant.open(Settings.load("assistant.toml")) as assistant:
    print(json.dumps(sorted(set(routes(create_app(assistant, (), open_as=None).routes)))))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The server, and every (method, path) that its application has a route for, whatever the guard says of it."""
    portal = f'[[portals]]\nid = "city"\norigins = ["{ORIGIN}"]\ncollections = ["press"]\nai_notice = "standard"\nprivacy = "{ORIGIN}/privacy"\n'
    folder = laid_out(tmp_path_factory.mktemp("roles"), portal)
    with assistant_serving(folder) as address:
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", _LIST], cwd=folder, capture_output=True, text=True, timeout=120, check=True)
        yield address, [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


def answered(http: httpx.Client, method: str, path: str) -> httpx.Response:
    filled = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: "refused" if path == "/manage/{name}.csv" else "latest.jsonl" if "runs" in path else FILLED.get(found[1], "x"), path)
    params = {"question": "When?"} if filled == "/api/v1/search" else {}
    if filled == "/mcp":
        body: Any = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        return http.request(method, filled, json=body, headers={"Accept": "application/json, text/event-stream"})
    # A delete of nothing: what is asked here is only who may.
    form = {"document": "none"} if filled.startswith("/manage/") and method == "POST" else None
    if "heartbeat" in filled:
        with http.stream("GET", filled) as response:
            # It beats for ever; that it begins is enough.
            return httpx.Response(response.status_code, request=response.request)
    return http.request(method, filled, params=params, json=BODIES.get(path), data=form)


def let_in(response: httpx.Response) -> bool:
    """False for who is told to sign in, that it is not for them, or that there is nothing here."""
    leads_away = response.status_code == 303 and "signin" in response.headers.get("location", "")
    told = response.json().get("detail", "") if response.headers.get("content-type", "").startswith("application/problem") else ""
    hidden = told == "There is no such document." and response.request.method == "GET"
    return not (response.status_code in (401, 403) or leads_away or told == "There is nothing at this address." or hidden)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_for_every_role(place: tuple[str, list[tuple[str, str]]], role: str) -> None:
    server, routes = place
    assert len(routes) > 80
    wrong = []
    with client(server) as http:
        if role != "stranger":
            assert sign_in(http, NAMES[role]).status_code == 303
        for method, path in routes:
            if (method, path) == ("POST", "/signout") or method in ("HEAD", "OPTIONS") or (method == "GET" and path == "/mcp"):
                continue
            least = LEAST.get(f"{method} {path}", "nobody")
            if path.startswith(("/assets", "/static", "/svelte")):
                least = "stranger"
            response = answered(http, method, path)
            expected = least != "nobody" and ROLES.index(role) >= ROLES.index(least)
            # A stranger signs in with nothing: that the form says no is the form's answer.
            got = let_in(response) or (path == "/signin" and response.status_code == 403)
            missing = response.status_code == 404 and path.startswith(("/assets", "/static", "/svelte"))
            if got != expected and not missing:
                wrong.append((role, method, path, response.status_code, least, response.text[:80]))
    assert wrong == []


def test_the_table_names_routes_that_exist(place: tuple[str, list[tuple[str, str]]]) -> None:
    known = {f"{method} {path}" for method, path in place[1]} | {"GET /demo"}
    assert [named for named in LEAST if named not in known and not named.endswith(("/mcp", "/config/"))] == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_do_nothing(place: tuple[str, list[tuple[str, str]]], method: str) -> None:
    with client(place[0]) as http:
        sign_in(http, "anna")
        assert http.request(method, "/api/v1/documents/press/press/harbour.md").status_code in (404, 405)
        assert http.request(method, "/manage/delete").status_code in (404, 405)
