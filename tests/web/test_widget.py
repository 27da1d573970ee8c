"""The widget in a real browser: on plain, strict and hostile pages, by keyboard and input method, in every language, and when things fail."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from assistant.language.packs import pack
from tests.web.axe import serious
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
    return f'<!doctype html><html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"><head><meta charset="utf-8"><title>Page</title>{head}</head><body><main><h1>Page</h1></main>{body}</body></html>'


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https", "ws", "wss") else ""


@pytest.fixture
def opened(browser: Any, site: Site) -> Iterator[Open]:
    """Opens a page of the portal; no tab of it may ask anything of another host or throw, nor may the console hear of anything wrong, unless the test says so.

    `told` of the page is what its console heard: (warning or error, text).
    """
    contexts: list[Any] = []
    seen: list[tuple[list[str], list[str], list[tuple[str, str]], bool]] = []

    def make(text: str, *, origin: str = "", address: str = "", headers: dict[str, str] | None = None, fails: bool = False, ready: bool = True, prepare: Callable[[Any], None] | None = None, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
        own = origin or site.origin
        foreign: list[str] = []
        thrown: list[str] = []
        told: list[tuple[str, str]] = []
        context.on("request", lambda request: None if origin_of(request.url) in ("", site.server, own) else foreign.append(request.url))
        context.on("weberror", lambda error: thrown.append(str(error.error)))
        context.on("console", lambda message: told.append((message.type, message.text)) if message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico") else None)
        page = context.new_page()
        contexts.append(context)
        seen.append((foreign, thrown, told, fails))
        page.told = told
        site.pages["/page.html"] = (text, headers or {})
        if prepare:
            prepare(page)
        page.goto(address or f"{own}/page.html")
        if ready:
            page.locator("forum-assistant .panel").first.wait_for(state="attached")
        return page

    yield make
    for context in contexts:
        context.close()
    for foreign, thrown, told, fails in seen:
        assert foreign == []
        assert thrown == []
        assert fails or told == []


# Holds an answer's stream back after its first piece until the page calls release(); the rest comes byte by byte.
HELD = """
const real = window.fetch;
window.fetch = async (...given) => {
  const response = await real(...given);
  if (!String(given[0]).endsWith("/api/v1/ask")) return response;
  const bytes = new Uint8Array(await response.arrayBuffer()), cut = bytes.findIndex((byte, place) => byte === 10 && bytes[place + 1] === 10) + 2;
  const body = new ReadableStream({ async start(controller) {
    given[1].signal.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
    controller.enqueue(bytes.slice(0, cut));
    await new Promise((go) => { window.release = go; });
    for (const byte of bytes.slice(cut)) controller.enqueue(Uint8Array.of(byte));
    controller.close();
  } });
  return new Response(body, { status: response.status, headers: response.headers });
};
"""


def hold(page: Any) -> None:
    page.add_init_script(HELD)


def begin(page: Any, question: str = QUESTION) -> None:
    """Asks, and waits for the first piece of the answer only."""
    page.locator("textarea").fill(question)
    page.keyboard.press("Enter")
    page.locator(".told:last-child p:not(.dots):not(.failed):not(:empty)").wait_for()


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
    assert page.get_by_role("dialog", name="Harbour questions").is_visible()
    notice = page.locator(".foot").get_by_text(pack("en").widget["notice"])
    assert notice.is_visible()
    assert page.get_by_role("link", name="Privacy").get_attribute("href") == "https://www.example.org/privacy"
    page.locator(".choices button").click()
    page.locator(".told .acts").wait_for()
    answer = page.locator(".told").last
    assert notice.is_visible()
    assert page.locator(".choices").is_hidden()
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


@pytest.mark.parametrize(("question", "said", "cited"), [(QUESTION, "9 June 2024", 1), ("ハーバーフォーラムの予算はいくらでしたか？", "お問い合わせ", 0)])
def test_an_answer_is_read_as_it_comes(opened: Open, site: Site, question: str, said: str, cited: int) -> None:
    page = opened(html(tag(site, language="ja" if cited == 0 else "en")), prepare=hold)
    page.locator(".launch").click()
    begin(page, question)
    assert len(page.locator(".told p").inner_text()) > 5
    assert page.locator(".told .acts").count() == 0
    stop = page.locator(".box button[type=button]")
    assert stop.is_visible()
    # What is written meanwhile waits, and is not sent.
    page.locator("textarea").fill("And how many guests?")
    page.keyboard.press("Enter")
    page.evaluate("release()")
    page.locator(".told .acts").wait_for()
    assert said in page.locator(".told").inner_text()
    assert "\ufffd" not in page.locator(".told").inner_text()
    assert page.locator(".told .cite").count() == cited
    assert page.locator(".asked").count() == 1
    assert page.locator("textarea").input_value() == "And how many guests?"
    assert stop.is_hidden()


def test_an_answer_does_not_take_the_focus_from_the_page(opened: Open, site: Site) -> None:
    page = opened(html("<input id='own' aria-label='own'>" + tag(site)), prepare=hold)
    page.locator(".launch").click()
    begin(page)
    page.locator("#own").click()
    page.evaluate("release()")
    page.locator(".told .acts").wait_for()
    page.get_by_role("button", name="Stop").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.id") == "own"


def test_a_refusal_shows_the_nearest_once_and_whom_to_write_to(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    answer = ask(page, REFUSED)
    assert "beantworten diese Frage nicht" in answer.inner_text()
    titles = answer.locator(".near button").all_inner_texts()
    assert titles
    assert len(set(titles)) == len(titles)
    assert answer.inner_text().count(titles[0]) == 1
    contact = answer.get_by_role("link", name=pack("en").widget["contact"])
    assert contact.is_visible()
    assert contact.get_attribute("href") == "mailto:forum@example.org"
    answer.locator(".near button").first.click()
    assert page.locator(".source blockquote").inner_text()
    assert page.locator(".source mark").count() == 0


def test_the_conversation_goes_on(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    ask(page, "What was the Harbour Forum?")
    assert "340" in ask(page, "How many guests did it gather?").inner_text()
    ask(page, "x" * 700)
    assert page.locator(".body").evaluate("element => element.scrollWidth - element.clientWidth") <= 0


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


def test_without_its_place_it_floats(opened: Open, site: Site) -> None:
    page = opened(html(tag(site, mount="#nowhere")), fails=True)
    assert page.locator(".launch").is_visible()
    assert [text for kind, text in page.told if kind == "warning"] == ["forum-assistant: the page has no #nowhere; the widget floats instead"]


def test_a_foreign_page_cannot_frame_it(opened: Open, site: Site) -> None:
    framed = opened(html(""), origin=site.elsewhere, ready=False, fails=True)
    with framed.expect_event("console", lambda message: "frame-ancestors" in message.text):
        framed.evaluate("address => { const frame = document.createElement('iframe'); frame.src = address; document.body.append(frame) }", f"{site.server}/embed/city")
    assert framed.frames[1].locator("forum-assistant, textarea").count() == 0


@pytest.mark.parametrize(("portal", "listed"), [("city", False), ("closed", True), ("nonesuch", True)])
def test_on_a_page_that_is_not_its_own_it_shows_nothing(opened: Open, site: Site, portal: str, listed: bool) -> None:
    page = opened(html(""), origin=site.origin if listed else site.elsewhere, ready=False, fails=True)
    with page.expect_event("console", lambda message: "cannot be used from this page" in message.text):
        page.evaluate("([address, portal]) => { const one = document.createElement('script'); one.src = address; one.dataset.portal = portal; document.body.append(one) }", [f"{site.server}/widget.js", portal])
    warned = [text for kind, text in page.told if kind == "warning"]
    assert len(warned) == 1
    assert f"the portal {portal} cannot be used from this page" in warned[0]
    assert page.locator("forum-assistant").evaluate("element => [element.shadowRoot.childElementCount, element.offsetWidth * element.offsetHeight]") == [0, 0]
    assert page.evaluate("[...document.body.children].map(element => element.localName)") == ["main", "script", "forum-assistant"]


# -- pages that make it hard --------------------------------------------------------------------------------------------------


def test_a_strict_policy_of_the_page_is_enough(opened: Open, site: Site) -> None:
    policy = f"default-src 'none'; script-src {site.server}; connect-src {site.server}; style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    watch = "window.violations = []; document.addEventListener('securitypolicyviolation', event => violations.push(event.effectiveDirective))"
    page = opened(html(tag(site)), headers={"content-security-policy": policy}, fails=True, prepare=lambda page: page.add_init_script(watch))
    assert page.locator(".launch").evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(15, 118, 110)"
    page.locator(".launch").click()
    answer = ask(page)
    assert "9 June 2024" in answer.inner_text()
    answer.locator(".cite").click()
    page.keyboard.press("Escape")
    answer.get_by_role("button", name="Not helpful").click()
    page.locator(".why").wait_for()
    assert page.evaluate("violations") == []
    assert page.told == []
    # The policy is in force, and the ear for it open.
    page.evaluate("document.body.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }))")
    assert page.evaluate("new Promise(done => setTimeout(() => done(violations)))") == ["style-src-elem"]


BLURRED = (
    "* { display: block !important; visibility: hidden !important; opacity: 0 !important; font: 40px cursive !important; color: red !important; transform: rotate(7deg) scale(.2) !important; position: static !important; width: 9px !important; letter-spacing: 9px !important }"
    "html { font-size: 60px } forum-assistant { display: none !important; pointer-events: none !important } button, textarea { all: unset !important }"
)
# A body that is not displayed displays nothing at all.
GONE = (
    "html, body { visibility: hidden !important; font-size: 0 !important; transform: scale(0) !important; filter: opacity(0) !important; overflow: hidden !important; height: 0 !important }"
    "body * { all: unset !important; display: none !important; visibility: hidden !important; font-size: 0 !important; position: static !important; transform: scale(0) !important; color: red !important; z-index: -1 !important; clip-path: inset(50%) !important }"
    "button { background: red !important; display: none !important; border: 9px solid !important; padding: 50px !important } forum-assistant { display: none !important; width: 1px !important; height: 1px !important; overflow: hidden !important; inset: 900px !important }"
    ".panel, .launch, .told, textarea, p, svg, ol { display: none !important; color: red !important; margin: 99px !important }"
)


@pytest.mark.parametrize("css", [BLURRED, GONE], ids=["blurred", "gone"])
def test_a_pages_own_style_and_shortcuts_do_not_reach_it(opened: Open, site: Site, css: str) -> None:
    style = f"<style>{css}</style><script>addEventListener('keydown', e => e.preventDefault()); document.addEventListener('keydown', e => {{ e.preventDefault(); e.stopPropagation() }})</script>"
    page = opened(html(tag(site), head=style))
    launch = page.locator(".launch")
    assert launch.evaluate("element => getComputedStyle(element).backgroundColor + getComputedStyle(element).color + getComputedStyle(element).fontSize") == "rgb(15, 118, 110)rgb(255, 255, 255)16px"
    assert launch.bounding_box()["height"] == pytest.approx(52, abs=1)
    launch.click()
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
    page.locator(".told .cite").click()
    assert page.locator(".source mark").is_visible()


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
    # The real key, while the composition is open, and what other browsers say of it.
    page.keyboard.press("Enter")
    assert page.locator(".asked").count() == 0
    session.send("Input.imeSetComposition", {"text": composed, "selectionStart": len(composed), "selectionEnd": len(composed)})
    assert field.evaluate(press, False) is False
    assert field.evaluate(press, True) is False
    assert page.locator(".asked").count() == 0
    for more in (False, True):
        field.evaluate(press.replace("'Enter'", "'Escape'"), more)
        assert page.locator(".panel").is_visible()
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
    assert page.locator(".source mark").is_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    answer.locator("[aria-pressed]").nth(1).click()
    page.locator(".why").wait_for()
    assert serious(page) == []
    ask(page, REFUSED)
    assert serious(page) == []


@pytest.mark.parametrize("path", ["/embed/city?language={}", "/documents/press/press/harbour.en.md?portal=city&start=0&end=30&language={}"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_our_pages(opened: Open, site: Site, path: str, scheme: str) -> None:
    page = opened("", address=site.server + path.format("en"), ready=False, color_scheme=scheme, bypass_csp=True)
    for language in ("en", "ar", "ja"):
        page.goto(site.server + path.format(language))
        page.locator("textarea, article").first.wait_for()
        assert page.locator("html").get_attribute("dir") == pack(language).direction
        assert serious(page) == []
    if "embed" in path:
        ask(page)
        assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#ffee00", "#f4f4f4", "#00001a"])
def test_any_accent_can_be_read(opened: Open, site: Site, accent: str, scheme: str) -> None:
    page = opened(html(tag(site, accent=accent, scheme=scheme), head="<style>:root { color-scheme: light dark }</style>"), color_scheme=scheme, reduced_motion="reduce")
    page.locator(".launch").click()
    assert serious(page) == []
    answer = ask(page)
    assert serious(page) == []
    # It could read the colours: those of citations are among what it found good.
    good = page.evaluate("axe.run(document, { runOnly: ['color-contrast'] }).then(found => found.passes.flatMap(one => one.nodes).map(one => one.html))")
    assert any('class="cite"' in one for one in good)
    answer.locator(".cite").first.click()
    assert serious(page) == []


def test_axe_would_find_it(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    page.locator("textarea").evaluate("element => { element.removeAttribute('aria-label'); element.removeAttribute('placeholder') }")
    page.locator(".notice, .small").first.evaluate("element => { element.style.color = '#dddddd' }")
    assert {name for _, name, _ in serious(page)} == {"label", "color-contrast"}


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
    closed = "window.reads = 0; for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name, { get() { window.reads++; throw new DOMException('closed', 'SecurityError') } })"
    page = opened(html(f'<iframe src="{site.server}/embed/city" style="width:400px;height:600px"></iframe>'), ready=False, prepare=lambda page: page.add_init_script(closed))
    frame = page.frame_locator("iframe")
    frame.locator("textarea").wait_for()
    # Nothing is read, let alone stored, before the visitor types.
    assert page.frames[1].evaluate("reads") == 0
    for turn in range(2):
        frame.locator("textarea").fill(QUESTION)
        frame.locator("textarea").press("Enter")
        frame.locator(".told .acts").nth(turn).wait_for()
    assert "9 June 2024" in frame.locator(".told").last.inner_text()
    assert page.frames[1].evaluate("reads") > 0
    frame.get_by_role("button", name="New conversation").click()
    assert frame.locator(".told").count() == 0


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


def test_the_tag_says_the_language(opened: Open, site: Site) -> None:
    languages = [*LANGUAGES, "ar"]
    page = opened(html("".join(tag(site, language=language) for language in languages), language="en"))
    for language in languages:
        launch = page.locator(f"forum-assistant[language={language}] .launch")
        launch.wait_for()
        assert launch.inner_text() == pack(language).widget["open"]


@pytest.mark.parametrize(("page_says", "browser_says", "spoken"), [("de-AT", "en-GB", "de"), ("zh-Hant-TW", "en-GB", "zh"), ("nl", "fr-FR", "fr"), ("", "ja-JP", "ja"), ("nl", "sv-SE", "en")])
def test_languages_that_it_has_not_or_that_are_not_said(opened: Open, site: Site, page_says: str, browser_says: str, spoken: str) -> None:
    page = opened(html(tag(site), language=page_says), locale=browser_says)
    assert page.locator(".launch").inner_text() == pack(spoken).widget["open"]


def test_the_tag_says_language_colour_side_and_scheme(opened: Open, site: Site) -> None:
    page = opened(html(tag(site, language="de", accent="#813c8f", position="left", scheme="dark"), language="en"))
    launch = page.locator(".launch")
    assert launch.inner_text() == "Frage stellen"
    assert launch.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(129, 60, 143)"
    assert launch.bounding_box()["x"] == pytest.approx(20, abs=1)
    launch.click()
    assert page.locator(".panel").evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(22, 30, 38)"


def test_the_tag_says_light_on_a_dark_system(opened: Open, site: Site) -> None:
    page = opened(html(tag(site, scheme="light")), color_scheme="dark")
    page.locator(".launch").click()
    assert page.locator(".panel").evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(255, 255, 255)"


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


def test_asking_again_while_another_answer_comes_loses_nothing(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), fails=True, prepare=hold)
    page.locator(".launch").click()
    page.route("**/api/v1/ask", lambda route: route.abort(), times=1)
    page.locator("textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Ask again").wait_for()
    begin(page, "How many guests did the Harbour Forum gather?")
    page.get_by_role("button", name="Ask again").click()
    assert page.locator(".asked").count() == 2
    page.evaluate("release()")
    page.locator(".told .acts").wait_for()
    assert page.locator(".asked", has_text=QUESTION).count() == 1
    page.get_by_role("button", name="Ask again").click()
    page.locator(".told:last-child p:not(.dots):not(:empty)").wait_for()
    page.evaluate("release()")
    page.locator(".told .acts").nth(1).wait_for()
    assert QUESTION in page.locator(".asked").last.inner_text()
    assert page.locator(".failed").count() == 0


def test_an_expired_visit_is_begun_anew(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), fails=True)
    page.locator(".launch").click()
    ask(page)
    visits: list[str] = []
    page.on("request", lambda request: visits.append(request.url) if request.url.endswith("/visits") else None)
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=401, headers={"access-control-allow-origin": site.origin}), times=1)
    ask(page, "How many guests came?")
    assert len(visits) == 1
    assert page.locator(".failed").count() == 0


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


def test_the_servers_own_limit_says_how_long_to_wait(opened: Open, site: Site) -> None:
    page = opened(html(tag(site, "other")), origin=site.elsewhere, fails=True)
    page.locator(".launch").click()
    for _ in range(8):  # Three are allowed in a minute, and one minute may end meanwhile.
        page.locator("textarea").fill("When did the customs house open?")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Stop").wait_for(state="hidden")
        if page.locator(".failed").count():
            break
    before, after = pack("en").widget["too_many"].split("{seconds}")
    said = page.locator(".failed").inner_text()
    assert said.startswith(before)
    assert 1 <= int(said.removeprefix(before).removesuffix(after)) <= 60
    assert page.locator("[aria-live=polite]").first.text_content() == said


def test_what_has_come_stays_when_it_is_stopped(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)), prepare=hold)
    page.locator(".launch").click()
    begin(page)
    come = page.locator(".told p").first.inner_text()
    page.get_by_role("button", name="Stop").click()
    page.locator(".told", has_text=pack("en").widget["stopped"]).wait_for()
    assert page.locator(".told p").first.inner_text() == come
    assert focused(page).endswith("TEXTAREA")
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


def test_a_hasty_double_click_is_one_word(opened: Open, site: Site) -> None:
    page = opened(html(tag(site)))
    page.locator(".launch").click()
    question = "How many guests did the Harbour Forum gather in a hurry?"
    answer = ask(page, question)
    given: list[str] = []
    page.on("request", lambda request: given.append(request.url) if request.url.endswith("/feedback") and request.method == "POST" else None)
    with page.expect_response("**/api/v1/feedback"):
        answer.get_by_role("button", name="Not helpful").dblclick()
    page.locator(".why").first.wait_for()
    assert len(given) == 1
    assert page.locator(".why").count() == 1


def test_it_weighs_little() -> None:
    assert len(gzip.compress(WIDGET.read_bytes(), 9)) <= 30 * 1024
