"""The widget in a real browser: on plain, strict and hostile pages, by keyboard and input method, in every language, and when things fail."""

from __future__ import annotations

import gzip
import importlib.resources
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.language.packs import pack
from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
QUESTION, REFUSED = "When did the Harbour Forum take place?", "Wie hoch war das Budget des Hafenforums?"
WIDGET = Path(__file__).parents[2] / "assistant" / "web" / "static" / "widget.js"
LANGUAGES = ("en", "de", "ja", "zh", "fr", "es", "ko")
Open = Callable[..., Any]


def tag(site: Site, portal: str = "city", **data: str) -> str:
    attributes = "".join(f' data-{name}="{value}"' for name, value in data.items())
    return f'<script src="{site.server}/widget.js" data-portal="{portal}"{attributes} async></script>'


def html(body: str, head: str = "", language: str = "en") -> str:
    return f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Page</title>{head}</head><body><main><h1>Page</h1></main>{body}</body></html>'


@pytest.fixture
def opened(browser: Any, site: Site) -> Iterator[Open]:
    """Opens a page of the portal; nothing may be asked of another host and nothing may go wrong on it, unless the test says so."""
    contexts: list[Any] = []
    seen: list[tuple[list[str], list[str], bool]] = []

    def make(text: str, *, origin: str = "", headers: dict[str, str] | None = None, fails: bool = False, ready: bool = True, prepare: Callable[[Any], None] | None = None, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
        page, own = context.new_page(), origin or site.origin
        foreign: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: None if request.url.startswith((site.server, own, "data:", "blob:", "about:")) else foreign.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") and "favicon" not in message.text and "404" not in message.text else None)
        contexts.append(context)
        seen.append((foreign, errors, fails))
        page.told = errors
        site.pages["/page.html"] = (text, headers or {})
        if prepare:
            prepare(page)
        page.goto(f"{own}/page.html")
        if ready:
            page.locator("forum-assistant .panel").first.wait_for(state="attached")
        return page

    yield make
    for context in contexts:
        context.close()
    for foreign, errors, fails in seen:
        assert foreign == []
        assert fails or errors == []


def ask(page: Any, question: str = QUESTION) -> Any:
    """The answer's element, once it has come."""
    before = page.locator(".told .acts").count()
    page.locator("textarea").fill(question)
    page.keyboard.press("Enter")
    page.locator(".told .acts").nth(before).wait_for()
    return page.locator(".told").last


def focused(page: Any) -> str:
    found: str = page.evaluate("(() => { const one = document.querySelector('forum-assistant').shadowRoot.activeElement; return one ? one.className + '|' + one.tagName : '' })()")
    return found


# -- asking, and the quote ---------------------------------------------------------------------------------------------------


def test_a_visitor_asks_reads_and_checks_the_quote(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    assert page.locator(".panel").is_hidden()
    page.locator(".launch").click()
    assert page.locator(".top h2").inner_text() == "Harbour questions"
    assert page.locator(".welcome").inner_text() == "Ask about the Harbour Forum."
    assert pack("en").widget["notice"] in page.locator(".foot").inner_text()
    assert page.locator(".foot a").get_attribute("href") == "https://www.example.org/privacy"
    page.locator(".choices button").click()
    page.locator(".told .acts").wait_for()
    answer = page.locator(".told").last
    assert QUESTION in page.locator(".asked").inner_text()
    assert answer.locator("strong").all_inner_texts() == ["9 June 2024"]
    answer.locator(".cite").click()
    assert page.locator(".source mark").inner_text() == "The Harbour Forum took place on 9 June 2024 in the old customs house."
    assert "English · 10 June 2024" in page.locator(".source .facts").inner_text()
    with page.context.expect_page() as other:
        page.get_by_role("link", name="Open the document").click()
    assert other.value.locator("#quote").inner_text() == "The Harbour Forum took place on 9 June 2024 in the old customs house."
    assert page.get_by_role("link", name="Open the original").get_attribute("href") == "https://example.org/harbour-2024"
    page.get_by_role("button", name="Back to the conversation").click()
    assert focused(page) == "cite|BUTTON"


def test_a_refusal_shows_the_nearest_once_and_whom_to_write_to(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    answer = ask(page, REFUSED)
    assert "beantworten diese Frage nicht" in answer.inner_text()
    titles = answer.locator(".near button").all_inner_texts()
    assert titles
    assert len(set(titles)) == len(titles)
    assert answer.inner_text().count(titles[0]) == 1
    assert answer.get_by_role("link").get_attribute("href") == "mailto:forum@example.org"
    answer.locator(".near button").first.click()
    assert page.locator(".source blockquote").inner_text()
    assert page.locator(".source mark").count() == 0


def test_the_conversation_goes_on(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    ask(page, "What was the Harbour Forum?")
    assert "340" in ask(page, "How many guests did it gather?").inner_text()


def test_it_stands_within_the_page_or_in_a_frame(opened: Open, site: Site) -> None:
    page = opened(html(f'<div id="here"></div>{tag(site, mount="#here")}'))
    assert page.locator("#here forum-assistant .panel").is_visible()
    assert page.locator(".launch").is_hidden()
    assert "9 June 2024" in ask(page).inner_text()
    framed = opened(html(f'<iframe src="{site.server}/embed/city" style="width:400px;height:600px"></iframe>'), ready=False)
    frame = framed.frame_locator("iframe")
    frame.locator("textarea").fill(QUESTION)
    frame.locator("textarea").press("Enter")
    frame.locator(".told .acts").wait_for()
    assert "9 June 2024" in frame.locator(".told").inner_text()


def test_a_foreign_page_cannot_frame_or_hold_it(opened: Open, site: Site) -> None:
    framed = opened(html(f'<iframe src="{site.server}/embed/city"></iframe>'), origin=site.elsewhere, ready=False, fails=True)
    framed.wait_for_function("true")
    framed.wait_for_timeout(500)
    assert framed.frames[1].locator("textarea").count() == 0
    for portal, origin in (("city", site.elsewhere), ("closed", site.origin)):
        page = opened(html(tag(site, portal)), origin=origin, ready=False, fails=True)
        with page.expect_event("console", lambda message: "cannot be used from this page" in message.text):
            page.reload()
        assert page.locator("forum-assistant").evaluate("element => element.shadowRoot.childElementCount") == 0


# -- pages that make it hard --------------------------------------------------------------------------------------------------


def test_a_strict_policy_of_the_page_is_enough(opened: Open, site: Site) -> None:
    policy = f"default-src 'none'; script-src {site.server}; connect-src {site.server}; style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    page = opened(html(tag(site)), headers={"content-security-policy": policy})
    page.locator(".launch").click()
    assert "9 June 2024" in ask(page).inner_text()
    assert page.locator(".top").evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(15, 118, 110)"


def test_a_pages_own_style_and_shortcuts_do_not_reach_it(opened: Open, site: Site) -> None:
    style = (
        "<style>* { display: block !important; visibility: hidden !important; opacity: 0 !important; font: 40px cursive !important; color: red !important; transform: rotate(7deg) scale(.2) !important; position: static !important; width: 9px !important; letter-spacing: 9px !important }"
        "html { font-size: 60px } forum-assistant { display: none !important; pointer-events: none !important } button, textarea { all: unset !important }</style>"
        "<script>addEventListener('keydown', e => e.preventDefault()); document.addEventListener('keydown', e => { e.preventDefault(); e.stopPropagation() })</script>"
    )
    page = opened(html(tag(site), head=style))
    page.locator(".launch").click()
    page.keyboard.type("When did the Harbour Forum take place?")
    assert page.locator("textarea").input_value() == QUESTION
    page.keyboard.press("Enter")
    page.locator(".told .acts").wait_for()
    box = page.locator(".panel").bounding_box()
    assert box["width"] == pytest.approx(400, abs=2)
    assert box["x"] + box["width"] == pytest.approx(1260, abs=2)
    assert page.locator(".told p").first.evaluate("element => getComputedStyle(element).fontSize + getComputedStyle(element).visibility") == "16pxvisible"
    # Its own head stays in view, however long the answer.
    assert page.locator(".top").bounding_box()["y"] >= box["y"]


# -- keyboard, input methods, screen readers ----------------------------------------------------------------------------------


def test_the_keyboard_is_enough(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.keyboard.press("Tab")
    assert focused(page).startswith("launch")
    page.keyboard.press("Enter")
    assert focused(page).endswith("TEXTAREA")
    page.keyboard.type("When did the Harbour Forum")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("take place?")
    assert page.locator("textarea").input_value() == "When did the Harbour Forum\ntake place?"
    page.keyboard.press("Enter")
    page.locator(".told .acts").wait_for()
    assert focused(page).endswith("TEXTAREA")
    while focused(page) != "cite|BUTTON":
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator(".source").is_visible()
    page.keyboard.press("Escape")
    assert focused(page) == "cite|BUTTON"
    page.keyboard.press("Escape")
    assert page.locator(".panel").is_hidden()
    assert focused(page).startswith("launch")


def test_on_a_small_screen_the_focus_stays_in_the_panel(opened: Open, site: Site) -> None:
    page = opened(html("<button>page</button>" + tag(site)), viewport={"width": 390, "height": 780})
    page.locator(".launch").click()
    for key in ("Tab", "Shift+Tab"):
        for _ in range(12):
            page.keyboard.press(key)
            assert focused(page)
    assert page.locator(".panel").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 780}


@pytest.mark.parametrize(("composed", "meant"), [("にほん", "日本のフォーラム"), ("bei jing", "北京论坛"), ("포러", "포럼은 언제")])
def test_enter_never_sends_while_text_is_composed(opened: Open, site: Site, composed: str, meant: str) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    field = page.locator("textarea")
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": composed, "selectionStart": len(composed), "selectionEnd": len(composed)})
    assert field.input_value() == composed
    press = "(field, more) => { const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true, cancelable: true, isComposing: !more }); if (more) Object.defineProperty(event, 'keyCode', { value: 229 }); field.dispatchEvent(event); return event.defaultPrevented }"
    assert field.evaluate(press, False) is False
    assert field.evaluate(press, True) is False
    assert page.locator(".asked").count() == 0
    session.send("Input.insertText", {"text": meant})
    page.keyboard.press("Enter")
    page.locator(".asked").wait_for()
    assert meant in page.locator(".asked").inner_text()


def test_the_answer_is_said_to_screen_readers(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    live = page.locator("[role=status][aria-live=polite]")
    page.locator("textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".told .acts").wait_for()
    assert "9 June 2024" in live.text_content()


AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def serious(page: Any) -> list[tuple[str, str, Any]]:
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [(one["impact"], one["id"], [part["target"] for part in one["nodes"]]) for one in found["violations"] if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_axe_finds_nothing_serious(opened: Open, site: Site, scheme: str, language: str) -> None:
    page = opened(html(tag(site), head="<style>:root { color-scheme: light dark }</style>", language=language), color_scheme=scheme, reduced_motion="reduce")
    assert serious(page) == []
    page.locator(".launch").click()
    assert serious(page) == []
    answer = ask(page)
    assert serious(page) == []
    answer.locator(".cite").first.click()
    assert serious(page) == []
    page.keyboard.press("Escape")
    answer.locator("[aria-pressed]").nth(1).click()
    page.locator(".why").wait_for()
    assert serious(page) == []
    ask(page, REFUSED)
    assert serious(page) == []


@pytest.mark.parametrize("path", ["/embed/city", "/documents/press/press/harbour.en.md?portal=city&start=0&end=30"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_our_pages(browser: Any, site: Site, path: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(site.server + path)
    page.locator("textarea, article").first.wait_for()
    assert serious(page) == []
    context.close()


# -- what is stored -----------------------------------------------------------------------------------------------------------

STORED = "[localStorage.length, sessionStorage.length, document.cookie.length]"


def test_nothing_is_stored_before_the_first_question(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    assert page.evaluate(STORED) == [0, 0, 0]
    page.locator(".launch").click()
    assert page.evaluate(STORED) == [0, 0, 0]
    ask(page)
    assert page.evaluate(STORED) == [0, 1, 0]
    assert page.context.cookies() == []
    page.reload()
    page.locator(".launch").click()
    assert "9 June 2024" in page.locator(".told").inner_text()
    page.locator(".told .cite").click()
    assert page.locator(".source mark").count() == 1
    page.keyboard.press("Escape")
    other = page.context.new_page()
    other.goto(page.url)
    other.locator(".launch").click()
    assert other.locator(".told").count() == 0
    page.get_by_role("button", name="New conversation").click()
    assert page.evaluate(STORED) == [0, 0, 0]
    assert page.locator(".told").count() == 0


def test_it_works_where_storage_is_closed(opened: Open, site: Site) -> None:
    closed = "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('closed', 'SecurityError') } })"
    page = opened(html(f'<iframe src="{site.server}/embed/city" style="width:400px;height:600px"></iframe>'), ready=False, prepare=lambda page: page.add_init_script(closed))
    frame = page.frame_locator("iframe")
    for turn in range(2):
        frame.locator("textarea").fill(QUESTION)
        frame.locator("textarea").press("Enter")
        frame.locator(".told .acts").nth(turn).wait_for()
    assert "9 June 2024" in frame.locator(".told").last.inner_text()


# -- languages, colours, places -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", [*LANGUAGES, "ar"])
def test_it_speaks_the_pages_language(opened: Open, site: Site, language: str) -> None:
    page = opened(html(tag(site), language=language), viewport={"width": 390, "height": 780})
    launch = page.locator(".launch")
    assert launch.text_content() == pack(language).widget["open"]
    box = launch.bounding_box()
    assert (box["x"] < 195) == (language == "ar")
    launch.click()
    assert page.locator("forum-assistant .floating").get_attribute("dir") == pack(language).direction
    assert page.locator("textarea").get_attribute("placeholder") == pack(language).interface["placeholder"]
    ask(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    overflowing = page.locator(".body").evaluate("element => element.scrollWidth - element.clientWidth")
    assert overflowing <= 0


def test_the_tag_says_language_colour_side_and_scheme(opened: Open, site: Site) -> None:
    page = opened(html(tag(site, language="de", accent="#813c8f", position="left", scheme="dark"), language="en"))
    launch = page.locator(".launch")
    assert launch.inner_text() == "Frage stellen"
    assert launch.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(129, 60, 143)"
    assert launch.bounding_box()["x"] == pytest.approx(20, abs=1)
    launch.click()
    assert page.locator(".panel").evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(22, 30, 38)"


def test_the_pages_variables_win_and_the_system_says_dark(opened: Open, site: Site) -> None:
    page = opened(html(tag(site), head="<style>:root { --forum-accent: #004488; --forum-radius: 3px }</style>"), color_scheme="dark")
    page.locator(".launch").click()
    assert page.locator(".top").evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(0, 68, 136)"
    assert page.locator(".panel").evaluate("element => getComputedStyle(element).borderTopLeftRadius + getComputedStyle(element).backgroundColor") == "3pxrgb(22, 30, 38)"
    page.emulate_media(color_scheme="light")
    page.wait_for_function("getComputedStyle(document.querySelector('forum-assistant').shadowRoot.querySelector('.panel')).backgroundColor === 'rgb(255, 255, 255)'")


def test_the_ink_on_a_colour_is_the_servers(opened: Open, site: Site) -> None:
    page = opened(html(tag(site, accent="#ffee00")))
    assert page.locator(".launch").evaluate("element => getComputedStyle(element).color") == "rgb(0, 0, 0)"


@pytest.mark.parametrize(("wanted", "moving"), [("reduce", 0), ("no-preference", 1)])
def test_less_motion_is_no_motion(opened: Open, site: Site, wanted: str, moving: int) -> None:
    page = opened(html(tag(site)), reduced_motion=wanted)
    running = page.evaluate("(() => { const element = document.querySelector('forum-assistant'); element.open(); return element.shadowRoot.getAnimations().length })()")
    assert running == moving


# -- what pages may call ------------------------------------------------------------------------------------------------------


def test_pages_may_call_it_and_hear_from_it(opened: Open, site: Site) -> None:
    script = (
        "<script>window.heard = []; document.addEventListener('forum-assistant-ready', ({ detail }) => { window.api = detail; heard.push('ready');"
        "for (const name of ['open', 'close', 'ask', 'answer']) detail.on(name, (event) => { heard.push(name); if (event.detail?.question === 'stop') event.preventDefault(); if (name === 'answer') window.answer = event.detail.answer }) })</script>"
    )
    page = opened(html(tag(site), head=script))
    page.wait_for_function("heard.includes('ready')")
    page.evaluate("api.open(); api.open(); api.close(); api.close()")
    page.evaluate("api.ask('stop')")
    assert page.locator(".asked").count() == 0
    page.evaluate(f"ForumAssistant.ask({json.dumps(QUESTION)})")
    page.wait_for_function("window.answer")
    assert page.evaluate("heard") == ["ready", "open", "close", "ask", "ask", "open", "answer"]
    assert page.evaluate("answer.citations[0].quote").startswith("The Harbour Forum took place")


# -- when things fail ---------------------------------------------------------------------------------------------------------


def test_a_question_outlives_a_broken_line(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), fails=True)
    page.locator(".launch").click()
    page.route("**/api/v1/ask", lambda route: route.abort(), times=1)
    page.locator("textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".told", has_text=pack("en").widget["unreachable"]).wait_for()
    assert QUESTION in page.locator(".asked").inner_text()
    page.get_by_role("button", name="Ask again").click()
    page.locator(".told .acts").wait_for()
    assert page.locator(".asked").count() == 1


def test_an_expired_visit_is_begun_anew(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), fails=True)
    page.locator(".launch").click()
    ask(page)
    visits: list[str] = []
    page.on("request", lambda request: visits.append(request.url) if request.url.endswith("/visits") else None)
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=401, headers={"access-control-allow-origin": site.origin}), times=1)
    ask(page, "How many guests came?")
    assert len(visits) == 1


def test_it_says_how_long_to_wait_and_a_broken_stream_is_no_answer(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), fails=True)
    page.locator(".launch").click()
    open_to_us = {"access-control-allow-origin": site.origin, "access-control-expose-headers": "Retry-After"}
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=429, headers={**open_to_us, "retry-after": "17"}), times=1)
    page.locator("textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".failed").wait_for()
    assert "17" in page.locator(".failed").inner_text()
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=200, headers={**open_to_us, "content-type": "text/event-stream"}, body='event: text\ndata: {"text": "It took"}\n\n'), times=1)
    page.get_by_role("button", name="Ask again").click()
    page.locator(".told", has_text=pack("en").interface["failed"]).wait_for()
    assert "It took" in page.locator(".told").inner_text()
    assert page.evaluate("sessionStorage.length") == 0


def test_an_answer_can_be_stopped(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), fails=True)
    page.locator(".launch").click()
    held: list[Any] = []
    page.route("**/api/v1/ask", lambda route: held.append(route), times=1)
    page.locator("textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").click()
    page.locator(".told", has_text=pack("en").widget["stopped"]).wait_for()
    page.get_by_role("button", name="Ask again").click()
    page.locator(".told .acts").wait_for()


def test_a_word_on_an_answer_reaches_the_file(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    answer = ask(page, "How many guests did the Harbour Forum gather?")
    answer.get_by_role("button", name="Not helpful").click()
    page.locator(".why select").select_option("incomplete")
    page.locator(".why input").fill("And in 2025? <b>")
    page.locator(".why button").click()
    page.get_by_text("Thank you, noted.").wait_for()
    with sqlite3.connect(site.folder / "feedback.sqlite") as db:
        row = db.execute("SELECT rating, reason, comment, channel FROM feedback WHERE question LIKE 'How many guests did the Harbour%' AND reason <> ''").fetchone()
    assert row == ("down", "incomplete", "And in 2025? <b>", "city")


def test_it_weighs_little() -> None:
    assert len(gzip.compress(WIDGET.read_bytes(), 9)) <= 30 * 1024
