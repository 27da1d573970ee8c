"""The chat in a real browser: question in, cited answer out, nothing from elsewhere, at two widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(browser: Any, server: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="de-DE")
    page = context.new_page()
    page.foreign, page.errors = [], []
    page.on("request", lambda r: None if r.url.startswith((server, "data:", "blob:")) else page.foreign.append(r.url))
    page.on("pageerror", lambda e: page.errors.append(str(e)))
    page.goto(server)
    page.wait_for_selector("#ask textarea")
    page.wait_for_function("document.querySelector('#send').innerText.includes('Fragen')")
    yield page
    assert page.foreign == []
    assert page.errors == []
    context.close()


def ask(page: Any, question: str, wait_for: str = "#sources li") -> None:
    page.fill("#ask textarea", question)
    page.keyboard.press("Enter")
    page.wait_for_selector(wait_for, timeout=30_000)


def test_a_question_is_answered_with_its_source_beside_it(page: Any) -> None:
    ask(page, "Wann fand das Hafenforum statt?")
    answer = page.inner_text("#chat .bot .answer")
    assert "9. Juni 2024" in answer
    assert "Hafenforum 2024: Bericht" in answer
    assert page.inner_text("#sources li mark").startswith("Das Hafenforum fand am 9. Juni 2024")
    assert "11. Juni 2024" in page.inner_text("#sources .facts")
    assert page.get_attribute("#chat a.cite", "href") == "#source-1"
    assert page.input_value("#ask textarea") == ""


def test_the_interface_speaks_the_readers_language(page: Any) -> None:
    assert page.inner_text("#top h1") == "Forum-Assistent"
    assert "Sprache" in page.get_attribute("#ask textarea", "placeholder")


def test_the_link_to_the_original_is_safe(page: Any) -> None:
    ask(page, "How many guests did the Harbour Forum gather?")
    link = page.locator("#sources li a").first
    assert link.get_attribute("href") == "https://example.org/harbour-2024"
    assert "noopener" in link.get_attribute("rel")


def test_a_refusal_offers_the_nearest_passages(page: Any) -> None:
    ask(page, "Wie hoch war das Budget des Hafenforums?")
    assert "beantworten diese Frage nicht" in page.inner_text("#chat .bot .answer")
    assert page.locator("#sources mark").count() == 0
    assert page.inner_text("#sources h2") == "Nächstliegende Textstellen"


def test_markup_in_a_document_is_shown_not_run(page: Any) -> None:
    ask(page, "What does the hostile sentence name?")
    assert "markup" in page.inner_text("#sources mark")
    assert page.evaluate("window.attacked") is None
    assert page.locator("#sources img, #chat .bot img").count() == 0


def test_a_new_conversation_forgets_the_old_one(page: Any) -> None:
    ask(page, "Wann fand das Hafenforum statt?")
    page.click("#clear")
    page.wait_for_selector("#sources .empty")
    assert page.locator("#chat .answer").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_overflows(browser: Any, server: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="ja-JP")
    page = context.new_page()
    page.goto(server)
    page.wait_for_selector("#ask textarea")
    ask(page, "ハーバーフォーラムはいつ開催されましたか？")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    box = page.locator("#send").bounding_box()
    assert box["x"] + box["width"] <= width
    context.close()


def test_an_earlier_question_is_asked_in_other_words(page: Any) -> None:
    ask(page, "Wann fand das Hafenforum statt?")
    ask(page, "How many guests did the Harbour Forum gather?")
    page.wait_for_function("document.querySelectorAll('#chat .bot .answer').length == 2")
    page.locator("#chat button[aria-label='Bearbeiten']").first.click()
    page.locator("#chat textarea").first.fill("Wo & wann fand das <b>Hafenforum</b> statt?")
    page.locator("#chat button[aria-label='Senden']").first.click()
    page.wait_for_function("document.querySelectorAll('#chat .bot .answer').length == 1")
    page.wait_for_selector("#sources li")
    assert "9. Juni 2024" in page.inner_text("#chat .bot .answer")
    assert "Wo & wann fand das <b>Hafenforum</b> statt?" in page.inner_text("#chat")
    assert "How many guests" not in page.inner_text("#chat")
