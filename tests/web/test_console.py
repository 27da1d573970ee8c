"""The console in a real browser: asking, checking, keeping, collecting; with the keyboard, small, dark, in seven languages, and without a foreign request."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.language.packs import pack
from tests.web.axe import serious
from tests.web.conftest import NOTES_DE, NOTES_EN, assistant_serving
from tests.web.test_signing import PASSWORD, laid_out

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
QUESTION = "When did the Harbour Forum take place?"
Open = Callable[..., Any]
LANGUAGES = ("en", "de", "ja", "zh", "fr", "es", "ko")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("console")
    for name, text in {"press/harbour.en.md": NOTES_EN, "press/harbour.de.md": NOTES_DE, "guides/house.md": "---\ntitle: Guide to the customs house\nlanguage: en\ndate: 2023-02-01\n---\n\nThe customs house has three halls and a roof garden. It opened in 1901.\n"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    sources = "".join(f'[[corpus.sources]]\npath = "{name}"\ncollection = "{name}"\n' for name in ("press", "guides"))
    (folder / "assistant.toml").write_text(f'{sources}[web.questions]\nen = ["{QUESTION}"]\nde = ["Wann fand das Hafenforum statt?"]\n', encoding="utf-8")
    with assistant_serving(folder) as address:
        yield address, folder


@pytest.fixture
def opened(browser: Any, place: tuple[str, Path]) -> Iterator[Open]:
    """Opens the console; nothing may be asked of another host, thrown, or complained of, unless the test says so."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def make(address: str = "", *, fails: bool = False, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
        contexts.append(context)
        server = address or place[0]
        context.on("request", lambda request: None if request.url.startswith((server, "data:", "blob:")) else wrong.append(request.url))
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") and not fails else None)
        page = context.new_page()
        page.goto(server)
        page.locator("forum-console[ready]").wait_for()
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def ask(page: Any, question: str = QUESTION) -> Any:
    """Asks and waits for the whole answer, which it returns."""
    count = page.locator(".told .acts").count()
    page.locator(".box textarea").fill(question)
    page.keyboard.press("Enter")
    page.locator(".told .acts").nth(count).wait_for()
    return page.locator(".told").last


def focused(page: Any) -> str:
    return str(page.evaluate("(() => { const one = document.querySelector('forum-console').shadowRoot.activeElement; return one ? `${one.tagName}.${one.className}` : '' })()"))


def test_a_question_is_answered_and_the_quote_shown_in_its_document(opened: Open) -> None:
    page = opened()
    assert page.locator(".choices button").all_inner_texts() == [QUESTION]
    page.locator(".choices button").click()
    page.locator(".told .acts").wait_for()
    answer = page.locator(".told")
    assert answer.locator("strong").all_inner_texts() == ["9 June 2024"]
    card = page.locator(".cards > li").first
    assert card.locator("h4").inner_text() == "Harbour Forum on Life Science 2024"
    assert "English · 10 June 2024" in card.locator(".facts").inner_text()
    link = card.get_by_role("link")
    assert link.get_attribute("href") == "https://example.org/harbour-2024"
    assert "noopener" in link.get_attribute("rel")
    answer.locator(".cite").focus()
    page.keyboard.press("Enter")
    page.locator("article mark").wait_for()
    assert page.locator("article mark").inner_text() == "The Harbour Forum took place on 9 June 2024 in the old customs house."
    assert page.locator("article").inner_text().count("Hostile part") == 1
    # Scrolled to, and where the keyboard goes on from.
    assert page.evaluate("(() => { const root = document.querySelector('forum-console').shadowRoot, mark = root.querySelector('article mark').getBoundingClientRect(), inside = root.querySelector('.inside').getBoundingClientRect(); return mark.top >= inside.top && mark.bottom <= inside.bottom })()")
    assert focused(page).startswith("MARK")
    page.keyboard.press("Escape")
    assert page.locator(".cards > li").count() == 1


def test_conversations_are_kept_listed_found_and_deleted(opened: Open) -> None:
    page = opened()
    ask(page)
    ask(page, "How many guests did it gather?")
    page.get_by_role("button", name="New conversation").click()
    ask(page, "When did the customs house open?")
    assert page.locator(".list .open").count() == 2
    page.reload()
    page.locator("forum-console[ready]").wait_for()
    assert page.locator(".asked").count() == 1
    assert "1901" in page.locator(".told").inner_text()
    page.locator(".list .open", has_text=QUESTION).click()
    page.wait_for_function("document.querySelector('forum-console').shadowRoot.querySelectorAll('.asked').length === 2")
    assert "340" in page.locator(".told").last.inner_text()
    page.locator(".aside input").fill("customs")
    page.wait_for_function("document.querySelector('forum-console').shadowRoot.querySelectorAll('.list li').length === 1")
    page.locator(".list .round").click()
    page.locator(".aside input").fill("")
    page.wait_for_function("document.querySelector('forum-console').shadowRoot.querySelectorAll('.list li').length === 1")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete everything kept here").click()
    page.wait_for_function("document.querySelector('forum-console').shadowRoot.querySelectorAll('.list li').length === 0")
    assert page.locator(".told").count() == 0


def test_what_was_asked_is_kept_when_one_goes_on_elsewhere(opened: Open) -> None:
    page = opened()
    # An answer that does not end.
    page.evaluate("""() => { const real = window.fetch; window.fetch = (address, options) => String(address).endsWith('/ask')
      ? new Promise((_, failed) => options.signal.addEventListener('abort', () => failed(new DOMException('aborted', 'AbortError')))) : real(address, options) }""")
    for question in ("What lasts long?", "What is to be deleted?"):
        page.locator(".box textarea").fill(question)
        page.keyboard.press("Enter")
        page.locator(".coming").wait_for()
        page.get_by_role("button", name="New conversation").click()
        page.locator(".list .open", has_text=question).wait_for()
    page.locator(".list .open", has_text="lasts long").click()
    page.locator(".told", has_text="Stopped.").wait_for()
    page.get_by_role("button", name="Ask again").click()
    page.locator(".coming").wait_for()
    page.locator(".list .current .round").click()
    page.wait_for_function("document.querySelector('forum-console').shadowRoot.querySelectorAll('.list li').length === 1")
    page.wait_for_timeout(200)
    assert page.locator(".list .open").inner_text().startswith("What is to be deleted?")


def test_a_question_is_asked_again_and_in_other_words(opened: Open) -> None:
    page = opened()
    ask(page)
    ask(page, "How many guests did it gather?")
    page.get_by_role("button", name="Ask again").first.click()
    page.wait_for_function("document.querySelector('forum-console').shadowRoot.querySelectorAll('.told .acts').length === 1")
    assert page.locator(".asked").count() == 1
    page.get_by_role("button", name="Edit the question").click()
    page.locator(".edit textarea").fill("<b>When</b> did the customs house open?")
    page.keyboard.press("Enter")
    page.locator(".asked p", has_text="<b>When</b>").wait_for()
    page.locator(".told .acts").wait_for()
    assert page.locator(".asked p").inner_text().endswith("<b>When</b> did the customs house open?")
    page.get_by_role("button", name="Edit the question").click()
    page.keyboard.press("Escape")
    assert page.locator(".asked p").count() == 1
    assert "round" in focused(page)


def test_an_answer_is_not_given_up_for_one_that_fails(opened: Open) -> None:
    page = opened(fails=True)
    ask(page)
    ask(page, "How many guests did it gather?")
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=503, headers={"Retry-After": "3"}, body="{}"))
    page.get_by_role("button", name="Edit the question").first.click()
    page.locator(".edit textarea").fill("Where did it take place?")
    page.keyboard.press("Enter")
    page.locator(".notice .failed", has_text="3 seconds").wait_for()
    assert page.locator(".asked").count() == 2
    assert "340" in page.locator(".told").last.inner_text()
    assert page.locator(".box textarea").input_value() == "Where did it take place?"
    page.unroute("**/api/v1/ask")
    page.keyboard.press("Enter")
    page.locator(".told .acts").nth(2).wait_for()
    assert page.locator(".notice .failed").count() == 0


def test_filters_hold_what_an_answer_rests_on(opened: Open) -> None:
    page = opened()
    page.get_by_role("button", name="Filters").click()
    assert page.locator(".filters legend").all_inner_texts() == ["Collection", "Language", "Year"]
    page.get_by_label("German 1").check()
    page.keyboard.press("Escape")
    assert page.locator(".filters").is_hidden()
    assert page.get_by_role("button", name="1 filters on").is_visible()
    answer = ask(page, "How many guests did the Harbour Forum gather?")
    assert "340 Gäste" in answer.inner_text()
    page.get_by_role("button", name="1 filters on").click()
    page.get_by_role("button", name="Remove filters").click()
    page.get_by_role("button", name="New conversation").click()
    page.locator(".filters select").first.select_option("2024")
    assert "1901" not in ask(page, "When did the customs house open?").inner_text()


def test_an_answer_is_copied_as_text_and_as_rich_text(opened: Open) -> None:
    page = opened()
    ask(page)
    page.get_by_role("button", name="Copy the answer").click()
    page.locator("[role=status]", has_text="Copied.").wait_for(state="attached")
    # Into a field of the same page: what a person's paste would bring.
    page.evaluate("""() => { const box = document.createElement('div'); box.contentEditable = 'true'; box.id = 'paste'; document.body.append(box);
      box.addEventListener('paste', (event) => { window.pasted = { text: event.clipboardData.getData('text/plain'), html: event.clipboardData.getData('text/html') }; event.preventDefault(); }); box.focus(); }""")
    page.keyboard.press("Control+V")
    page.wait_for_function("window.pasted")
    pasted = page.evaluate("window.pasted")
    assert "took place on 9 June 2024 in the old customs house. [1]" in pasted["text"]
    assert "[1] Harbour Forum on Life Science 2024, 10 June 2024 https://example.org/harbour-2024" in pasted["text"]
    assert "<strong>9 June 2024</strong>" in pasted["html"]
    assert 'href="https://example.org/harbour-2024"' in pasted["html"]
    assert "<sup>[1]</sup>" in pasted["html"]
    assert "<button" not in pasted["html"]


def test_a_rating_with_its_reason_is_kept(opened: Open, place: tuple[str, Path]) -> None:
    page = opened()
    ask(page, "Who organised the Harbour Forum?")
    page.get_by_role("button", name="Not helpful").click()
    page.locator(".why select").select_option("incomplete")
    page.locator(".why input").fill("no name")
    page.locator(".why button").click()
    page.locator(".acts [role=status]", has_text="Thank").wait_for()
    with sqlite3.connect(place[1] / "feedback.sqlite") as db:
        assert db.execute("SELECT rating, reason, comment, channel FROM feedback").fetchall() == [("down", "incomplete", "no name", "console")]


def test_quotes_of_several_conversations_become_a_briefing(opened: Open, tmp_path: Path) -> None:
    page = opened(accept_downloads=True)
    ask(page)
    page.locator(".cards button", has_text="Add to the briefing").first.click()
    page.get_by_role("button", name="New conversation").click()
    ask(page, "When did the customs house open?")
    page.locator(".cards button", has_text="Add to the briefing").first.click()
    assert page.locator(".counted").get_attribute("data-count") == "2"
    page.reload()
    page.locator("forum-console[ready]").wait_for()
    page.locator(".counted").click()
    assert page.locator(".cards > li").count() == 2
    page.get_by_label("Title of the briefing").fill("Häfen & Foren: 港湾")
    page.locator(".cards textarea").first.fill("Das Forum war am 9. Juni.")
    page.get_by_role("button", name=re.compile("^Move down")).first.click()
    assert page.locator(".cards h4").all_inner_texts() == ["Guide to the customs house", "Harbour Forum on Life Science 2024"]
    files = {}
    for name in ("Word, with footnotes", "Markdown", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        files[name] = Path(download.value.path()).read_bytes()
        assert download.value.suggested_filename.startswith("Häfen-&-Foren-港湾.")
    with zipfile.ZipFile(io.BytesIO(files["Word, with footnotes"])) as archive:
        notes = archive.read("word/footnotes.xml").decode()
    assert notes.count("<w:footnote ") == 4
    assert "The Harbour Forum took place on 9 June 2024 in the old customs house." in notes
    assert "Das Forum war am 9\\. Juni\\." in files["Markdown"].decode()
    record = json.loads(files["JSON"])
    assert [quote["title"] for quote in record["quotes"]] == ["Guide to the customs house", "Harbour Forum on Life Science 2024"]
    assert all(quote["stands"] for quote in record["quotes"])
    page.locator(".cards .round", has=page.locator("svg")).last.click()
    assert page.locator(".cards > li").count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_it_speaks_the_browsers_language_and_fits(opened: Open, language: str, width: int) -> None:
    page = opened(locale=language, viewport={"width": width, "height": 800})
    words = pack(language)
    assert page.locator("h1").inner_text() == words.interface["title"]
    assert page.evaluate("document.documentElement.lang") == language
    ask(page, {"de": "Wann fand das Hafenforum statt?", "ja": "ハーバーフォーラムはいつ開催されましたか？"}.get(language, QUESTION))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = page.evaluate("""() => [...document.querySelector('forum-console').shadowRoot.querySelectorAll('.main *, .side *, .aside *')].filter((one) => {
      const box = one.getBoundingClientRect(); return box.width && getComputedStyle(one).visibility === 'visible' && !one.closest('.rows, .quiet') && (box.right > innerWidth + 1 || box.left < -1) }).map((one) => one.className || one.tagName)""")
    assert wide == []


def test_the_language_is_switched_and_remembered(opened: Open) -> None:
    page = opened(locale="fr")
    page.get_by_label(pack("fr").console["interface_language"]).select_option("ja")
    page.locator("h1", has_text=pack("ja").interface["title"]).wait_for()
    page.reload()
    page.locator("forum-console[ready]").wait_for()
    assert page.locator("h1").inner_text() == pack("ja").interface["title"]
    page.get_by_label(pack("ja").console["interface_language"]).select_option("ar")
    page.locator(".whole[dir=rtl]").wait_for()


def test_the_appearance_is_chosen(opened: Open) -> None:
    page = opened(color_scheme="light")
    ground = "getComputedStyle(document.querySelector('forum-console').shadowRoot.querySelector('.main')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.get_by_label("Appearance").select_option("dark")
    assert page.evaluate(ground) == "rgb(17, 24, 31)"
    page.reload()
    page.locator("forum-console[ready]").wait_for()
    assert page.evaluate(ground) == "rgb(17, 24, 31)"


@pytest.mark.parametrize("said", [{"isComposing": True}, {"keyCode": 229}])
@pytest.mark.parametrize("language", ["ja", "zh", "ko"])
def test_enter_that_ends_a_composition_sends_nothing(opened: Open, language: str, said: dict[str, Any]) -> None:
    page = opened(locale=language)
    page.locator(".box textarea").fill("ハーバー")
    page.locator(".box textarea").evaluate("(field, said) => { const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true, cancelable: true, ...said }); if (said.keyCode) Object.defineProperty(event, 'keyCode', { value: 229 }); field.dispatchEvent(event) }", said)
    page.wait_for_timeout(150)
    assert page.locator(".asked").count() == 0
    assert page.locator(".box textarea").input_value() == "ハーバー"


def test_everything_is_reached_by_keyboard(opened: Open) -> None:
    page = opened()
    ask(page)
    reached = set()
    page.locator(".box textarea").focus()
    for _ in range(45):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(() => { const one = document.querySelector('forum-console').shadowRoot.activeElement; return one ? (one.getAttribute('aria-label') || one.textContent.trim() || one.getAttribute('placeholder') || one.tagName) : '' })()"))
    names = {"Copy the answer", "Ask again", "Helpful", "Not helpful", "Edit the question", "Filters", "Briefing", "New conversation", "Language of the interface", "Appearance", "Search conversations", "Sources", "Delete everything kept here"}
    assert names <= reached, names - reached
    assert any(name.startswith("Show source 1") or "source 1" in name.lower() for name in reached)
    assert any(name.startswith("Add to the briefing") for name in reached)


def test_on_a_small_screen_lists_lie_over_the_conversation(opened: Open) -> None:
    page = opened(viewport={"width": 390, "height": 800})
    ask(page)
    page.locator(".cite").click()
    page.locator("article mark").wait_for()
    assert page.evaluate("document.querySelector('forum-console').shadowRoot.querySelector('.main').inert")
    page.get_by_role("button", name="Close").click()
    assert focused(page) == "BUTTON.cite"
    page.get_by_role("button", name="Menu").click()
    assert page.locator(".list .open").first.is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".list .open").first.is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ja", 390), ("ar", 1280)])
def test_axe_finds_nothing_serious(opened: Open, scheme: str, language: str, width: int) -> None:
    page = opened(locale=language, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert serious(page) == []
    page.locator(".main header .round[aria-expanded]").click()
    assert serious(page) == []
    page.keyboard.press("Escape")
    ask(page)
    assert serious(page) == []
    page.locator(".acts .round").last.click()
    page.locator(".why").wait_for()
    page.locator(".cite").first.click()
    page.locator("article mark").wait_for()
    assert serious(page) == []
    page.locator(".document .plain").click()
    page.locator("#tab-briefing").click()
    page.locator(".exports").wait_for()
    assert serious(page) == []


def test_text_of_documents_and_questions_is_shown_not_run(opened: Open) -> None:
    page = opened()
    ask(page, "<img src=x onerror='window.attacked=3'>")
    ask(page, "What does the hostile sentence name?")
    page.locator(".cite").first.click()
    page.locator("article mark").wait_for()
    assert "An image: ![x](http://203.0.113.9/x.png) and" in page.locator("article").inner_text()
    assert page.evaluate("window.attacked") is None
    assert page.locator("article img, .told img, .asked img").count() == 0


def test_a_refusal_offers_the_nearest(opened: Open) -> None:
    page = opened(locale="de-DE")
    answer = ask(page, "Wie hoch war das Budget des Hafenforums?")
    assert "beantworten diese Frage nicht" in answer.inner_text()
    assert page.locator(".cards mark").count() == 0
    assert page.locator(".inside h3").inner_text() == "Nächstliegende Textstellen"
    answer.locator(".near button").first.click()
    page.locator("article").wait_for()
    assert page.locator("article mark").count() == 0


def test_a_session_that_has_ended_is_said(browser: Any, opened: Open, tmp_path: Path) -> None:
    with assistant_serving(laid_out(tmp_path)) as address:
        context = browser.new_context(locale="en-GB")
        try:
            page = context.new_page()
            page.goto(address)
            page.get_by_label("Name").fill("ben")
            page.get_by_label("Password").fill("not it")
            page.keyboard.press("Enter")
            page.get_by_role("alert").wait_for()
            assert serious(page) == []
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.locator("forum-console[ready]").wait_for()
            assert page.locator(".staff").inner_text().startswith("Signed in as ben")
            assert page.get_by_role("link", name="Manage").count() == 0
            ask(page)
            context.clear_cookies()
            page.locator(".box textarea").fill("How many guests?")
            page.keyboard.press("Enter")
            page.get_by_role("link", name="Sign in").wait_for()
            # The question is not lost, and neither is the conversation.
            assert page.locator(".asked").count() == 2
            page.get_by_role("link", name="Sign in").click()
            page.get_by_label("Name").fill("anna")
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.locator("forum-console[ready]").wait_for()
            # Another user of the browser does not see it.
            assert page.locator(".list li").count() == 0
            page.get_by_role("button", name="Sign out").click()
            page.get_by_label("Name").wait_for()
        finally:
            context.close()
