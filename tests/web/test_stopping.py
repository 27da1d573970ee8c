"""Stop, ask again, take back: the chat in a real browser, with a model's server behind it that hangs and recovers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from assistant import Assistant, Settings
from assistant.web.server import create_app
from tests.models import Model, model_server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
LAKE = "---\ntitle: Lake Health Forum\nlanguage: en\ndate: 2024-05-09\n---\nThe Lake Health Forum opens on 9 December 2024 in the congress hall.\n"


def test_an_answer_is_stopped_asked_again_and_taken_back(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lake.md").write_text(LAKE, "utf-8")
    model = Model(lambda messages: "The Lake Health Forum opens on 9 December 2024 [1]. It opens in the congress hall [1].", "hang")
    with model_server(model) as address:
        settings = Settings(
            corpus={"paths": [tmp_path / "docs"]}, index={"path": tmp_path / "index"}, feedback={"path": tmp_path / "feedback.sqlite"},
            llm={"provider": "openai-like", "model": "tiny", "base_url": address, "timeout_s": 30},
        )  # fmt: skip
        with Assistant.open(settings) as assistant:
            assistant.ingest()
            assert assistant.model is not None
            server = uvicorn.Server(uvicorn.Config(create_app(assistant), host="127.0.0.1", port=0, log_level="error"))
            thread = threading.Thread(target=server.run)
            thread.start()
            try:
                while not server.started:
                    thread.join(0.05)
                page = browser.new_context(locale="en-GB").new_page()
                page.goto(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
                page.wait_for_selector("#ask textarea")
                page.fill("#ask textarea", "When does the Lake Health Forum open?")
                page.keyboard.press("Enter")
                page.wait_for_selector("#chat .bot")
                while not model.requests:
                    page.wait_for_timeout(50)
                page.click("#stop")
                assert model.closed.wait(3.0)
                model.fault = ""
                page.locator("#chat button[aria-label='Retry'], #chat button[title='Retry']").last.click()
                page.wait_for_selector("#sources li", timeout=20_000)
                assert "9 December 2024" in page.inner_text("#chat .bot .answer")
                assert page.locator("#chat .user .answer").count() == 1
                page.locator("#chat button[aria-label='Undo'], #chat button[title='Undo']").last.click()
                page.wait_for_function("document.querySelector('#ask textarea').value.includes('Lake Health Forum')")
                assert page.locator("#chat .user .answer").count() == 0
                page.context.close()
            finally:
                server.should_exit = True
                thread.join()
