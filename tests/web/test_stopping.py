"""Stop and ask again: the console in a real browser, with a model's server behind it that hangs and recovers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.models import Model, model_server
from tests.web.conftest import assistant_serving

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
LAKE = "---\ntitle: Lake Health Forum\nlanguage: en\ndate: 2024-05-09\n---\nThe Lake Health Forum opens on 9 December 2024 in the congress hall.\n"
SETTINGS = '[corpus]\npaths = ["docs"]\n[llm]\nprovider = "openai-like"\nmodel = "tiny"\nbase_url = "{}"\ntimeout_s = 90\n'


def test_an_answer_is_stopped_and_asked_again(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lake.md").write_text(LAKE, "utf-8")
    model = Model(lambda messages: "The Lake Health Forum opens on 9 December 2024 [1]. It opens in the congress hall [1].", "hang")
    with model_server(model) as upstream:
        (tmp_path / "assistant.toml").write_text(SETTINGS.format(upstream), "utf-8")
        context = browser.new_context(locale="en-GB")
        context.set_default_timeout(60_000)
        try:
            with assistant_serving(tmp_path) as address:
                page = context.new_page()
                page.goto(address)
                page.locator("forum-console[ready]").wait_for()
                assert "tiny" in page.locator(".welcome").inner_text()
                page.locator(".box textarea").fill("When does the Lake Health Forum open?")
                page.keyboard.press("Enter")
                until = time.monotonic() + 60
                while not model.requests:
                    assert time.monotonic() < until
                    page.wait_for_timeout(50)
                page.get_by_role("button", name="Stop").click()
                page.locator(".told", has_text="Stopped.").wait_for()
                assert model.closed.wait(10.0), "the call of the model goes on"
                assert page.locator(".box textarea").evaluate("field => field.getRootNode().activeElement === field")
                model.fault = ""
                page.get_by_role("button", name="Ask again").click()
                page.locator(".told .cite").first.wait_for()
                assert "9 December 2024" in page.locator(".told .words").inner_text()
                assert page.locator(".asked").count() == 1
                # What the model wrote about a quote stands with it in the briefing.
                page.locator(".cards button", has_text="Add to the briefing").first.click()
                page.locator(".counted").click()
                assert "opens on 9 December 2024" in page.locator(".cards textarea").input_value()
        finally:
            model.stop.set()
            context.close()
