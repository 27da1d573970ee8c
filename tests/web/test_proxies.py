"""Behind a reverse proxy, below a path: nginx itself, and whose word on a user is taken."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.web.proxies import Behind, is_proxied, path_of
from tests.loops import awaited
from tests.web.conftest import NOTES_EN, assistant_serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("proxies")]


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def nginx(folder: Path, *servers: str) -> Iterator[None]:
    """nginx with these servers, for as long as this lasts."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin")
    if program is None:
        assert not os.environ.get("CI"), "nginx is not here: make system"
        pytest.skip("nginx is not here")
    places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    file = folder / "nginx.conf"
    file.write_text(f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\nhttp {{ access_log off; {places}\n{''.join(servers)}\n}}\n")
    process = subprocess.Popen([program, "-c", str(file), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def server_block(port: int, upstream: str, public: int, slash: str, *headers: str) -> str:
    told = "".join(f"proxy_set_header {header}; " for header in headers)
    return f"server {{ listen 127.0.0.1:{port}; location /assistant/ {{ proxy_pass {upstream}{slash}; proxy_http_version 1.1; proxy_set_header Host 127.0.0.1:{public}; proxy_set_header X-Forwarded-For $remote_addr; {told} proxy_buffering off; }} }}\n"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of one assistant: by nginx that keeps the prefix (`anna`, an admin) and one that takes it away (`ben`), and past both."""
    folder = tmp_path_factory.mktemp("behind")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "harbour.en.md").write_text(NOTES_EN, encoding="utf-8")
    keeps, takes = free_port(), free_port()
    (folder / "assistant.toml").write_text(
        f'[web]\npublic_url = "http://127.0.0.1:{keeps}/assistant"\nproxies = ["127.0.0.1"]\n[web.auth]\nmode = "proxy"\nsign_out = "/oauth2/sign_out"\n'
        '[[web.auth.groups]]\nname = "staff"\n[[web.auth.groups]]\nname = "it"\nrole = "admin"\n', encoding="utf-8",
    )  # fmt: skip
    with assistant_serving(folder) as upstream:
        anna = server_block(keeps, upstream, keeps, "", 'X-Forwarded-User "anna"', 'X-Forwarded-Groups "staff, it"')
        ben = server_block(takes, upstream, keeps, "/", 'X-Forwarded-User "ben"', 'X-Forwarded-Groups "staff"')
        with nginx(folder, anna, ben):
            addresses = {"anna": f"http://127.0.0.1:{keeps}/assistant", "ben": f"http://127.0.0.1:{takes}/assistant", "past": upstream}
            until = time.monotonic() + 20
            while True:
                try:
                    if httpx.get(f"{addresses['anna']}/healthz").status_code == 200:
                        break
                except httpx.TransportError:
                    assert time.monotonic() < until
                time.sleep(0.05)
            yield addresses


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_everything_works_below_a_path(behind: dict[str, str], who: str) -> None:
    base = behind[who]
    for path in ("/", "/config", "/theme.css", "/pages/console.js", "/pages/console.css", "/api/v1/console", "/readyz", "/documents/default/corpus/harbour.en.md", "/widget.js", "/demo"):
        assert httpx.get(base + path).status_code == (404 if path == "/demo" else 200), path
    assert httpx.get(f"{base}/api/v1/openapi.json").json()["servers"] == [{"url": "/assistant"}]
    tools = httpx.post(f"{base}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers={"Accept": "application/json, text/event-stream"})
    assert len(tools.json()["result"]["tools"]) == 3
    told = httpx.get(f"{base}/api/v1/console").json()
    assert (told["user"], told["role"], told["signs_out"]) == (who, "admin" if who == "anna" else "reader", "/oauth2/sign_out")
    assert httpx.get(f"{base}/manage/index").status_code == (200 if who == "anna" else 403)
    with httpx.stream("POST", f"{base}/api/v1/ask", json={"question": "When did the Harbour Forum take place?"}, headers={"Accept": "text/event-stream"}, timeout=60) as response:
        events = [line for line in response.iter_lines() if line.startswith("event: ")]
    assert events[0] == "event: text"
    assert events[-1] == "event: answer"


def test_the_bare_path_leads_to_the_page(behind: dict[str, str]) -> None:
    assert httpx.get(f"{behind['past']}/assistant").headers["location"] == "/assistant/"
    assert httpx.get(f"{behind['past']}/assistantly/healthz").status_code == 404


@pytest.mark.browser
def test_the_console_works_below_a_path(behind: dict[str, str], browser: Any) -> None:
    context = browser.new_context(locale="en-GB")
    try:
        page = context.new_page()
        failed: list[str] = []
        page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
        page.goto(behind["anna"] + "/")
        page.locator("forum-console[ready]").wait_for()
        page.locator(".box textarea").fill("When did the Harbour Forum take place?")
        page.keyboard.press("Enter")
        page.locator(".cite").click()
        page.locator("article mark").wait_for()
        page.get_by_role("link", name="Manage").click()
        page.locator("h1", has_text="Index").wait_for()
        # Gradio names its manifest from the root, wherever it stands; nothing needs it.
        assert [url for url in failed if not url.endswith("/manifest.json")] == []
    finally:
        context.close()


def asked(client: str, proxies: list[str], prefix: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and what the application saw of a request from an address."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        text = f"{is_proxied(scope)} {path_of(scope)} {request.client.host if request.client else ''} {request.url.scheme} {scope.get('root_path', '')}"
        await PlainTextResponse(text)(scope, receive, send)

    async def ask() -> tuple[int, str]:
        transport = httpx.ASGITransport(Behind(app, proxies, prefix), client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            response = await http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            return response.status_code, response.headers.get("location", response.text)

    return awaited(ask)


def test_only_a_named_proxy_is_believed() -> None:
    told = {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https"}
    assert asked("10.0.0.5", ["10.0.0.0/8"], "", "/a", **told) == (200, "True /a 203.0.113.9 https ")
    assert asked("192.0.2.1", ["10.0.0.0/8"], "", "/a", **told) == (200, "False /a 192.0.2.1 http ")
    assert asked("127.0.0.1", [], "", "/a", **told) == (200, "False /a 127.0.0.1 http ")


@pytest.mark.parametrize(
    ("path", "seen"), [("/p/a", "/a"), ("/a", "/a"), ("/p/p/a", "/p/a"), ("/p/", "/"), ("/", "/"), ("/pa", "/pa")],
)  # fmt: skip
def test_a_prefix_is_found_or_put_before(path: str, seen: str) -> None:
    assert asked("127.0.0.1", [], "/p", path) == (200, f"False {seen} 127.0.0.1 http /p")
    assert asked("127.0.0.1", [], "/p", "/p") == (308, "/p/")


def test_a_stranger_cannot_name_themselves(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.md").write_text(NOTES_EN, encoding="utf-8")
    (tmp_path / "assistant.toml").write_text('[web]\nproxies = ["192.0.2.1"]\n[web.auth]\nmode = "proxy"\ndefault_role = "reader"\n', encoding="utf-8")
    with assistant_serving(tmp_path) as address:
        named = {"X-Forwarded-User": "anna", "X-Forwarded-Groups": "it", "X-Forwarded-For": "192.0.2.1"}
        assert httpx.get(f"{address}/api/v1/console", headers=named).status_code == 401
        assert httpx.get(address, headers=named).status_code == 401


def test_a_proxy_that_is_not_named_is_a_clear_error() -> None:
    with pytest.raises(SettingsError, match=r"web\.proxies"):
        Settings(web={"auth": {"mode": "proxy"}})


@pytest.mark.parametrize(("url", "origin", "prefix"), [("https://ask.example.org", "https://ask.example.org", ""), ("https://www.example.org/a/b/", "https://www.example.org", "/a/b"), ("", "", "")])
def test_a_public_address_has_an_origin_and_a_prefix(url: str, origin: str, prefix: str) -> None:
    web = Settings(web={"public_url": url}).web
    assert (web.origin, web.prefix) == (origin, prefix)


@pytest.mark.parametrize("url", ["ask.example.org", "https://a.example/?x", "https://a.example/#x", "https://a.example/a//b", "https://a.example/ä", "ftp://a.example", "https://u@a.example/x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        Settings(web={"public_url": url})
