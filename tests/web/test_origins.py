"""Where a request comes from: pages that look almost like a listed one, hosts that are spoofed, visits that are over or another portal's.

Origins of loopback, which a browser in a test can have, are in test_routes; here the portal's page has a name.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from tests.web.conftest import Site
from tests.web.inside import ORIGIN, PORTAL, bearer, key, serving, settings_of

pytestmark = [pytest.mark.xdist_group("browser")]
QUESTION = "When did the Lake Forum open?"
LAKE = "---\ntitle: Lake Forum\nlanguage: en\n---\n\nThe Lake Forum opened on 1 March 2024.\n"
SECRET = "only for this test, and long enough"
OTHER = "https://other.example"
BUCH = "https://xn--bcher-kva.example"

HOSTILE = [
    "", "null", "NULL", "*", "file://", "about:blank", "data:", "https://", "//www.example.org", "www.example.org", "http://www.example.org", "ftp://www.example.org", "https://example.org", "https://a.www.example.org",
    "https://evilwww.example.org", "https://www.example.org.evil.example", "https://www.example.orgs", "https://www.example.org:444", "https://www.example.org:443", "https://www.example.org:", "https://www.example.org.", "https://www.example.org/",
    "https://www.example.org/page", "https://www.example.org?", "https://www.example.org#", "https://www.example.org@evil.example", "https://evil.example@www.example.org", "https://evil.example/https://www.example.org", "HTTPS://WWW.EXAMPLE.ORG", "https://WWW.example.org",
    "https://www.exаmple.org", "https://www.xn--exmple-4nf.org", "https://ｗｗｗ.example.org", "https://www。example.org", "https://www-example.org", "https://www.example.org https://www.example.org", "https://www.example.org, https://www.example.org", "https://evil.example, https://www.example.org",
    "https://www.example.org%00", "https://www.example.org\\", "https:\\\\www.example.org", "https:www.example.org", "https://bücher.example", "http://localhost", "http://127.0.0.1", "http://[::1]", "http://0.0.0.0", "chrome-extension://abc", "https://127.0.0.1",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a portal of a named page, one of two other pages, and one that is closed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORIGINS_SECRET", SECRET)
        portals = [PORTAL, {**PORTAL, "id": "other", "origins": [OTHER, "https://bücher.example"]}, {**PORTAL, "id": "closed", "origins": []}]
        web = {"secret_env": "ORIGINS_SECRET", "keys": [key("bot")]}
        with serving(settings_of(tmp_path_factory.mktemp("origins"), {"press/lake.md": LAKE}, web=web, portals=portals)) as address:
            yield address


@pytest.fixture(scope="module")
def client(place: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=place, timeout=60) as found:
        yield found


def origin_header(origin: str) -> dict[bytes, bytes]:
    return {b"Origin": origin.encode()}


def begin(client: httpx.Client, portal: str = "city", origin: str = ORIGIN) -> str:
    token: str = client.post(f"/api/v1/portals/{portal}/visits", headers={"Origin": origin}).raise_for_status().json()["token"]
    return token


def ask(client: httpx.Client, **headers: str) -> httpx.Response:
    return client.post("/api/v1/ask", json={"question": QUESTION}, headers={name.replace("_", "-"): value for name, value in headers.items()})


def refused(response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert SECRET not in response.text


# -- pages ------------------------------------------------------------------------------------------------------------------


def test_a_listed_page_passes(client: httpx.Client) -> None:
    for portal, origin in (("city", ORIGIN), ("other", OTHER), ("other", BUCH)):
        response = client.get(f"/api/v1/portals/{portal}", headers={"Origin": origin})
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == origin
        assert "Origin" in response.headers["vary"]
        answer = ask(client, Origin=origin, X_Visitor_Token=begin(client, portal, origin))
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in answer.headers
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-visitor-token"}
        assert client.options("/api/v1/ask", headers=asked).headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", HOSTILE)
def test_a_page_that_only_looks_like_it_does_not(client: httpx.Client, origin: str) -> None:
    sent = origin_header(origin)
    token = begin(client)
    for response in (
        client.get("/api/v1/portals/city", headers=sent), client.post("/api/v1/portals/city/visits", headers=sent), client.post("/api/v1/ask", json={"question": QUESTION}, headers={**sent, b"X-Visitor-Token": token.encode()}),
        client.post("/api/v1/feedback", json={"receipt": "x", "rating": "up"}, headers={**sent, b"X-Visitor-Token": token.encode()}), client.get("/api/v1/documents/press/press/lake.md", headers={**sent, b"X-Visitor-Token": token.encode()}),
    ):  # fmt: skip
        refused(response, 403)
        assert "access-control-allow-origin" not in response.headers
        assert "1 March" not in response.text
    for method, names in (("POST", "content-type, x-visitor-token"), ("GET", ""), ("DELETE", "authorization")):
        asked = {**sent, b"Access-Control-Request-Method": method.encode(), b"Access-Control-Request-Headers": names.encode()}
        assert "access-control-allow-origin" not in client.options("/api/v1/ask", headers=asked).headers


def test_a_page_may_not_send_a_key_or_an_odd_method(client: httpx.Client) -> None:
    for method, names in (("POST", "authorization"), ("DELETE", "content-type"), ("PUT", ""), ("POST", "content-type, x-evil")):
        assert client.options("/api/v1/ask", headers={"Origin": ORIGIN, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": names}).status_code == 400


def test_two_origins_are_none(client: httpx.Client) -> None:
    for pair in ([("Origin", ORIGIN), ("Origin", "https://evil.example")], [("Origin", "https://evil.example"), ("Origin", ORIGIN)]):
        response = client.post("/api/v1/portals/city/visits", headers=pair)
        # No browser sends two; whichever is read, the other page is told nothing that it may read.
        assert response.headers.get("access-control-allow-origin") in (None, ORIGIN)


def test_a_closed_portal_is_closed_to_every_page(client: httpx.Client) -> None:
    for origin in (ORIGIN, OTHER, "null", "https://evil.example"):
        refused(client.get("/api/v1/portals/closed", headers={"Origin": origin}), 403)
        refused(client.post("/api/v1/portals/closed/visits", headers={"Origin": origin}), 403)


# -- visits -----------------------------------------------------------------------------------------------------------------


def test_a_visit_of_one_page_is_no_good_on_another(client: httpx.Client) -> None:
    token = begin(client)
    for origin in (OTHER, BUCH, "null", str(client.base_url).rstrip("/")):
        refused(ask(client, Origin=origin, X_Visitor_Token=token), 403)
    refused(ask(client, X_Visitor_Token=token), 403)
    # Of two pages of one portal each has its own.
    refused(ask(client, Origin=BUCH, X_Visitor_Token=begin(client, "other", OTHER)), 403)
    assert ask(client, Origin=OTHER, X_Visitor_Token=begin(client, "other", OTHER)).status_code == 200


class _Past(TimestampSigner):
    def get_timestamp(self) -> int:
        return super().get_timestamp() - 16 * 60


class _Future(TimestampSigner):
    def get_timestamp(self) -> int:
        return super().get_timestamp() + 3600


def signed(value: Any, secret: str = SECRET, salt: str = "visitor", signer: type[TimestampSigner] = TimestampSigner) -> str:
    made = URLSafeTimedSerializer(secret, salt=salt, signer=signer).dumps(value)
    return made if isinstance(made, str) else made.decode()


def test_a_visit_ends(client: httpx.Client) -> None:
    assert ask(client, Origin=ORIGIN, X_Visitor_Token=signed(["city", ORIGIN])).status_code == 200
    response = ask(client, Origin=ORIGIN, X_Visitor_Token=signed(["city", ORIGIN], signer=_Past))
    refused(response, 401)
    assert response.headers["www-authenticate"] == "X-Visitor-Token"
    # The widget of that page must be able to read that it has ended.
    assert response.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "token",
    [
        signed(["city", ORIGIN], signer=_Future), signed(["city", ORIGIN], secret="x" * 40), signed(["city", ORIGIN], salt="receipt"), signed(["city", ORIGIN], salt="itsdangerous"), signed(["city"]), signed([]), signed("city"), signed(7), signed(None),
        signed(["city", ORIGIN, 1]), "x", ".", "..", "a.b.c", "." * 4000,
    ],
)  # fmt: skip
def test_what_is_not_signed_as_a_visit_is_none(client: httpx.Client, token: str) -> None:
    refused(ask(client, Origin=ORIGIN, X_Visitor_Token=token), 401)


def test_a_visit_that_was_changed_anywhere_is_none(client: httpx.Client) -> None:
    token = begin(client)
    for at in range(len(token) - 1):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        refused(ask(client, Origin=ORIGIN, X_Visitor_Token=changed), 401)


@pytest.mark.parametrize("value", [["nowhere", ORIGIN], ["city", OTHER], ["other", ORIGIN], ["closed", ORIGIN], ["city", None], [None, ORIGIN], [7, 7]])
def test_a_signed_visit_of_no_such_portal_or_page_is_none(client: httpx.Client, value: list[Any]) -> None:
    refused(ask(client, Origin=ORIGIN, X_Visitor_Token=signed(value)), 403)


def test_a_visitors_token_is_weighed_before_a_key(client: httpx.Client) -> None:
    refused(ask(client, **bearer("bot"), Origin=ORIGIN, X_Visitor_Token="x"), 401)


# -- hosts ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:80", "www.example.org", "www.example.org:443", "127.0.0.1.evil.example", "evil127.0.0.1", "127.0.0.1@evil.example", "127.0.0.2", "127.1", "2130706433", "0.0.0.0", "localhost.", "localhost.evil.example", "[::2]", "[::]", "[::ffff:127.0.0.1]",
        "::1", "[::1", "169.254.169.254", "127.0.0.1/evil", "127.0.0.1, evil.example", "127.0.0.1:80:80", "xn--localhost",
    ],
)  # fmt: skip
def test_under_another_name_nothing_is_here(client: httpx.Client, host: str) -> None:
    for method, path in (("GET", "/api/v1/portals/city"), ("POST", "/api/v1/portals/city/visits"), ("POST", "/api/v1/ask"), ("GET", "/widget.js"), ("GET", "/embed/city"), ("GET", "/documents/press/press/lake.md?portal=city"), ("POST", "/mcp"), ("OPTIONS", "/api/v1/ask")):
        response = client.request(method, path, headers={"Host": host, "Origin": f"http://{host}", **bearer("bot"), "Access-Control-Request-Method": "POST"})
        assert response.status_code in (400, 404), (method, path, response.text)
        assert "access-control-allow-origin" not in response.headers
        assert "Lake Forum" not in response.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]", "[::1]:7860"])
def test_under_its_own_names_it_answers(client: httpx.Client, host: str) -> None:
    assert client.get("/widget.js", headers={"Host": host}).status_code == 200


def raw(place: str, *lines: str) -> bytes:
    address = urlsplit(place)
    with socket.create_connection((str(address.hostname), address.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
        told = b""
        while piece := connection.recv(65536):
            told += piece
    return told


def test_two_hosts_a_missing_one_and_one_in_the_first_line_are_refused_or_do_no_harm(place: str) -> None:
    good = urlsplit(place).netloc
    for lines in (
        ("GET /embed/city HTTP/1.1", "Host: evil.example", f"Host: {good}"), ("GET /embed/city HTTP/1.1", f"Host: {good}", "Host: evil.example"), ("GET /embed/city HTTP/1.1",), ("GET /embed/city HTTP/1.0",),
        ("GET http://evil.example/embed/city HTTP/1.1", "Host: evil.example"),
    ):  # fmt: skip
        status, _, body = raw(place, *lines).partition(b"\r\n")
        assert status.split()[1] in (b"400", b"404") or b"evil.example" not in body, (lines, status)


@pytest.mark.parametrize("headers", [{"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "https"}, {"Forwarded": "host=evil.example;proto=https"}, {"X-Original-URL": "/demo"}, {"X-Rewrite-URL": "/demo"}, {"X-HTTP-Method-Override": "GET"}])
def test_what_only_a_proxy_may_say_is_not_believed(client: httpx.Client, headers: dict[str, str]) -> None:
    forged = {"X-Forwarded-Host": "https://evil.example", "X-Forwarded-Proto": str(client.base_url).replace("http:", "https:").rstrip("/"), "Forwarded": "https://evil.example"}
    refused(client.post("/api/v1/portals/city/visits", headers={**headers, "Origin": forged.get(next(iter(headers)), "https://evil.example")}), 403)
    answer = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": QUESTION}]}, headers={**headers, **bearer("bot")})
    (annotation,) = answer.json()["choices"][0]["message"]["annotations"]
    assert annotation["url_citation"]["url"].startswith(f"{str(client.base_url).rstrip('/')}/documents/press/press/lake.md")


# -- frames and doors -------------------------------------------------------------------------------------------------------


def ancestors(response: httpx.Response) -> list[str]:
    (found,) = [part.split()[1:] for part in response.headers["content-security-policy"].split(";") if part.split()[:1] == ["frame-ancestors"]]
    return found


def test_only_the_portals_own_pages_may_frame_it(client: httpx.Client) -> None:
    for portal, origins in (("city", [ORIGIN]), ("other", [OTHER, BUCH])):
        response = client.get(f"/embed/{portal}")
        assert ancestors(response) == ["'self'", *origins]
        assert "x-frame-options" not in response.headers
    assert ancestors(client.get("/embed/closed")) == ["'none'"]


@pytest.mark.parametrize(
    "path",
    [
        "/embed/closed", "/embed/nowhere", "/widget.js", "/pages/page.css", "/healthz", "/readyz", "/demo", "/", "/nowhere", "/api/v1/openapi.json", "/api/v1/portals/city", "/api/v1/search?question=x", "/documents/press/press/lake.md", "/documents/press/press/lake.md?portal=city",
        "/originals/press/press/lake.md?portal=city", "/v1/models", "/embed/city/", "/documents/nothing?portal=city", "/embed/city?language=" + "x" * 300,
    ],
)  # fmt: skip
@pytest.mark.parametrize("known", [False, True])
def test_no_other_page_may_be_framed(client: httpx.Client, path: str, known: bool) -> None:
    response = client.get(path, headers=bearer("bot") if known else {})
    assert ancestors(response) == ["'none'"]
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in response.headers


CHAT = ("/", "/config", "/theme.css", "/gradio_api/info", "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/heartbeat/x", "/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/assets/index.js", "/static/x", "/svelte/x", "/manifest.json", "/demo", "/docs", "/openapi.json", "/redoc")


@pytest.mark.parametrize("path", [*CHAT, "/%2e%2e/config", "//config", "/config%0a", "/api/v1/../../config", "/embed/..%2fconfig", "/documents/../config"])
def test_the_chat_is_closed_beside_portals(site: Site, client: httpx.Client, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {site.keys['staff']}"}, {"Origin": site.origin}):
        for method in ("GET", "POST"):
            response = client.request(method, site.server + path, headers=headers)
            assert response.status_code in (404, 405), (method, path, response.text)
            assert "gradio" not in response.text.lower()


FOREIGN: list[dict[str, str]] = [{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://127.0.0.1:1"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost"}]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/search?question=guests", None), ("GET", "/api/v1/documents/default/corpus/harbour.en.md", None), ("GET", "/v1/models", None), ("POST", "/api/v1/ask", {"question": "guests"}),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "guests"}]}), ("POST", "/api/v1/feedback", {"receipt": "x", "rating": "up"}), ("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}), ("GET", "/documents/default/corpus/harbour.en.md", None),
        ("GET", "/originals/default/corpus/harbour.en.md", None),
    ],
)  # fmt: skip
def test_a_foreign_page_is_nobody_on_an_open_server(server: str, client: httpx.Client, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
    response = client.request(method, server + path, json=body, headers=headers)
    refused(response, 404 if path.startswith(("/documents", "/originals")) else 401)
    assert "access-control-allow-origin" not in response.headers
    assert "340" not in response.text
