"""Document text stays text, links stay where they may lead, and numbers point at their sources."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Answer, Chunk, Citation, ScoredChunk
from assistant.web.rendering import answer_html, finished_html, preferred, safe_link, sources_html

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) **b** $x$ "q"'


def citation(quote: str, passage: str, source: str = "", title: str = "Notes") -> Citation:
    return Citation(1, "d", title, source, "en", quote, 0, len(quote), passage, page=3, heading="Opening", date="2024-11-22")


def answered(*citations: Citation) -> Answer:
    return Answer("q", "t", "en", "extractive", False, citations=citations)


def test_the_quote_is_marked_in_its_passage() -> None:
    shown = sources_html(answered(citation("It opened.", "Before. It opened. After.", "https://example.org/a")), "de")
    assert "Before. <mark>It opened.</mark> After." in shown
    assert 'id="source-1"' in shown
    assert 'href="https://example.org/a"' in shown
    assert "22. November 2024" in shown
    assert "Englisch" in shown


def test_text_of_documents_is_never_markup() -> None:
    shown = sources_html(answered(citation(HOSTILE, HOSTILE, "javascript:alert(1)", HOSTILE)), "en") + answer_html(f"{HOSTILE} [1]", "en")
    assert "<script" not in shown
    assert "<img" not in shown
    assert "javascript:" not in re.sub(r"&lt;.*?&gt;|&#\d+;", "", shown.replace(html.escape(HOSTILE), ""))


def test_a_table_has_its_heads_and_each_row_its_source() -> None:
    shown = answer_html("2 rows:\n\n| Name | Place | Sources |\n| --- | --- | --- |\n| <b>Lake</b> | Bonn | [1] |\n| Hill |  | [2] |\n\nA note.", "en")
    assert shown.count("<tr>") == 3
    assert '<th scope="col">Name</th>' in shown
    assert '<td><a class="cite" href="#source-2" target="_self">2</a></td>' in shown
    assert "<b>" not in shown
    assert "<p>A note&#46;</p>" in shown


def test_what_was_asked_for_is_emphasised_and_nothing_else() -> None:
    quote = "It opened\non 9 May."
    one = replace(citation(quote, quote), asked=((13, 18),))
    answer = replace(answered(one), text=f"From “Notes”:\n{quote} [1]")
    assert "<strong>9 May</strong>&#46;" in finished_html(answer)
    assert finished_html(answer).count("<strong>") == 1
    # Text that holds the marks itself is left as it is.
    assert "<strong>" not in finished_html(replace(answer, text="\ue000 " + answer.text))


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=200))
def test_any_text_survives_as_itself(text: str) -> None:
    shown = answer_html(text, "en")
    body = shown.removeprefix('<div class="answer" dir="ltr" lang="en"><p>').removesuffix("</p></div>")
    if not re.search(r" \[\d{1,3}\]$", text):
        assert html.unescape(body) == text
        assert not re.search(r"[`*_\[\]<>$]", body)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org/a?b=c", True), ("http://example.org", True), ("javascript:alert(1)", False), ("data:text/html,x", False),
        ("//example.org", False), ("https://", False), ('https://e.org/"onclick=', False), ("https://e.org/ x", False), ("http://[", False), ("", False),
    ],
)  # fmt: skip
def test_links_lead_to_the_web_or_nowhere(url: str, kept: bool) -> None:
    assert safe_link(url) == (url if kept else "")


def test_a_refusal_shows_the_nearest_passages_unmarked() -> None:
    chunk = Chunk("d#0", "d", "Something near.", 0, 15, title="Near", language="en")
    shown = sources_html(Answer("q", "t", "en", "abstained", True, passages=(ScoredChunk(chunk, 1.0, 1),)), "en")
    assert "Something near." in shown
    assert "<mark>" not in shown


@pytest.mark.parametrize(
    ("header", "code"), [("de-AT,de;q=0.9,en;q=0.5", "de"), ("nl", "en"), ("en;q=0.1, ja;q=0.9", "ja"), ("", "en"), ("x" * 5000, "en"), ("zh-TW", "zh")]
)
def test_the_interface_speaks_the_browsers_language(header: str, code: str) -> None:
    assert preferred(header) == code


def test_arabic_runs_from_right_to_left() -> None:
    assert 'dir="rtl"' in answer_html("نعم", "ar")
