"""Briefings: what a person reads in Word, in Markdown and in JSON, whatever the quotes hold."""

from __future__ import annotations

import io
import json
import zipfile

import docx
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt

from assistant.briefing import Briefing, Quoted, as_docx, as_markdown, as_record

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
QUOTES = (
    Quoted("It gathered 340 guests.", "Harbour Forum", "en", "340 Gäste kamen.", "Harbour Office", "2024-06-10", "https://example.org/a?b=1&c=2", "press/a.md", 3, 26, page=4),
    Quoted("中关村生命科学园有700多家企业。", "园区档案 <b>", "zh", date="2023"),
    Quoted("جرى الافتتاح\nفي مايو.", "تقرير", "ar", "", stands=False),
)


def notes_of(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tree = etree.fromstring(archive.read("word/footnotes.xml"))
    return ["".join(note.itertext()) for note in tree if note.get(f"{W}type") is None]


def references_of(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tree = etree.fromstring(archive.read("word/document.xml"))
    return [one.get(f"{W}id") for one in tree.iter(f"{W}footnoteReference")]


def test_word_has_a_footnote_for_each_quote() -> None:
    content = as_docx(Briefing("Lagebild", "de", QUOTES))
    document = docx.Document(io.BytesIO(content))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts == ["Lagebild", "340 Gäste kamen.", QUOTES[1].quote, QUOTES[2].quote]
    notes = notes_of(content)
    assert len(notes) == len(references_of(content)) == 3
    assert notes[0] == " Harbour Forum. Harbour Office. 10. Juni 2024. Seite 4. Englisch. https://example.org/a?b=1&c=2. Originalwortlaut: “It gathered 340 guests.”"
    assert "ohne Datum" in notes[2]
    assert "steht nicht mehr" in notes[2]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        links = archive.read("word/_rels/footnotes.xml.rels").decode()
        assert 'Target="https://example.org/a?b=1&amp;c=2"' in links
        assert 'TargetMode="External"' in links
        assert "/word/footnotes.xml" in archive.read("[Content_Types].xml").decode()
        tree = etree.fromstring(archive.read("word/document.xml"))
    assert {one.get(f"{W}eastAsia") for one in tree.iter(f"{W}lang")} >= {"de", "zh", "ar"}
    assert len(list(tree.iter(f"{W}bidi"))) == 1


def test_markdown_shows_what_was_said_and_what_was_quoted() -> None:
    text = as_markdown(Briefing("Lagebild *1*", "de", QUOTES))
    assert text.startswith("# Lagebild \\*1\\*\n\n340 Gäste kamen\\.[^1]\n\n> ")
    assert text.count("[^") == 6
    assert "<https://example.org/a?b=1&c=2>" in text
    page = MarkdownIt().render(text)
    assert "<b>" not in page
    assert "340 Gäste kamen." in page


def test_json_holds_every_field() -> None:
    record = json.loads(as_record(Briefing("Lagebild", "de", QUOTES)))
    assert record["title"] == "Lagebild"
    assert [quote["quote"] for quote in record["quotes"]] == [quote.quote for quote in QUOTES]
    assert record["quotes"][2]["stands"] is False
    assert (record["quotes"][0]["start"], record["quotes"][0]["publisher"]) == (3, "Harbour Office")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1, max_size=60), st.text(max_size=40), st.text(max_size=40)), min_size=1, max_size=4), st.sampled_from(["en", "de", "ja", "ar"]))
def test_whatever_is_quoted_word_can_open_it(quotes: list[tuple[str, str, str]], language: str) -> None:
    briefing = Briefing(quotes[0][1], language, tuple(Quoted(quote, title, language, said) for quote, title, said in quotes))
    content = as_docx(briefing)
    assert len(docx.Document(io.BytesIO(content)).paragraphs) == len(quotes) + 1
    assert len(notes_of(content)) == len(quotes)
    rendered = MarkdownIt("commonmark").parse(as_markdown(briefing))
    assert not [token for token in rendered if token.type in ("html_block", "code_block", "fence", "bullet_list_open", "table_open")]
