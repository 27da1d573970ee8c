"""Stop, ask again, take back: the chat in a real browser, with a model's server behind it that hangs and recovers."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.models import Model, model_server
from tests.servers import running

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
Found = TypeVar("Found")
LAKE = "---\ntitle: Lake Health Forum\nlanguage: en\ndate: 2024-05-09\n---\nThe Lake Health Forum opens on 9 December 2024 in the congress hall.\n"
SETTINGS = '[corpus]\npaths = ["docs"]\n[llm]\nprovider = "openai-like"\nmodel = "tiny"\nbase_url = "{}"\ntimeout_s = 90\n'
PATIENCE = 60.0  # seconds for each step on a busy machine


def awaited(look: Callable[[], Found | None], pause: Callable[[float], object] = time.sleep) -> Found:
    until = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < until, "it took too long"
        pause(0.05)
    return found


@contextmanager
def chat(folder: Path) -> Iterator[str]:
    """The chat's address; its process is killed where it does not end.

    Not in this process: what Gradio's libraries warn of is an error in tests, and would stop its queue.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")}
    told = folder / "stderr"
    with running([sys.executable, "-m", "assistant", "serve", "--port", "0"], told, cwd=folder, env=environment) as process:
        yield awaited(lambda: re.search(r"http://127\.0\.0\.1:\d+(?=  )", told.read_text("utf-8")) if process.poll() is None else pytest.fail(told.read_text("utf-8"))).group()


@contextmanager
def page_of(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(locale="en-GB")
    try:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#ask textarea")
        yield page
    finally:
        context.close()


def test_an_answer_is_stopped_asked_again_and_taken_back(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lake.md").write_text(LAKE, "utf-8")
    model = Model(lambda messages: "The Lake Health Forum opens on 9 December 2024 [1]. It opens in the congress hall [1].", "hang")
    with model_server(model) as upstream:
        (tmp_path / "assistant.toml").write_text(SETTINGS.format(upstream), "utf-8")
        try:
            with chat(tmp_path) as address, page_of(browser, address) as page:
                page.fill("#ask textarea", "When does the Lake Health Forum open?")
                page.keyboard.press("Enter")
                page.wait_for_selector("#chat .bot")
                awaited(lambda: model.requests, lambda seconds: page.wait_for_timeout(seconds * 1000))
                page.click("#stop")
                assert model.closed.wait(10.0), "the call of the model goes on"
                model.fault = ""
                page.locator("#chat button[aria-label='Retry'], #chat button[title='Retry']").last.click()
                page.wait_for_selector("#sources li")
                assert "9 December 2024" in page.inner_text("#chat .bot .answer")
                assert page.locator("#chat .user.message").count() == 1
                page.locator("#chat button[aria-label='Undo'], #chat button[title='Undo']").last.click()
                page.wait_for_function("document.querySelector('#ask textarea').value.includes('Lake Health Forum')")
                assert page.locator("#chat .user.message").count() == 0
        finally:
            model.stop.set()
