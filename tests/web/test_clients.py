"""The official clients work: `openai` for completions, `mcp` for tools."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import openai
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.loops import awaited
from tests.web.conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
QUESTION = "When did the Harbour Forum take place?"


@pytest.fixture
def client(site: Site) -> Any:
    with openai.OpenAI(base_url=f"{site.server}/v1", api_key=site.keys["public"], max_retries=0) as found:
        yield found


def check_annotations(text: str, annotations: list[Any]) -> None:
    assert annotations
    for annotation in annotations:
        cited = annotation if isinstance(annotation, dict) else annotation.model_dump()
        assert cited["type"] == "url_citation"
        citation = cited["url_citation"]
        assert text[citation["start_index"] : citation["end_index"]] == f"{citation['quote']} [{citation['number']}]"
        assert citation["url"].startswith("http")
        assert citation["title"]


def test_a_completion_carries_its_citations(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["forum-assistant"]
    done = client.chat.completions.create(model="forum-assistant", messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": QUESTION}], temperature=0.2)
    message = done.choices[0].message
    assert "9 June 2024" in message.content
    assert done.choices[0].finish_reason == "stop"
    check_annotations(message.content, message.annotations)


def test_a_streamed_completion_is_the_same(client: Any) -> None:
    whole = client.chat.completions.create(model="any", messages=[{"role": "user", "content": QUESTION}]).choices[0].message
    pieces, annotations, finish = "", [], None
    for chunk in client.chat.completions.create(model="any", messages=[{"role": "user", "content": [{"type": "text", "text": QUESTION}]}], stream=True):
        delta = chunk.choices[0].delta
        pieces += delta.content or ""
        annotations += getattr(delta, "annotations", None) or []
        finish = chunk.choices[0].finish_reason or finish
    assert pieces == whole.content
    assert finish == "stop"
    check_annotations(pieces, annotations)


def test_a_conversation_is_a_history(client: Any) -> None:
    turns = [{"role": "user", "content": "What was the Harbour Forum?"}, {"role": "assistant", "content": "A forum in 2024."}, {"role": "user", "content": "How many guests did it gather?"}]
    assert "340" in client.chat.completions.create(model="x", messages=turns).choices[0].message.content


def test_a_document_without_a_link_is_cited_by_its_page(client: Any, site: Site) -> None:
    message = client.chat.completions.create(model="x", messages=[{"role": "user", "content": "Wann fand das Hafenforum statt?"}]).choices[0].message
    links = {annotation.url_citation.url for annotation in message.annotations}
    assert any(link.startswith(f"{site.server}/documents/press/press/harbour.de.md?start=") for link in links)


def test_errors_are_those_the_client_knows(client: Any, site: Site) -> None:
    with openai.OpenAI(base_url=f"{site.server}/v1", api_key="fa_wrong", max_retries=0) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with openai.OpenAI(base_url=f"{site.server}/v1", api_key=site.keys["search"], max_retries=0) as searcher, pytest.raises(openai.PermissionDeniedError):
        searcher.chat.completions.create(model="x", messages=[{"role": "user", "content": "x"}])
    for messages in ([], [{"role": "user", "content": "x" * 2001}], [{"role": "assistant", "content": "x"}], [{"role": "user", "content": " "}]):
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(model="x", messages=messages)


def test_who_stops_a_stream_early_does_no_harm(client: Any) -> None:
    for _ in range(5):
        stream = client.chat.completions.create(model="x", messages=[{"role": "user", "content": QUESTION}], stream=True)
        next(iter(stream))
        stream.close()
    assert client.chat.completions.create(model="x", messages=[{"role": "user", "content": QUESTION}]).choices[0].message.content


def with_tools(site: Site, key: str, act: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        headers = {"Authorization": f"Bearer {site.keys[key]}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http, Client(streamable_http_client(f"{site.server}/mcp", http_client=http)) as client:
            return await act(client)

    return awaited(run)


def test_tools_are_listed_with_what_they_take(site: Site) -> None:
    tools = with_tools(site, "public", lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["ask", "search", "get_document"]
    for tool in tools:
        assert tool.description
        assert tool.input_schema["required"]


def test_tools_answer_search_and_show(site: Site) -> None:
    async def act(client: Client) -> tuple[Any, Any, Any]:
        answer = await client.call_tool("ask", {"question": QUESTION})
        found = await client.call_tool("search", {"question": "guests", "top_k": 1})
        document = await client.call_tool("get_document", {"document_id": "press/press/harbour.en.md"})
        return answer, found, document

    answer, found, document = with_tools(site, "public", act)
    told = json.loads(answer.content[0].text)
    assert "9 June 2024" in told["citations"][0]["quote"]
    assert json.loads(found.content[0].text)["rank"] == 1
    assert "customs house" in json.loads(document.content[0].text)["text"]


def test_what_a_tool_cannot_do_is_said_without_a_trace(site: Site) -> None:
    async def act(client: Client) -> list[Any]:
        calls = [("get_document", {"document_id": "nothing"}), ("ask", {"question": ""}), ("ask", {"question": "x" * 2001}), ("search", {"question": "x", "top_k": 0}), ("ask", {"question": "x", "language": "xx"})]
        return [await client.call_tool(name, arguments) for name, arguments in calls]

    for result in with_tools(site, "public", act):
        assert result.is_error
        assert "Traceback" not in str(result)
        assert "/work" not in str(result)


def test_a_key_without_the_scope_is_refused_by_the_tool(site: Site) -> None:
    result = with_tools(site, "search", lambda client: client.call_tool("ask", {"question": QUESTION}))
    assert result.is_error
    assert "scope ask" in result.content[0].text
