"""The management pages in a real browser: progress, confirmation, small screens, seven languages, screen readers, and without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.language.packs import pack
from tests.web.axe import serious
from tests.web.conftest import NOTES_EN, assistant_serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
VIEWS = ("index", "documents", "names", "evaluation", "feedback", "refused")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "harbour.en.md").write_text(NOTES_EN, encoding="utf-8")
    (folder / "corpus" / "names.de.md").write_text("---\ntitle: <b>Namen</b>\nlanguage: de\n---\n\nDie Future Science City(未来科学城) liegt in Peking.\n", encoding="utf-8")
    (folder / "corpus" / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    with assistant_serving(folder) as address:
        yield address


def opened(browser: Any, **options: Any) -> tuple[Any, list[str]]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    return context, wrong


def test_a_file_is_uploaded_with_progress_and_deleted_after_asking(place: str, browser: Any, tmp_path: Path) -> None:
    context, wrong = opened(browser)
    try:
        page = context.new_page()
        page.goto(f"{place}/manage/index")
        file = tmp_path / "湖畔论坛.md"
        file.write_text("---\ntitle: 湖畔论坛\nlanguage: zh\n---\n\n湖畔论坛于2026年5月3日开幕。\n", encoding="utf-8")
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Upload and index").click()
        page.locator("#work", has_text="Done: 1 added").wait_for()
        # The page's figures are those after it.
        page.locator("dd", has_text=re.compile("^3$")).first.wait_for()
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Upload and index").click()
        page.get_by_role("alert").wait_for()
        assert "湖畔论坛.md is there already" in page.get_by_role("alert").inner_text()
        page.get_by_role("link", name="Documents").click()
        page.get_by_label("Search titles").fill("湖畔")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        row = page.locator("tbody tr")
        assert row.count() == 1
        row.locator("summary").click()
        assert "Delete “湖畔论坛” everywhere?" in row.inner_text()
        row.locator("button").click()
        page.locator("#work", has_text="Deleted: 湖畔论坛").wait_for()
        assert "湖畔论坛.md" in page.locator(".ids").last.inner_text()
        # The browser tells its console that the second upload was refused.
        assert [one for one in wrong if "status of 422" not in one] == []
    finally:
        context.close()


def test_it_works_without_a_script(place: str, browser: Any, tmp_path: Path) -> None:
    context, _ = opened(browser, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{place}/manage/index")
        file = tmp_path / "plain.md"
        file.write_text("# Plain\n\nThe plain forum is in Bonn.\n", encoding="utf-8")
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Upload and index").click()
        for _ in range(50):
            page.reload()
            if "Done: 1 added" in page.locator("#work").inner_text():
                break
            page.wait_for_timeout(200)
        assert "Done: 1 added" in page.locator("#work").inner_text()
        page.goto(f"{place}/manage/names")
        assert page.locator("tbody tr").count() == 1
        page.locator("input[type=checkbox]").check()
        page.get_by_role("button", name="Ignore").click()
        assert "no new names" in page.locator("main").inner_text()
    finally:
        context.close()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("language", "scheme", "width"), [("de", "light", 1280), ("ja", "dark", 390), ("ar", "light", 390)])
def test_every_page_can_be_read_by_everyone(place: str, browser: Any, view: str, language: str, scheme: str, width: int) -> None:
    context, wrong = opened(browser, locale=language, color_scheme=scheme, viewport={"width": width, "height": 800})
    try:
        page = context.new_page()
        page.goto(f"{place}/manage/{view}")
        assert page.locator("h1").inner_text() == pack(language).manage[view]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("main b").count() == 0
        for one in page.locator("details").all()[:1]:
            one.locator("summary").click()
        assert wrong == []
        assert serious(page) == []
    finally:
        context.close()
