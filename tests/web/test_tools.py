"""The tools for agents beyond the ordinary case of test_clients: structured content, restrictions, refusals, and the protocol's edges."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from assistant.schema import Answer, Document, ScoredChunk
from tests.loops import awaited
from tests.web.inside import ORIGIN, PORTAL, bearer, key, serving, settings_of
from tests.web.test_api import DOCUMENTS, MARK

QUESTION = "When did the Lake Forum open?"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    keys = [key("bot"), key("press", collections=["press"]), key("searcher", scopes=["search"]), key("reader", scopes=["documents"]), key("slow", quota="2/day")]
    with serving(settings_of(tmp_path_factory.mktemp("tools"), DOCUMENTS, web={"keys": keys}, portals=[PORTAL])) as address:
        yield address


def act(place: str, name: str, does: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with httpx2.AsyncClient(headers=bearer(name), timeout=60) as http, Client(streamable_http_client(f"{place}/mcp", http_client=http)) as client:
            return await does(client)

    return awaited(run)


def call(place: str, tool: str, name: str = "bot", /, **arguments: Any) -> Any:
    return act(place, name, lambda client: client.call_tool(tool, arguments))


def structured(result: Any) -> Any:
    """The structured content, which the text beside it repeats."""
    assert not result.is_error, result
    found = result.structured_content
    assert found is not None
    found = found["result"] if set(found) == {"result"} else found
    told = [json.loads(part.text) for part in result.content]
    assert told in ([found], found)
    return found


def refused(result: Any, *says: str) -> None:
    assert result.is_error
    told = str(result)
    for word in says:
        assert word in told
    for never in ("Traceback", "/work", "/tmp", "site-packages", "fa_", "File \"", MARK):
        assert never not in told


def names(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_an_answer_a_passage_and_a_document_are_the_nouns(place: str) -> None:
    answer = structured(call(place, "ask", question=QUESTION))
    assert set(answer) == names(Answer)
    assert "1 March 2024" in answer["citations"][0]["quote"]
    (hit,) = structured(call(place, "search", question="guests", top_k=1))
    assert set(hit) == names(ScoredChunk)
    document = structured(call(place, "get_document", document_id="press/press/lake.md"))
    assert set(document) == names(Document)
    citation = next(c for c in answer["citations"] if c["document_id"] == "press/press/lake.md")
    assert document["text"][citation["start"] : citation["end"]] == citation["quote"]


def test_language_and_collections_are_heeded(place: str) -> None:
    assert structured(call(place, "ask", question=QUESTION, language="de"))["language"] == "de"
    assert {hit["chunk"]["collection"] for hit in structured(call(place, "search", question="forum", top_k=50, collections=["guides"]))} == {"guides"}
    assert structured(call(place, "search", question="forum", collections=["internal"])) == []
    assert structured(call(place, "search", "press", question="forum", collections=["guides"])) == []
    assert structured(call(place, "ask", question=QUESTION, collections=["nowhere"]))["abstained"]


@pytest.mark.parametrize("name", ["press/press/excerpt.md", "press/press/link.md", "press/press/odd.md"])
def test_a_document_that_may_not_be_shown_whole_has_no_text(place: str, name: str) -> None:
    result = call(place, "get_document", document_id=name)
    assert structured(result)["text"] == ""
    assert MARK not in str(result)


@pytest.mark.parametrize("name", ["press/press/held.md", "press/press/old.md", "press/press/first.md", "internal/internal/plan.md", "nothing", "../../etc/passwd", ""])
def test_what_is_hidden_is_not_there(place: str, name: str) -> None:
    result = call(place, "get_document", document_id=name)
    refused(result)
    assert result.content[0].text == call(place, "get_document", document_id="nowhere at all").content[0].text


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ask", {}), ("ask", {"question": ""}), ("ask", {"question": " \n"}), ("ask", {"question": 7}), ("ask", {"question": "x", "language": "xx"}), ("ask", {"question": "x", "collections": "press"}), ("ask", {"question": "x", "collections": ["a"] * 51}), ("search", {"question": "x", "top_k": 0}),
        ("search", {"question": "x", "top_k": 101}), ("search", {"question": "x", "top_k": "many"}), ("get_document", {}), ("get_document", {"document_id": 7}), ("ask", {"question": "x" * 2001}),
    ],
)  # fmt: skip
def test_bad_arguments_are_an_error_of_the_tool(place: str, tool: str, arguments: dict[str, Any]) -> None:
    refused(call(place, tool, **arguments))


def test_a_key_does_with_tools_what_its_scopes_say(place: str) -> None:
    refused(call(place, "ask", "searcher", question=QUESTION), "scope ask")
    refused(call(place, "get_document", "searcher", document_id="press/press/lake.md"), "scope documents")
    refused(call(place, "search", "reader", question=QUESTION), "scope search")
    structured(call(place, "search", "searcher", question=QUESTION))
    structured(call(place, "get_document", "reader", document_id="press/press/lake.md"))


def test_tools_cost_what_the_api_does(place: str) -> None:
    structured(call(place, "ask", "slow", question=QUESTION))
    structured(call(place, "search", "slow", question=QUESTION))
    refused(call(place, "ask", "slow", question=QUESTION), "Try again in")
    # What was spent here is spent there.
    assert httpx.post(f"{place}/api/v1/ask", json={"question": QUESTION}, headers=bearer("slow")).status_code == 429


def test_each_tool_says_what_it_takes_and_that_bounds_hold(place: str) -> None:
    tools = {tool.name: tool for tool in act(place, "bot", lambda client: client.list_tools()).tools}
    assert list(tools) == ["ask", "search", "get_document"]
    assert set(tools["ask"].input_schema["properties"]) == {"question", "language", "collections"}
    assert set(tools["search"].input_schema["properties"]) == {"question", "top_k", "collections"}
    assert set(tools["get_document"].input_schema["properties"]) == {"document_id"}
    assert tools["ask"].input_schema["properties"]["question"]["maxLength"] == 2000
    assert tools["search"].input_schema["properties"]["top_k"]["maximum"] == 100
    for tool in tools.values():
        assert tool.output_schema


def test_an_unknown_tool_is_an_error_without_a_trace(place: str) -> None:
    told = httpx.post(f"{place}/mcp", json={**LIST, "method": "tools/call", "params": {"name": "delete_everything", "arguments": {}}}, headers={**bearer("bot"), **ACCEPT}).text
    assert "error" in told.lower()
    assert "Traceback" not in told


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"jsonrpc": "1.0"}', b'{"jsonrpc": "2.0", "id": 1, "method": "rm"}', b"[" * 30_000, b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": "tools/list"}'])
def test_what_is_no_message_is_refused_without_a_trace(place: str, content: bytes) -> None:
    response = httpx.post(f"{place}/mcp", content=content, headers={**bearer("bot"), **ACCEPT, "Content-Type": "application/json"}, timeout=30)
    assert response.status_code < 500, response.text
    for never in ("Traceback", "/work", "/tmp", "site-packages"):
        assert never not in response.text
    assert httpx.post(f"{place}/mcp", json=LIST, headers={**bearer("bot"), **ACCEPT}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer fa_wrong"}, {"Origin": ORIGIN}, {"Origin": "https://evil.example"}])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_whoever_is_not_known_reaches_no_tool(place: str, method: str, headers: dict[str, str]) -> None:
    response = httpx.request(method, f"{place}/mcp", headers={**headers, **ACCEPT}, timeout=10)
    assert response.status_code in (401, 405)
    assert response.headers["content-type"] == "application/problem+json"


def test_no_connection_is_held_for_nothing(place: str) -> None:
    assert httpx.get(f"{place}/mcp", headers={**bearer("bot"), **ACCEPT}, timeout=2).status_code == 405
