"""The API over HTTP: what it answers, to whom, from which pages, how often, and how it says no."""

from __future__ import annotations

import dataclasses
import json
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from assistant.schema import Answer
from tests.web.conftest import Site, assistant_serving
from tests.web.test_leaks import visit

pytestmark = [pytest.mark.xdist_group("browser")]
QUESTION = "When did the Harbour Forum take place?"


def as_program(site: Site, key: str = "public") -> dict[str, str]:
    return {"Authorization": f"Bearer {site.keys[key]}"}


def ask(site: Site, headers: dict[str, str], **body: Any) -> httpx.Response:
    return httpx.post(f"{site.server}/api/v1/ask", headers=headers, json={"question": QUESTION, **body}, timeout=60)


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for part in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in part.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in lines:
            found.append((lines.get("event", "message"), json.loads(lines["data"])))
    return found


def assert_problem(response: httpx.Response, status: int, *never: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said = response.json()
    assert said["status"] == status
    assert said["title"]
    assert said["detail"]
    for word in (*never, "/tmp", "Traceback", "fa_"):
        assert word not in response.text


# -- answers ----------------------------------------------------------------------------------------------------------------


def test_an_answer_is_the_noun_field_for_field(site: Site) -> None:
    answer = ask(site, as_program(site)).json()
    assert {field.name for field in dataclasses.fields(Answer)} | {"blocks", "receipt"} == set(answer)
    quote = answer["citations"][0]
    assert "9 June 2024" in quote["quote"]
    assert quote["quote"] in quote["passage"]
    document = httpx.get(f"{site.server}/api/v1/documents/{quote['document_id']}", headers=as_program(site)).json()
    assert document["text"][quote["start"] : quote["end"]] == quote["quote"]
    pieces = [piece for block in answer["blocks"] for line in block["lines"] for piece in line]
    assert {"9 June 2024"} == {piece["text"] for piece in pieces if piece["strong"]}
    assert [piece["cite"] for piece in pieces if piece["cite"]] == [1]


def test_a_stream_is_the_answers_text_and_then_the_answer(site: Site) -> None:
    response = ask(site, {**visit(site), "Accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    came = events(response.text)
    assert came[0][0] == "text"
    assert came[-1][0] == "answer"
    assert "".join(data["text"] for name, data in came if name == "text") == came[-1][1]["text"]


def test_a_conversation_goes_on_and_language_and_filters_hold(site: Site) -> None:
    history = [{"role": "user", "text": "Tell me about the Harbour Forum."}, {"role": "assistant", "text": "It took place in 2024."}]
    assert "340" in ask(site, as_program(site), question="How many guests did it gather?", history=history).json()["text"]
    assert ask(site, as_program(site), language="de").json()["language"] == "de"
    only = ask(site, as_program(site), filters={"languages": ["de"]}).json()
    assert {citation["language"] for citation in only["citations"]} <= {"de"}
    assert all(p["chunk"]["language"] == "de" for p in only["passages"])
    assert ask(site, as_program(site), filters={"collections": ["nowhere"]}).json()["abstained"]
    assert ask(site, as_program(site), filters={"date_from": "2030"}).json()["abstained"]


@pytest.mark.parametrize(
    "body",
    [
        {"question": ""}, {"question": " \n"}, {"question": "x" * 2001}, {"question": 7}, {"quest": "x"}, {"question": "x", "other": 1}, {"question": "x", "language": "xx"},
        {"question": "x", "history": [{"role": "system", "text": "x"}]}, {"question": "x", "filters": {"date_from": "yesterday"}}, {"question": "x", "filters": {"collections": "press"}}, [], "x", None,
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_problem_that_names_the_place(site: Site, body: Any) -> None:
    assert_problem(httpx.post(f"{site.server}/api/v1/ask", headers=as_program(site), json=body), 422, "xxx", "yesterday")


def test_what_is_no_json_is_a_problem(site: Site) -> None:
    assert_problem(httpx.post(f"{site.server}/api/v1/ask", headers={**as_program(site), "content-type": "application/json"}, content=b'{"question": '), 422)


@pytest.mark.parametrize("path", ["/api/v1/ask", "/v1/chat/completions", "/api/v1/feedback", "/mcp"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_has_at_most_64_kb(site: Site, path: str, chunked: bool) -> None:
    body = json.dumps({"question": "x", "history": "y" * 70_000}).encode()
    content: Any = (body[place : place + 1000] for place in range(0, len(body), 1000)) if chunked else body
    with httpx.Client() as client:
        response = client.post(f"{site.server}{path}", headers={**as_program(site), "content-type": "application/json", "accept": "application/json, text/event-stream"}, content=content)
    assert_problem(response, 413, "yyyy")


def test_a_question_at_the_bound_is_answered(site: Site) -> None:
    assert ask(site, as_program(site), question=QUESTION + " ." * ((2000 - len(QUESTION)) // 2)).status_code == 200


def test_passages_are_searched(site: Site) -> None:
    found = httpx.get(f"{site.server}/api/v1/search", params={"question": "guests", "top_k": 2}, headers=as_program(site)).json()
    assert len(found) == 2
    assert found[0]["rank"] == 1
    assert found[0]["chunk"]["collection"] in ("press", "guides")
    for params in ({}, {"question": ""}, {"question": "x", "top_k": 0}, {"question": "x", "top_k": 101}):
        assert_problem(httpx.get(f"{site.server}/api/v1/search", params=params, headers=as_program(site)), 422)


def test_what_is_not_there_is_not_found(site: Site) -> None:
    for path in ("/api/v1/documents/press/nothing.md", "/api/v1/portals/nothing?language=en", "/embed/nothing", "/documents/nothing?portal=city", "/documents/press/press/harbour.en.md?portal=nothing", "/api/v1/nothing", "/demo", "/", "/config"):
        assert_problem(httpx.get(site.server + path, headers=as_program(site)), 404)


# -- who --------------------------------------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_answered(site: Site) -> None:
    for headers in ({}, {"Authorization": "Bearer fa_wrong"}, {"Authorization": f"Basic {site.keys['public']}"}, {"X-Visitor-Token": "x"}):
        response = ask(site, headers)
        assert_problem(response, 401)
        assert response.headers["www-authenticate"]


def test_a_key_does_what_its_scopes_say(site: Site) -> None:
    assert httpx.get(f"{site.server}/api/v1/search", params={"question": "guests"}, headers=as_program(site, "search")).status_code == 200
    assert_problem(ask(site, as_program(site, "search")), 403)
    assert_problem(httpx.get(f"{site.server}/api/v1/documents/press/press/harbour.en.md", headers=as_program(site, "search")), 403)
    assert_problem(httpx.get(f"{site.server}/v1/models", headers=as_program(site, "search")), 403)
    assert_problem(httpx.get(f"{site.server}/api/v1/search", params={"question": "x"}, headers=visit(site)), 403)


def test_on_an_open_server_a_foreign_page_is_no_staff(server: str) -> None:
    assert httpx.get(f"{server}/api/v1/search", params={"question": "guests"}).status_code == 200
    assert httpx.get(f"{server}/api/v1/search", params={"question": "guests"}, headers={"Authorization": "Bearer sk-any"}).status_code == 200
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert_problem(httpx.get(f"{server}/api/v1/search", params={"question": "guests"}, headers=headers), 401)
        assert_problem(httpx.post(f"{server}/api/v1/ask", json={"question": "guests"}, headers=headers), 401)


# -- where from -------------------------------------------------------------------------------------------------------------


def hostile_origins(site: Site) -> list[str]:
    listed, port = site.origin, urlsplit(site.origin).port
    return [
        "null", "", "https://evil.example", "file://", listed + "/", listed + "/path", listed + ".", f"http://127.0.0.1:{port}0", "http://127.0.0.1", f"https://127.0.0.1:{port}", f"http://localhost:{port}",
        f"http://127.0.0.1:{port}@evil.example", f"http://evil.example/{listed}", f"http://evil.example#{listed}", f"http://127.0.0.1.evil.example:{port}", f"http://evil127.0.0.1:{port}", f"http://[::1]:{port}",
        f"HTTP://127.0.0.1:{port}", f"http://127.0.0.1:{port}, https://evil.example", f"http://127.0.0.1:0{port}", f"http://127.1:{port}", "http://2130706433", site.elsewhere, "chrome-extension://abcdef",
    ]  # fmt: skip


def test_only_listed_origins_pass(site: Site) -> None:
    token = visit(site)["X-Visitor-Token"]
    routes = (("GET", "/api/v1/portals/city", {}), ("POST", "/api/v1/portals/city/visits", {}), ("POST", "/api/v1/ask", {"X-Visitor-Token": token}))
    assert len(hostile_origins(site)) >= 20
    with httpx.Client(base_url=site.server, timeout=60) as client:
        for method, path, more in routes:
            body = {"question": QUESTION} if path.endswith("ask") else None
            assert client.request(method, path, headers={**more, "Origin": site.origin}, json=body).headers["access-control-allow-origin"] == site.origin
            for origin in hostile_origins(site):
                response = client.request(method, path, headers={**more, "Origin": origin}, json=body)
                assert_problem(response, 403)
                # The portal `other` lists this one, so that the browser may tell its page that it was refused.
                assert response.headers.get("access-control-allow-origin") == (origin if origin == site.elsewhere else None), origin
        for origin in hostile_origins(site):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-visitor-token"}
            allowed = client.options("/api/v1/ask", headers=asked).headers.get("access-control-allow-origin")
            assert allowed == (origin if origin == site.elsewhere else None), origin
        good = client.options("/api/v1/ask", headers={"Origin": site.origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-visitor-token"})
        assert good.headers["access-control-allow-origin"] == site.origin
        assert "access-control-allow-credentials" not in good.headers


def test_a_visit_is_bound_to_its_page_and_its_portal(site: Site) -> None:
    headers = visit(site)
    assert_problem(ask(site, {**headers, "Origin": site.elsewhere}), 403)
    assert_problem(ask(site, {"X-Visitor-Token": headers["X-Visitor-Token"]}), 403)
    for tampered in (headers["X-Visitor-Token"][:-2], headers["X-Visitor-Token"] + "x", "a.b.c"):
        assert_problem(ask(site, {**headers, "X-Visitor-Token": tampered}), 401)
    assert_problem(httpx.post(f"{site.server}/api/v1/portals/closed/visits", headers={"Origin": site.origin}), 403)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "", "localhost.evil.example", "www.example.org"])
def test_a_spoofed_host_is_refused(site: Site, host: str) -> None:
    with httpx.Client() as client:
        for path in ("/widget.js", "/api/v1/portals/city", "/embed/city", "/healthz"):
            response = client.get(site.server + path, headers={"Host": host, "Origin": f"http://{host}"})
            assert response.status_code in (400, 404)
            assert "access-control-allow-origin" not in response.headers


def test_only_a_portals_pages_may_frame_it(site: Site) -> None:
    def frames(path: str) -> tuple[str, str | None]:
        response = httpx.get(site.server + path, headers=as_program(site))
        policy = dict((part.strip() + " ").split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
        return policy["frame-ancestors"].strip(), response.headers.get("x-frame-options")

    assert frames("/embed/city") == (f"'self' {site.origin}", None)
    assert frames("/embed/other") == (f"'self' {site.elsewhere}", None)
    for path in ("/embed/closed", "/documents/press/press/harbour.en.md?portal=city", "/originals/press/press/harbour.en.md?portal=city", "/widget.js", "/healthz", "/nowhere", "/api/v1/openapi.json"):
        assert frames(path) == ("'none'", "DENY"), path


# -- how often --------------------------------------------------------------------------------------------------------------


def test_whoever_asks_too_often_is_told_when_to_come_back(site: Site) -> None:
    headers = {"Origin": site.elsewhere}
    token = httpx.post(f"{site.server}/api/v1/portals/other/visits", headers=headers).json()["token"]
    # What a client says of its own address counts for nothing without a proxy that is listed.
    answers = [ask(site, {**headers, "X-Visitor-Token": token, "X-Forwarded-For": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"}) for n in range(6)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert_problem(answers[-1], 429)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert "retry-after" in answers[-1].headers["access-control-expose-headers"].lower()
    # Another portal's visitors are not concerned.
    assert ask(site, visit(site)).status_code == 200


@pytest.mark.slow
def test_behind_a_listed_proxy_visitors_are_told_apart(site: Site, tmp_path: Path) -> None:
    (tmp_path / "press").mkdir()
    (tmp_path / "press" / "a.md").write_text("# Lake Forum\n\nThe forum opened in May.\n", encoding="utf-8")
    (tmp_path / "assistant.toml").write_text(
        f'[index]\npath = "index"\n[web]\nconsole = false\nproxies = ["127.0.0.1"]\n[[corpus.sources]]\npath = "press"\nvisibility = "public"\n[[portals]]\nid = "city"\norigins = ["{site.origin}"]\n'
        'collections = ["default"]\nai_notice = "standard"\nprivacy = "https://www.example.org/privacy"\n[portals.quotas]\nper_client = "1/day"\n', encoding="utf-8",
    )  # fmt: skip
    with assistant_serving(tmp_path) as server:

        def visits(client: str) -> int:
            return httpx.post(f"{server}/api/v1/portals/city/visits", headers={"Origin": site.origin, "X-Forwarded-For": client}).status_code

        assert [visits("203.0.113.1") for _ in range(12)] == [200] * 10 + [429] * 2
        assert [visits("203.0.113.2"), visits("2001:db8::1")] == [200, 200]


@pytest.mark.slow
def test_a_request_that_never_ends_is_ended(site: Site) -> None:
    host, port = urlsplit(site.server).hostname, urlsplit(site.server).port
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(f"POST /api/v1/ask HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {site.keys['public']}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{".encode())
        assert b" 408 " in connection.recv(4096).split(b"\r\n")[0]


@pytest.mark.slow
def test_visitors_who_leave_free_their_places(site: Site) -> None:
    host, port = urlsplit(site.server).hostname, urlsplit(site.server).port
    body = json.dumps({"question": QUESTION}).encode()
    head = f"POST /api/v1/ask HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {site.keys['public']}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    for number in range(120):
        with socket.create_connection((host, port), timeout=30) as connection:
            connection.sendall(head.encode() + body)
            if number % 3 == 0:
                connection.recv(20)
    # More have left than there are places: were they still held, this would be turned away.
    with httpx.Client(timeout=60) as client:
        for _ in range(200):
            response = client.post(f"{site.server}/api/v1/ask", headers=as_program(site), json={"question": QUESTION})
            if response.status_code == 200:
                break
            assert_problem(response, 503)
            assert int(response.headers["retry-after"]) > 0
            time.sleep(0.1)
        assert response.status_code == 200


# -- feedback ---------------------------------------------------------------------------------------------------------------


def kept(site: Site) -> list[tuple[Any, ...]]:
    with sqlite3.connect(site.folder / "feedback.sqlite") as db:
        return db.execute("SELECT id, question, rating, reason, comment, channel, citations FROM feedback ORDER BY given").fetchall()


def test_a_word_on_an_answer_is_kept_for_whoever_got_it(site: Site) -> None:
    headers = visit(site)
    receipt = ask(site, headers).json()["receipt"]

    def give(by: dict[str, str], **body: Any) -> httpx.Response:
        return httpx.post(f"{site.server}/api/v1/feedback", headers=by, json={"receipt": receipt, "rating": "down", **body})

    identity = give(headers).json()["id"]
    assert give(headers, id=identity, reason="incomplete", comment="The hall?").json()["id"] == identity
    row = next(row for row in kept(site) if row[0] == identity)
    assert row[1:6] == (QUESTION, "down", "incomplete", "The hall?", "city")
    assert "press/press/harbour" in row[6]
    for changed in (receipt[:-3], receipt + "x", "x"):
        assert_problem(give(headers, receipt=changed), 404)
    assert_problem(give(as_program(site)), 404)
    assert_problem(give(headers, rating="maybe"), 422)
    assert_problem(give(headers, reason="because"), 422)
    assert_problem(give(as_program(site, "search")), 403)


# -- documents --------------------------------------------------------------------------------------------------------------


def test_the_document_page_marks_the_quote_and_shows_text_as_text(site: Site) -> None:
    citation = ask(site, as_program(site)).json()["citations"][0]
    response = httpx.get(f"{site.server}/documents/{citation['document_id']}", params={"portal": "city", "start": citation["start"], "end": citation["end"]})
    assert f'<mark id="quote" tabindex="-1">{citation["quote"]}</mark>' in response.text
    assert "<script" not in response.text
    assert "script-src" not in response.headers["content-security-policy"]
    assert 'href="https://example.org/harbour-2024"' in response.text


def test_the_original_is_the_file_as_it_was_read(site: Site) -> None:
    name = "press/press/harbour.de.md"
    file = site.folder / "press" / "harbour.de.md"
    page = httpx.get(f"{site.server}/documents/{name}?portal=city").text
    assert f"originals/{name}?portal=city" in page
    original = httpx.get(f"{site.server}/originals/{name}?portal=city")
    assert original.content == file.read_bytes()
    assert original.headers["content-security-policy"].startswith("sandbox")
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\nNot yet public.\n")
        assert_problem(httpx.get(f"{site.server}/originals/{name}?portal=city"), 404)
        assert "originals/" not in httpx.get(f"{site.server}/documents/{name}?portal=city").text
    finally:
        file.write_bytes(before)


def test_a_portal_shows_no_document_of_another_collection(site: Site) -> None:
    assert_problem(httpx.get(f"{site.server}/documents/guides/guides/house.md?portal=city"), 404)
    assert httpx.get(f"{site.server}/documents/guides/guides/house.md?portal=other").status_code in (200, 429)
