"""The API's edges: what of a document may be shown by every route, which scope opens what, and problems that repeat nothing of what was sent.

Its ordinary answers are in test_routes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from assistant.settings import KeyScope
from tests.web.inside import ORIGIN, PORTAL, bearer, key, key_of, serving, settings_of

QUESTION = "When did the Lake Forum open?"
SENTENCE = "The {name} Forum opened on 1 March 2024 in Lakeside."
FILLER = "Its guests walked along the shore and spoke of hospitals and laboratories all day long. "
MARK = "Nebelkrähe77"


def note(name: str, more: str = "", body: str = "") -> str:
    return f"---\ntitle: {name} Forum 2024\nlanguage: en\ndate: 2024-03-05\n{more}---\n\n{SENTENCE.format(name=name)} It welcomed 250 guests.\n\n{body}"


DOCUMENTS: dict[str, str | bytes] = {
    "press/lake.md": note("Lake"),
    "press/excerpt.md": note("Hill", "display: excerpt\n", FILLER * 12 + f"\n\nThe last sentence names {MARK}.\n"),
    "press/link.md": note("Valley", "display: link\nsource: https://www.example.org/valley\n"),
    "press/odd.md": note("Odd", "display: sometimes\n"),
    "press/held.md": note("Held", "embargo_until: 2199-01-01\n"),
    "press/old.md": note("Old", "expires: 2020-01-01\n"),
    "press/first.md": note("First"),
    "press/second.md": note("Second", "replaces: first.md\n"),
    "press/numbers.md": note("Number", "score: .nan\nlimit: .inf\nnested: {deep: [.nan, 2024-01-01]}\n"),
    "guides/house.md": note("House"),
    "internal/plan.md": note("Secret"),
}
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[str]:
    keys = [key(scope, scopes=[scope]) for scope in SCOPES]
    keys += [key("all", scopes=list(SCOPES)), key("another", scopes=list(SCOPES)), key("press", collections=["press"]), key("staff", visibility="staff"), key("staffguides", visibility="staff", collections=["guides", "internal"])]
    with serving(settings_of(folder, DOCUMENTS, web={"keys": keys}, portals=[PORTAL])) as address:
        yield address


@pytest.fixture(scope="module")
def client(api: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api, headers=bearer("all"), timeout=60) as found:
        yield found


def problem(response: httpx.Response, status: int, *never: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    said: dict[str, Any] = response.json()
    assert set(said) == {"type", "title", "status", "detail"}
    assert said["status"] == status
    assert said["title"]
    assert said["detail"].strip()
    for word in (*never, "Traceback", "/tmp", "/work", "site-packages", "fa_", MARK):
        assert word not in response.text
    return said


def page_of(document: str) -> str:
    return f"/api/v1/documents/press/press/{document}"


# -- how much of a document -------------------------------------------------------------------------------------------------


def test_a_document_is_whole_where_it_may_be_shown_whole(client: httpx.Client) -> None:
    found = client.get(page_of("lake.md")).json()
    assert SENTENCE.format(name="Lake") in found["text"]
    assert (found["id"], found["title"], found["language"], found["date"], found["collection"], found["visibility"]) == ("press/press/lake.md", "Lake Forum 2024", "en", "2024-03-05", "press", "public")


@pytest.mark.parametrize("name", ["excerpt.md", "link.md", "odd.md"])
def test_what_may_not_be_shown_whole_has_no_text(client: httpx.Client, name: str) -> None:
    response = client.get(page_of(name))
    found = response.json()
    assert (found["text"], found["sections"], found["pages"]) == ("", [], [])
    assert found["title"]
    assert "opened on 1 March" not in response.text


@pytest.mark.parametrize(("name", "forum"), [("excerpt.md", "Hill"), ("link.md", "Valley"), ("odd.md", "Odd")])
def test_no_route_shows_more_of_it(client: httpx.Client, name: str, forum: str) -> None:
    asked = [f"When did the {forum} Forum open?", "What does the last sentence name?", f"{MARK[:-1]}", "Which forums took place in 2024?"]
    told = [client.post("/api/v1/ask", json={"question": question}).text for question in asked]
    told += [client.get("/api/v1/search", params={"question": question, "top_k": 50}).text for question in asked]
    told += [client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": question}]}).text for question in asked]
    told += [client.get(f"/documents/press/press/{name}?portal=city&start=0&end=5000").text, client.get(f"/documents/press/press/{name}").text]
    if forum == "Hill":
        assert not [text for text in told if MARK in text]
        assert not [text for text in told if FILLER * 3 in text]
    else:
        assert not [text for text in told if SENTENCE.format(name=forum) in text]
    for address in (f"/originals/press/press/{name}", f"/originals/press/press/{name}?portal=city"):
        problem(client.get(address), 404)


@pytest.mark.parametrize("name", ["held.md", "old.md", "first.md", "nothing.md"])
def test_what_is_not_out_cannot_be_told_from_what_is_not_there(client: httpx.Client, name: str) -> None:
    nothing = problem(client.get("/api/v1/documents/press/press/nowhere.md"), 404)
    assert problem(client.get(page_of(name)), 404) == nothing
    for address in (f"/documents/press/press/{name}", f"/documents/press/press/{name}?portal=city", f"/originals/press/press/{name}?portal=city"):
        problem(client.get(address), 404)
    told = client.get("/api/v1/search", params={"question": "forum opened 2024", "top_k": 100}).json()
    assert f"press/press/{name}" not in {hit["chunk"]["document_id"] for hit in told}


def test_what_replaces_another_is_shown(client: httpx.Client) -> None:
    assert client.get(page_of("second.md")).status_code == 200


def test_numbers_that_json_does_not_have_do_no_harm(client: httpx.Client) -> None:
    response = client.get(page_of("numbers.md"))
    assert response.status_code == 200, response.text
    assert "NaN" not in response.text


@pytest.mark.parametrize(
    "identity",
    ["..%2f..%2fetc%2fpasswd", "press/press/..%2f..%2finternal%2fplan.md", "press/press/lake.md%00", "press/press/lake.md/", "press//press/lake.md", "PRESS/press/lake.md", "%ff%fe", "press/press/%F0%9F%90%98.md", "a" * 2000, "%", "';--", "*"],
)  # fmt: skip
def test_an_odd_id_is_only_an_id(client: httpx.Client, identity: str) -> None:
    for address in (f"/api/v1/documents/{identity}", f"/documents/{identity}?portal=city", f"/originals/{identity}?portal=city"):
        problem(client.get(address), 404, "passwd", "aaaa")


def test_a_very_long_id_is_a_problem(client: httpx.Client) -> None:
    problem(client.get(f"/api/v1/documents/{'a' * 2001}"), 422, "aaaa")


# -- who may what -----------------------------------------------------------------------------------------------------------


def act(client: httpx.Client, scope: str, headers: dict[str, str]) -> list[httpx.Response]:
    """Every route that a scope opens."""
    if scope == "ask":
        return [client.post("/api/v1/ask", json={"question": QUESTION}, headers=headers), client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": QUESTION}]}, headers=headers), client.get("/v1/models", headers=headers)]
    if scope == "search":
        return [client.get("/api/v1/search", params={"question": QUESTION}, headers=headers)]
    if scope == "documents":
        return [client.get(page_of("lake.md"), headers=headers), client.get(page_of("lake.md").replace("/documents/", "/pages/", 1), headers=headers), client.get("/documents/press/press/lake.md", headers=headers), client.get("/originals/press/press/lake.md", headers=headers)]
    if scope == "metrics":
        return [client.get("/metrics", headers=headers)]
    return [client.post("/api/v1/feedback", json={"receipt": "x", "rating": "up"}, headers=headers)]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("has", SCOPES)
def test_a_key_opens_what_its_scope_names_and_nothing_else(client: httpx.Client, scope: str, has: str) -> None:
    for response in act(client, scope, bearer(has)):
        if scope == has:
            assert response.status_code == (404 if scope == "feedback" else 200), response.text
        else:
            assert scope in problem(response, 403, key_of(has))["detail"]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer fa_unknown", "Basic YTpi", "bearer fa_ all", "Bearer ÿ", "Token x"])
def test_without_a_known_key_there_is_no_answer(api: str, scope: str, authorization: str) -> None:
    with httpx.Client(base_url=api, timeout=60) as stranger:
        for response in act(stranger, scope, {"Authorization": authorization.encode("latin-1")} if authorization else {}):  # type: ignore[dict-item]
            # The pages that people read do not say what a key would open.
            html = response.request.url.path.startswith(("/documents", "/originals"))
            problem(response, 404 if html else 401)
            assert html or response.headers["www-authenticate"] == "Bearer"


def test_a_key_in_the_address_is_none(api: str) -> None:
    for name in ("key", "api_key", "token", "access_token", "authorization"):
        problem(httpx.get(f"{api}/api/v1/search", params={"question": "x", name: key_of("all")}), 401, key_of("all"))


def found_by(client: httpx.Client, name: str, **more: Any) -> set[str]:
    """Collections of everything that a key is told of, by every route that searches."""
    headers = bearer(name)
    hits = client.get("/api/v1/search", params={"question": "forum opened 2024", "top_k": 100, **({"collection": more["collections"]} if "collections" in more else {})}, headers=headers).json()
    answer = client.post("/api/v1/ask", json={"question": "When did the forum open in 2024?", "filters": more}, headers=headers).json()
    return {hit["chunk"]["collection"] for hit in hits} | {passage["chunk"]["collection"] for passage in answer["passages"]} | {citation["document_id"].partition("/")[0] for citation in answer["citations"]}


def test_a_key_sees_its_collections_only(client: httpx.Client) -> None:
    assert found_by(client, "press") == {"press"}
    assert found_by(client, "press", collections=["guides", "internal"]) == set()
    assert found_by(client, "press", collections=["guides", "press"]) == {"press"}
    assert found_by(client, "all") == {"press", "guides"}
    assert found_by(client, "all", collections=["internal"]) == set()
    assert found_by(client, "staff") == {"press", "guides", "internal"}
    assert found_by(client, "staffguides") == {"guides", "internal"}
    for name, path, status in (("press", "guides/guides/house.md", 404), ("all", "internal/internal/plan.md", 404), ("staff", "internal/internal/plan.md", 200), ("staffguides", "press/press/lake.md", 404), ("staffguides", "internal/internal/plan.md", 200)):
        assert client.get(f"/api/v1/documents/{path}", headers=bearer(name)).status_code == status, (name, path)


# -- asking -----------------------------------------------------------------------------------------------------------------


def test_no_answer_is_kept_by_anyone_in_between(client: httpx.Client) -> None:
    for response in (*act(client, "ask", bearer("all"))[:2], *act(client, "search", bearer("all")), act(client, "documents", bearer("all"))[0]):
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("question", [QUESTION, "Which forums took place in 2024?", "Hello", "What colour is the moon?", "Wann öffnete das Lake Forum?"])
def test_events_join_to_the_answer_and_are_the_same_as_json(client: httpx.Client, question: str) -> None:
    plain = client.post("/api/v1/ask", json={"question": question}).json()
    with client.stream("POST", "/api/v1/ask", json={"question": question}, headers={"Accept": "application/json;q=0.5, text/event-stream"}) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        came = [block for block in response.read().decode().split("\n\n") if block]
    names = [block.splitlines()[0].removeprefix("event: ") for block in came]
    data = [json.loads(block.splitlines()[1].removeprefix("data: ")) for block in came]
    assert all(len(block.splitlines()) == 2 for block in came)
    assert names == ["text"] * (len(came) - 1) + ["answer"]
    assert len(came) > 1
    streamed = data[-1]
    assert "".join(one["text"] for one in data[:-1]) == streamed["text"]
    for told in (plain, streamed):
        for changing in ("timings_ms", "receipt"):
            told.pop(changing)
    assert streamed == plain


def test_a_question_that_cannot_be_asked_is_a_problem_and_no_stream(client: httpx.Client) -> None:
    problem(client.post("/api/v1/ask", json={"question": " "}, headers={"Accept": "text/event-stream"}), 422)
    problem(client.post("/api/v1/ask", json={"question": QUESTION}, headers={"Accept": "text/event-stream", "Authorization": "Bearer fa_x"}), 401)


@pytest.mark.parametrize(
    "body",
    [
        {"question": MARK * 200}, {"question": QUESTION, "language": MARK}, {"question": QUESTION, "history": [{"role": MARK, "text": "x"}]}, {"question": QUESTION, "history": [{"role": "user", "text": MARK * 700}]},
        {"question": QUESTION, "history": [MARK]}, {"question": QUESTION, "history": [{"role": "user", "text": MARK}] * 21}, {"question": QUESTION, "filters": {"date_from": MARK}}, {"question": QUESTION, "filters": {"collections": MARK}},
        {"question": QUESTION, "filters": {"collections": [[MARK]]}}, {"question": QUESTION, "filters": MARK}, {"question": [MARK]}, {"question": {"a": MARK}}, MARK, [MARK], {"question": "\ud800" + MARK},
    ],
)  # fmt: skip
def test_a_problem_repeats_nothing_of_the_body(client: httpx.Client, body: Any) -> None:
    problem(client.post("/api/v1/ask", content=json.dumps(body), headers={"Content-Type": "application/json"}), 422)


@pytest.mark.parametrize("where", [{"question": QUESTION, MARK: 1}, {"question": QUESTION, "filters": {MARK: 1}}, {"question": QUESTION, "history": [{"role": "user", "text": "x", MARK: 1}]}])
def test_nor_the_name_of_an_unknown_field(client: httpx.Client, where: Any) -> None:
    problem(client.post("/api/v1/ask", json=where), 422)


def test_nor_what_stands_in_the_address(client: httpx.Client) -> None:
    for params in ({"question": MARK * 300}, {"question": "x", "top_k": MARK}, {"question": "x", "collection": [MARK] * 51}):
        problem(client.get("/api/v1/search", params=params), 422)
    problem(client.get(f"/api/v1/portals/{MARK}", headers={"Origin": ORIGIN}), 404)
    problem(client.get(f"/api/v1/{MARK}"), 404)
    problem(client.get(f"/documents/{MARK}?portal={MARK}"), 404)
    for form in ({"start": MARK}, {"end": "-1"}, {"start": "9" * 5000}, {"portal": MARK * 10}, {"language": MARK * 50}):
        problem(client.get("/documents/press/press/lake.md", params=form), 422)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"), (b"{", "application/json"), (b'{"question": "' + MARK.encode(), "application/json"), (b"\xff\xfe\x00", "application/json"), (b"question=x", "application/x-www-form-urlencoded"),
        (b'{"question": "x"}', "text/plain"), (b"[" * 30_000, "application/json"), (b'{"a":' * 10_000, "application/json"), (b'{"question": ' + b"9" * 6000 + b"}", "application/json"), (b"null", "application/json"), (b'{"question": NaN}', "application/json"),
        (b'{"question": 1e999}', "application/json"), (b"\x00", "application/json"), (b'\xef\xbb\xbf{"question": }', "application/json"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/feedback", "/v1/chat/completions"])
def test_a_body_that_is_no_json_is_a_problem(client: httpx.Client, path: str, content: bytes, kind: str) -> None:
    response = client.post(path, content=content, headers={"Content-Type": kind})
    assert response.status_code in (400, 422), response.text
    problem(response, response.status_code, "question=x")


def test_a_body_is_counted_not_believed(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"question": "'
        for _ in range(70):
            yield MARK[:10].encode() * 100

    problem(client.post("/api/v1/ask", content=pieces(), headers={"Content-Type": "application/json"}), 413)
    problem(client.post("/api/v1/ask", content=b"x" * (64 * 1024 + 1), headers={"Content-Type": "application/json"}), 413)
    whole = json.dumps({"question": QUESTION}).encode()
    assert client.post("/api/v1/ask", content=whole + b" " * (64 * 1024 - len(whole)), headers={"Content-Type": "application/json"}).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/ask"), ("PUT", "/api/v1/ask"), ("DELETE", "/api/v1/feedback"), ("POST", "/api/v1/search"), ("PATCH", "/api/v1/documents/press/press/lake.md"), ("TRACE", "/api/v1/ask"), ("GET", "/api/v1/portals/city/visits")])
def test_other_methods_are_a_problem(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, path)
    problem(response, 405)
    assert response.headers["allow"]


# -- searching --------------------------------------------------------------------------------------------------------------


def test_search_heeds_its_restrictions(client: httpx.Client) -> None:
    def search(**params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("/api/v1/search", params={"question": "forum opened", **params}).json()
        return found

    assert len(search()) == 5
    assert [hit["rank"] for hit in search(top_k=3)] == [1, 2, 3]
    assert {hit["chunk"]["collection"] for hit in search(collection=["guides", "internal"], top_k=100)} == {"guides"}
    assert search(language="de", top_k=100) == []
    assert search(collection="", top_k=100) == []


# -- feedback ---------------------------------------------------------------------------------------------------------------


def kept(folder: Path) -> list[tuple[str, ...]]:
    if not (folder / "feedback.sqlite").exists():
        return []
    with closing(sqlite3.connect(folder / "feedback.sqlite")) as db:
        return db.execute("SELECT id, rating, reason, comment, channel FROM feedback ORDER BY given, id").fetchall()


def receipt_of(client: httpx.Client, name: str = "all") -> str:
    found: str = client.post("/api/v1/ask", json={"question": QUESTION}, headers=bearer(name)).json()["receipt"]
    return found


def test_nothing_is_kept_of_an_answer_until_someone_says_a_word(client: httpx.Client, folder: Path) -> None:
    before = kept(folder)
    receipt = receipt_of(client)
    assert kept(folder) == before
    given = client.post("/api/v1/feedback", json={"receipt": receipt, "rating": "up"}).json()
    assert (given["id"], "up", "", "", "key:all") in kept(folder)


def test_a_receipt_is_its_callers_alone(client: httpx.Client, folder: Path) -> None:
    receipt, before = receipt_of(client), kept(folder)
    problem(client.post("/api/v1/feedback", json={"receipt": receipt, "rating": "up"}, headers=bearer("another")), 404, receipt)
    problem(client.post("/api/v1/feedback", json={"receipt": receipt, "rating": "up"}, headers=bearer("feedback")), 404, receipt)
    for place in range(0, len(receipt), max(len(receipt) // 40, 1)):
        changed = receipt[:place] + ("A" if receipt[place] != "A" else "B") + receipt[place + 1 :]
        problem(client.post("/api/v1/feedback", json={"receipt": changed, "rating": "up"}), 404)
    visitor = {"Origin": ORIGIN}
    token = client.post("/api/v1/portals/city/visits", headers=visitor).json()["token"]
    problem(client.post("/api/v1/feedback", json={"receipt": token, "rating": "up"}), 404)
    problem(client.post("/api/v1/ask", json={"question": QUESTION}, headers={**visitor, "X-Visitor-Token": receipt}), 401)
    assert kept(folder) == before


def test_a_word_is_added_to_by_its_id(client: httpx.Client, folder: Path) -> None:
    receipt = receipt_of(client)
    identity = client.post("/api/v1/feedback", json={"receipt": receipt, "rating": "down"}).json()["id"]
    assert client.post("/api/v1/feedback", json={"receipt": receipt, "rating": "down", "id": identity, "reason": "wrong", "comment": "No."}).json()["id"] == identity
    assert [row for row in kept(folder) if row[0] == identity] == [(identity, "down", "wrong", "No.", "key:all")]
    for wrong in ("x", identity + "0", identity.upper() + "!", "../../etc"):
        problem(client.post("/api/v1/feedback", json={"receipt": receipt, "rating": "down", "id": wrong}), 422, wrong * 3)


def test_nobody_adds_to_another_ones_word(client: httpx.Client, folder: Path) -> None:
    identity = client.post("/api/v1/feedback", json={"receipt": receipt_of(client), "rating": "down", "comment": "Mine."}).json()["id"]
    own = receipt_of(client, "another")
    client.post("/api/v1/feedback", json={"receipt": own, "rating": "up", "id": identity, "comment": "Not mine."}, headers=bearer("another"))
    assert [row[3] for row in kept(folder) if row[0] == identity] == ["Mine."]
