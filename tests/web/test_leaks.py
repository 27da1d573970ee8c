"""No word of a staff document reaches a portal or a public key, by any route; the same words reach staff, so the search for them is no empty one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.loops import awaited
from tests.web.conftest import SECRET_WORDS, Site

pytestmark = [pytest.mark.xdist_group("browser")]
# Each of them is after the staff document: by its name, its alias, its subject, its place in lists, its number.
QUESTIONS = (
    "What is the Zephyrine plan?", "What is the budget of the Harbour Forum?", "Wann findet das Hafenforum statt?", "ツェッペリン計画とは何ですか？", "When is the next Harbour Forum?",
    "Which forums take place in 2027?", "Which forums are there in Goldfasan?", "Where does the Harbour Forum move to?", "ハーバーフォーラムはどこで開催されますか？", "Hallo", "What do you know?",
)  # fmt: skip
STAFF_IDS = ("internal/internal/zephyrine.md", "press/press/held.md")


def visit(site: Site) -> dict[str, str]:
    headers = {"Origin": site.origin}
    token = httpx.post(f"{site.server}/api/v1/portals/city/visits", headers=headers).raise_for_status().json()["token"]
    return {**headers, "X-Visitor-Token": token}


def everything_told(site: Site, headers: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(what was asked, what was told) of every route that tells something."""
    with httpx.Client(base_url=site.server, headers=headers, timeout=60) as client:
        history = [{"role": "user", "text": "Tell me about the Harbour Forum"}, {"role": "assistant", "text": "It took place."}]
        for question in QUESTIONS:
            bodies = [{"question": question}, {"question": question, "history": history}, {"question": question, "filters": {"collections": ["internal"]}}, {"question": question, "filters": {"documents": list(STAFF_IDS)}}]
            for body in bodies:
                for accept in ("application/json", "text/event-stream"):
                    yield json.dumps(body, ensure_ascii=False), client.post("/api/v1/ask", json=body, headers={"accept": accept}).text
            for extra in ("", "&collection=internal"):
                yield f"search {question}", client.get(f"/api/v1/search?top_k=50&question={quote(question)}{extra}").text
            for stream in (False, True):
                told = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": question}], "stream": stream})
                yield f"completions {question}", told.text
        for identity in STAFF_IDS:
            for path in (f"/api/v1/documents/{identity}", f"/documents/{identity}", f"/documents/{identity}?portal=city&start=0&end=5", f"/originals/{identity}", f"/originals/{identity}?portal=city"):
                response = client.get(path)
                assert response.status_code in (401, 403, 404), path
                yield path, response.text
        for path in ("/api/v1/portals/city?language=en", "/embed/city", "/widget.js", "/api/v1/openapi.json", "/healthz", "/readyz", "/v1/models", "/demo", "/"):
            yield path, client.get(path).text


def tools_told(site: Site, key: str) -> Iterator[tuple[str, str]]:
    from mcp.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async def all_of() -> list[tuple[str, str]]:
        found = []
        # Its own client type, as mcp wants it.
        import httpx2

        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http, Client(streamable_http_client(f"{site.server}/mcp", http_client=http)) as client:
            for question in QUESTIONS:
                for collections in ([], ["internal"]):
                    for tool in ("ask", "search"):
                        found.append((f"{tool} {question}", str(await client.call_tool(tool, {"question": question, "collections": collections}))))
            found.extend([(identity, str(await client.call_tool("get_document", {"document_id": identity}))) for identity in STAFF_IDS])
        return found

    yield from awaited(all_of)


def leaked(asked: str, told: str) -> list[str]:
    """The secret words that are told and were not asked with."""
    return [word for word in (*SECRET_WORDS, "731 thousand", "March 2027") if word in told and word not in asked]


def test_a_visitor_learns_nothing_of_staff_documents(site: Site) -> None:
    for asked, told in everything_told(site, visit(site)):
        assert leaked(asked, told) == [], (asked, told[:2000])


@pytest.mark.slow
def test_neither_does_a_program_with_a_public_key(site: Site) -> None:
    for asked, told in (*everything_told(site, {"Authorization": f"Bearer {site.keys['public']}"}), *tools_told(site, site.keys["public"])):
        assert leaked(asked, told) == [], (asked, told[:2000])


@pytest.mark.slow
def test_nor_does_a_stranger(site: Site) -> None:
    for asked, told in everything_told(site, {}):
        assert leaked(asked, told) == [], (asked, told[:2000])


def test_staff_learn_it_by_every_one_of_these_routes(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.keys['staff']}"}
    with httpx.Client(base_url=site.server, headers=headers, timeout=60) as client:
        asked = client.post("/api/v1/ask", json={"question": "When is the next Harbour Forum?"}).text
        assert leaked("", asked)
        assert leaked("", client.get("/api/v1/search", params={"question": "budget of the Harbour Forum"}).text)
        assert leaked("", client.get(f"/api/v1/documents/{STAFF_IDS[0]}").text)
        assert leaked("", client.get(f"/documents/{STAFF_IDS[0]}").text)
    assert any(leaked("", told) for _, told in tools_told(site, site.keys["staff"]))


def test_a_tool_wants_a_key_and_no_visitors_token(site: Site) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert httpx.post(f"{site.server}/mcp", json=body).status_code == 401
    assert httpx.post(f"{site.server}/mcp", json=body, headers=visit(site)).status_code == 403
