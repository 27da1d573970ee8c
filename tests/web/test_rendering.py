"""Blocks of an answer hold its text as it is, numbers point at their sources, links stay where they may lead."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Answer, Citation
from assistant.web.rendering import Block, blocks_of, preferred, safe_link


def citation(number: int, quote: str) -> Citation:
    return Citation(number, "d", "Notes", "", "en", quote, 0, len(quote), quote, page=3, heading="Opening", date="2024-11-22")


def answered(text: str, *citations: Citation) -> Answer:
    return Answer("q", text, "en", "extractive", False, citations=citations)


def text_of(block: Block) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in block.lines)


def test_a_table_has_its_heads_and_each_row_its_source() -> None:
    table = "2 rows:\n\n| Name | Place | Sources |\n| --- | --- | --- |\n| <b>Lake</b> | Bonn | [1] |\n| Hill |  | [2] |\n\nA note."
    first, rows, last = blocks_of(answered(table, citation(1, "Lake"), citation(2, "Hill")))
    assert text_of(first) == "2 rows:"
    assert rows.heads == ("Name", "Place", "Sources")
    assert [row[0][0].text for row in rows.rows] == ["<b>Lake</b>", "Hill"]
    assert [row[2][0].cite for row in rows.rows] == [1, 2]
    assert text_of(last) == "A note."


def test_what_was_asked_for_is_emphasised_and_nothing_else() -> None:
    quote = "It opened\non 9 May."
    one = replace(citation(1, quote), asked=((13, 18),))
    answer = answered(f"From “Notes”:\n{quote} [1]", one)
    pieces = [piece for block in blocks_of(answer) for line in block.lines for piece in line]
    assert [piece.text for piece in pieces if piece.strong] == ["9 May"]
    # Text that holds the marks itself is left as it is.
    assert not any(piece.strong for block in blocks_of(replace(answer, text="\ue000 " + answer.text)) for line in block.lines for piece in line)


def test_a_number_in_brackets_that_cites_nothing_stays_text() -> None:
    (block,) = blocks_of(answered("It is written [7]"))
    assert text_of(block) == "It is written [7]"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=200))
def test_any_text_survives_as_itself(text: str) -> None:
    if not re.search(r" \[\d{1,3}\]$", text):
        assert "".join(map(text_of, blocks_of(answered(text)))) == text


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org/a?b=c", True), ("http://example.org", True), ("javascript:alert(1)", False), ("data:text/html,x", False),
        ("//example.org", False), ("https://", False), ('https://e.org/"onclick=', False), ("https://e.org/ x", False), ("http://[", False), ("", False),
    ],
)  # fmt: skip
def test_links_lead_to_the_web_or_nowhere(url: str, kept: bool) -> None:
    assert safe_link(url) == (url if kept else "")


@pytest.mark.parametrize(
    ("header", "code"), [("de-AT,de;q=0.9,en;q=0.5", "de"), ("nl", "en"), ("en;q=0.1, ja;q=0.9", "ja"), ("", "en"), ("x" * 5000, "en"), ("zh-TW", "zh")]
)
def test_the_interface_speaks_the_browsers_language(header: str, code: str) -> None:
    assert preferred(header) == code
