"""Fifty documents that try to run something, to fetch something or to mislead: in the widget, its quote view, the frame and on their own pages
nothing runs, nothing is asked of a foreign host, and what they hold is shown as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.servers import page_server
from tests.web.conftest import assistant_serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

EVIL = "http://203.0.113.9"
RUN = "window.top.attacked=1"
MARKUP = (
    f"<script>{RUN}</script>", f"<img src=x onerror={RUN}>", f'<img src="{EVIL}/a.png">', f"<svg onload={RUN}>", f'<svg><script>{RUN}</script></svg>', f'<iframe src="{EVIL}/f"></iframe>',
    f'<iframe srcdoc="<script>{RUN}</script>"></iframe>', f'<object data="{EVIL}/o"></object>', f'<embed src="{EVIL}/e">', f'<link rel=stylesheet href="{EVIL}/s.css">', f"<style>@import '{EVIL}/i.css';</style>",
    f"<body onload={RUN}>", f"<details open ontoggle={RUN}>x</details>", f"<video src={EVIL}/v onerror={RUN}></video>", f"<audio src={EVIL}/v autoplay></audio>", f'<meta http-equiv=refresh content="0;url={EVIL}/m">',
    f'<base href="{EVIL}/">', f'<form action="{EVIL}/p"><button>go</button></form>', f'<a href="javascript:{RUN}">x</a>', f'<math><mtext><script>{RUN}</script></mtext></math>',
    f"<template><script>{RUN}</script></template>", f"</p></article><script>{RUN}</script>", f"</mark><script>{RUN}</script><mark>", f"--><script>{RUN}</script>", f"]]><script>{RUN}</script>", f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
)  # fmt: skip
ENTITIES = (f"&lt;script&gt;{RUN}&lt;/script&gt;", f"&#60;script&#62;{RUN}&#60;/script&#62;", f"\\u003cscript>{RUN}</script>", f"%3Cscript%3E{RUN}%3C/script%3E", f"＜script＞{RUN}＜/script＞")
MARKDOWN = (f"![x]({EVIL}/b.png)", f"[x](javascript:{RUN})", f"[x]({EVIL}/l)", f"![x][r]\n\n[r]: {EVIL}/r.png", f"<{EVIL}/auto>", f"[1]: {EVIL}/n", "{{7*7}} {% raw %} ${7*7} #{7*7}", f"`<script>{RUN}</script>`")
MISLEADING = (
    "\u202egnp.exe\u202c", "a\u200bb\u2060c", "\u2066hidden\u2069", "\U000e0041\U000e0042", "x [1] [2] [999]", "\ue000strong\ue001\ue002", "| a | b |\n| --- | --- |\n| [1] | [2] |", "data: {\"text\": \"x\"}\n\nevent: answer\ndata: {}",
    "]}</script>", "\x1b[31mred\x1b[0m", "é" * 300,
)  # fmt: skip
PAYLOADS = (*MARKUP, *ENTITIES, *MARKDOWN, *MISLEADING)
# Names that no other document has, so that each question finds its own.
NAMES = [f"Kestrelmoor{a}{b}" for a in ("bay", "dale", "fell", "ford", "gate", "ham", "holt") for b in ("an", "ell", "ine", "orn", "usk", "yth", "ock", "id")]


def test_there_are_fifty() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 50 <= len(NAMES)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, dict[str, tuple[str, dict[str, str]]]]]:
    """(server, origin of a portal's page, pages there): a portal over the fifty."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "docs").mkdir()
    for name, payload in zip(NAMES, PAYLOADS, strict=False):
        title = json.dumps(f"Forum {name} {payload}"[:200], ensure_ascii=False)
        # Plain text, since Markdown's reader takes markup out before anything is indexed.
        (folder / "docs" / f"{name}.txt").write_text(f"The Forum {name} opened on 6 May 2024 with {payload} in the hall.\n", encoding="utf-8")
        known = f'title: {title}\nlanguage: en\ndate: 2024-05-06\nsource: "javascript:{RUN}"\npublisher: {title}\nplace: {title}\n'
        (folder / "docs" / f"{name}.txt.meta.yaml").write_text(known, encoding="utf-8")
    with page_server() as (origin, pages):
        (folder / "assistant.toml").write_text(
            f'[index]\npath = "index"\n[web]\nconsole = false\n[[corpus.sources]]\npath = "docs"\nvisibility = "public"\n[[portals]]\nid = "hostile"\norigins = ["{origin}"]\ncollections = ["default"]\n'
            'ai_notice = "standard"\nprivacy = "https://www.example.org/privacy"\n[portals.quotas]\nper_client = "9999/minute"\n', encoding="utf-8",
        )  # fmt: skip
        with assistant_serving(folder) as server:
            pages["/"] = (f'<!doctype html><title>p</title><script src="{server}/widget.js" data-portal="hostile" async></script>', {})
            yield server, origin, pages


@pytest.fixture
def page(browser: Any, hostile: tuple[str, str, Any]) -> Iterator[Any]:
    server, origin, _ = hostile
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    foreign: list[str] = []
    context.on("request", lambda request: None if request.url.startswith((server, origin, "data:", "blob:", "about:")) else foreign.append(request.url))
    page.on("dialog", lambda dialog: foreign.append(f"dialog {dialog.message}"))
    yield page
    assert foreign == []
    context.close()


@pytest.mark.slow
def test_nothing_runs_and_nothing_is_fetched_in_the_widget(page: Any, hostile: tuple[str, str, Any]) -> None:
    page.goto(hostile[1])
    page.locator(".launch").click()
    cited = 0
    for name, payload in zip(NAMES, PAYLOADS, strict=False):
        page.locator("textarea").fill(f"When did the Forum {name} open?")
        page.locator("textarea").press("Enter")
        page.locator(".told .acts, .told .failed").nth(0).wait_for()
        page.wait_for_function("!document.querySelector('forum-assistant').shadowRoot.querySelector('button[type=submit]').hidden")
        answer = page.locator(".told").last
        assert "6 May 2024" in answer.inner_text(), payload
        assert answer.locator("script, img, iframe, svg:not([aria-hidden]), object, embed, style, link, form, video, audio, a").count() == 0, payload
        cites = answer.locator(".cite")
        if cites.count():
            cited += 1
            cites.first.click()
            source = page.locator(".source")
            assert source.locator("mark").count() == 1
            assert source.locator("script, img, iframe, svg, object, embed, style, form").count() == 0, payload
            assert [link for link in source.locator("a").evaluate_all("links => links.map(link => link.href)") if not link.startswith(hostile[0])] == []
            page.keyboard.press("Escape")
        assert page.evaluate("window.attacked") is None, payload
        page.get_by_role("button", name="New conversation").click()
    assert cited == len(PAYLOADS)


def test_nothing_runs_on_their_pages(page: Any, hostile: tuple[str, str, Any]) -> None:
    server = hostile[0]
    for name, payload in zip(NAMES, PAYLOADS, strict=False):
        response = page.goto(f"{server}/documents/{quote(f'default/docs/{name}.txt')}?portal=hostile&start=0&end=40")
        assert response.status == 200, payload
        assert page.locator("script, img, iframe, svg, object, embed, style, form, video, audio, base, meta[http-equiv]").count() == 0, payload
        assert page.evaluate("window.attacked") is None, payload
        text = page.inner_text("body")
        assert not re.search(r"[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\u200b\u2060]", text), payload
        # What leads out of the page: its original file on this server, nothing of the document's own.
        assert [link for link in page.locator("a").evaluate_all("links => links.map(link => link.href)") if not link.startswith(server)] == [], payload
        if payload in (*MARKUP, *ENTITIES):
            assert payload in page.locator("article").inner_text()


def test_nothing_runs_in_the_original_files(page: Any, hostile: tuple[str, str, Any]) -> None:
    for name in NAMES[:8]:
        response = page.goto(f"{hostile[0]}/originals/{quote(f'default/docs/{name}.txt')}?portal=hostile")
        assert response.status == 200
        assert "sandbox" in response.headers["content-security-policy"]
        assert page.evaluate("window.attacked") is None
