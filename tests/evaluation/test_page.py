"""The report in a real browser: nothing from elsewhere, figures, filters, and what documents say as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from assistant.evaluation.gates import Gate, Gates, Waiver
from assistant.evaluation.junit import junit
from assistant.evaluation.page import page as made_page
from assistant.evaluation.report import Summary, summary
from assistant.evaluation.reviews import agreement
from assistant.evaluation.runs import Run
from assistant.evaluation.scoring import Found
from tests.evaluation.test_metrics import result

HOSTILE = '</script><script>window.attacked = 1</script><img src="http://203.0.113.9/x.png" onerror="window.attacked = 2">'
TODAY = dt.date(2026, 12, 1)
GATES = Gates(
    (Gate("vital nuggets", floor=0.9, margin=0.02), Gate("citation validity", floor=1.0), Gate("answers when it can", floor=0.999)),
    (Waiver("answers when it can", "all", "known", TODAY),),
)  # fmt: skip


def run_of(share: float) -> Run:
    found = {"mixed": Found((1,), 2), "de": Found((1,), 1), "en": Found((), 1)}
    results = []
    for number in range(120):
        language, good = ("de", "ja", "zh")[number % 3], number >= 120 * (1 - share)
        one = result(f"forums/q{number}/{language}", answered=number % 10 != 0, vital=1.0 if good else 0.0, confidence=number / 120, found=found, timings_ms={"total": 10.0 + number})
        results.append(
            replace(
                one, language=language, cluster=f"c{number // 6}", question=f"質問 {number} {HOSTILE if number == 1 else ''}", text=HOSTILE if number == 1 else f"答え {number}",
                gold=({"document": "d.ja.md", "quote": HOSTILE},), citations=({"number": 1, "document": "d.ja.md", "quote": "引用"},), score=replace(one.score, wrong=() if good else ("a vital nugget is missing",)),
            )
        )  # fmt: skip
    return Run({"made": "2026-12-01", "revision": "abc", "sets": ["forums"], "count": 120, "index": "x", "settings": {"llm": {}}}, tuple(results))


def found_of(run: Run, baseline: Run | None = None) -> Summary:
    return summary(run, baseline, GATES, {"BM25 only": run}, today=TODAY, sights=True)


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    run, before = run_of(0.5), run_of(0.9)
    (tmp_path / "report.html").write_text(made_page(run, found_of(run, before), before, [agreement("reviewers, ja", [(True, True), (None, False)])]), "utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.foreign, page.errors = [], []
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else page.foreign.append(r.url))
    page.on("pageerror", lambda e: page.errors.append(str(e)))
    page.goto((tmp_path / "report.html").as_uri())
    yield page
    assert (page.foreign, page.errors) == ([], [])
    assert page.evaluate("window.attacked") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_the_report_says_what_stopped_a_release_and_shows_every_question(page: Any) -> None:
    assert "Stopped. 1 of 3 gates failed: vital nuggets, all" in page.inner_text(".verdict")
    assert page.locator("table.heat td.value").count() == 6
    assert page.locator("#curves svg").count() == 2
    assert "Smallest loss found 80% of the time" in page.inner_text("#sight")
    assert "reviewers, ja" in page.inner_text("#agreement")
    assert page.inner_text("#count") == "120 of 120 questions"
    assert page.locator("#list > li").count() == 40
    page.click("#more")
    assert page.locator("#list > li").count() == 80


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_questions_are_filtered_by_slice_kind_and_what_went_wrong(page: Any) -> None:
    page.select_option("select[name=language]", "ja")
    assert page.inner_text("#count") == "40 of 120 questions"
    page.select_option("select[name=wrong]", "a vital nugget is missing")
    assert page.inner_text("#count") == "20 of 120 questions"
    page.select_option("select[name=moved]", "-1")
    assert page.inner_text("#count") == "16 of 120 questions"
    page.fill("input[name=text]", "attacked")
    assert page.locator("#list blockquote.gold").first.text_content().startswith(HOSTILE)
    page.select_option("select[name=language]", "")
    rows = page.locator("tr[data-slice]:visible").count()
    page.select_option("#slice", "language ja")
    assert page.locator("tr[data-slice]:visible").count() <= rows
    assert page.locator("tr[data-slice='language ja']:visible").count() > 0


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_the_release_page_is_what_is_printed(page: Any) -> None:
    assert not page.locator("#release").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#release").is_visible()
    assert not page.locator("#questions").is_visible()
    text = page.inner_text("#release")
    assert "A gate failed." in text
    assert "known (until 2026-12-01)" in text
    page.emulate_media(media="screen")


def test_a_build_server_is_told_of_every_gate() -> None:
    run = run_of(0.5)
    tree = ElementTree.fromstring(junit(found_of(run)))
    (suite,) = tree
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    failed, held, waived = suite
    assert "below the floor" in failed.find("failure").get("message", "")  # type: ignore[union-attr]
    assert len(held) == 0
    assert "known" in waived.find("skipped").get("message", "")  # type: ignore[union-attr]
