"""Briefings over HTTP: every quote is looked up in its document, by who may see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.web.inside import bearer, key, serving, settings_of

pytestmark = [pytest.mark.xdist_group("briefings")]
TEXT = "The Harbour Forum took place on 9 June 2024.\n\nIt gathered 340 guests.\n"
NOTE = "---\ntitle: Harbour Forum\nlanguage: en\ndate: 2024-06-10\npublisher: Harbour Office\nsource: https://example.org/a\n---\n\n"
DOCUMENTS: dict[str, str | bytes] = {
    "press/harbour.md": NOTE + TEXT, "press/excerpt.md": NOTE.replace("title: Harbour Forum", "title: Excerpt\ndisplay: excerpt") + TEXT,
    "internal/plan.md": NOTE.replace("Harbour Forum", "Plan") + "The plan is secret.\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    keys = [key("public"), key("staff", visibility="staff"), key("ask", scopes=["ask"])]
    with serving(settings_of(tmp_path_factory.mktemp("briefings"), DOCUMENTS, web={"keys": keys})) as address:
        yield address


def item(document: str, quote: str, start: int = 0, **more: Any) -> dict[str, Any]:
    return {"document_id": document, "start": start, "end": start + len(quote), "quote": quote, **more}


def briefing(server: str, *items: dict[str, Any], name: str = "public", format: str = "json", **more: Any) -> httpx.Response:
    return httpx.post(f"{server}/api/v1/briefings", params={"format": format}, json={"title": "T", "language": "de", "items": list(items), **more}, headers=bearer(name), timeout=60)


def test_a_quote_is_looked_up_where_it_stood_or_elsewhere(server: str) -> None:
    document = httpx.get(f"{server}/api/v1/documents/press/press/harbour.md", headers=bearer("public")).json()
    at = document["text"].index("It gathered")
    found = briefing(server, item("press/press/harbour.md", "It gathered 340 guests.", at), item("press/press/harbour.md", "It gathered 340 guests.", 3), item("press/press/harbour.md", "It gathered 341 guests.", at)).json()["quotes"]
    assert [(quote["start"], quote["stands"]) for quote in found] == [(at, True), (at, True), (0, False)]
    assert found[0]["publisher"] == "Harbour Office"
    assert found[0]["source"] == "https://example.org/a"
    assert found[2]["quote"] == "It gathered 341 guests."


def test_what_one_may_not_see_is_as_if_it_were_not_there(server: str) -> None:
    hidden = briefing(server, item("internal/internal/plan.md", "The plan is secret.", title="Mine")).json()["quotes"][0]
    nowhere = briefing(server, item("internal/internal/none.md", "The plan is secret.", title="Mine")).json()["quotes"][0]
    assert {**hidden, "document_id": ""} == {**nowhere, "document_id": ""}
    assert briefing(server, item("internal/internal/plan.md", "The plan is secret."), name="staff").json()["quotes"][0]["stands"] is True


def test_an_excerpt_may_be_quoted(server: str) -> None:
    assert briefing(server, item("press/press/excerpt.md", "It gathered 340 guests.")).json()["quotes"][0]["stands"] is True


@pytest.mark.parametrize(("format", "kind"), [("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"), ("md", "text/markdown; charset=utf-8"), ("json", "application/json")])
def test_each_format_is_a_file(server: str, format: str, kind: str) -> None:
    response = briefing(server, item("press/press/harbour.md", "It gathered 340 guests."), format=format)
    assert response.status_code == 200
    assert response.headers["content-type"] == kind
    assert response.headers["content-disposition"] == f'attachment; filename="briefing.{format}"'


@pytest.mark.parametrize("body", [{"items": []}, {"items": [item("x", "q")] * 201}, {"language": "xx"}, {"items": [{"document_id": "x"}]}, {"other": 1}, {"items": [item("x", "")]}])
def test_what_is_no_briefing_is_a_problem(server: str, body: dict[str, Any]) -> None:
    response = httpx.post(f"{server}/api/v1/briefings", json={"items": [item("x", "q")], **body}, headers=bearer("public"))
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_a_long_briefing_passes_and_a_huge_one_does_not(server: str) -> None:
    many = [item("press/press/harbour.md", "It gathered 340 guests.", statement="x" * 1500) for _ in range(200)]
    assert len(json.dumps(many)) > 300_000
    assert briefing(server, *many).status_code == 200
    assert httpx.post(f"{server}/api/v1/briefings", content=b"[" + b" " * 1_100_000, headers={**bearer("public"), "content-type": "application/json"}).status_code == 413
    assert briefing(server, item("press/press/harbour.md", "x"), name="ask").status_code == 403


def test_where_the_quote_stands_is_shown_in_parts(server: str) -> None:
    page = httpx.get(f"{server}/api/v1/pages/press/press/harbour.md", params={"start": 0, "end": 17, "language": "de"}, headers=bearer("public")).json()
    marked = [run["text"] for part in page["parts"] for run in part["runs"] if run["marked"]]
    assert marked == ["The Harbour Forum"]
    assert ["Veröffentlicht", "10. Juni 2024"] in page["facts"]
    excerpt = httpx.get(f"{server}/api/v1/pages/press/press/excerpt.md", headers=bearer("public")).json()
    assert excerpt["original"] == ""
    assert excerpt["note"]
    assert httpx.get(f"{server}/api/v1/pages/internal/internal/plan.md", headers=bearer("public")).status_code == 404
