"""Every format: real files in several scripts in, text with right offsets and metadata out; bad files are clear errors."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ReadError
from assistant.ingestion import formats
from assistant.ingestion.cleaning import clean, joined
from assistant.ingestion.formats import plain
from assistant.ingestion.reading import Block, Limits, RawDocument, Reading, assemble, read_file, sidecar_of
from tests import files
from tests.files import TEXTS, TITLES

LIMITS = Limits()
LANGUAGES = sorted(TEXTS)


def read(path: Path, **limits: Any) -> RawDocument:
    document = read_file(path, Limits(**limits))
    check(document)
    return document


def check(document: RawDocument) -> None:
    """What holds for every document: clean text, sections in order that begin with their heading, pages within."""
    text = document.text
    assert clean(text) == text
    for spans in (document.sections, document.pages):
        for span, after in zip(spans, [*spans[1:], None], strict=False):
            assert 0 <= span.start < span.end <= (after.start if after else len(text))
    for section in document.sections:
        assert text.startswith(section.path[-1], section.start)


def headings(document: RawDocument) -> list[str]:
    return [" > ".join(section.path) for section in document.sections]


def reason(path: Path, **limits: Any) -> str:
    with pytest.raises(ReadError) as caught:
        read_file(path, Limits(**limits))
    assert caught.value.fix
    return caught.value.reason


# --- one contract over all formats ---------------------------------------------------------------------------------


def _html(path: Path, language: str) -> Path:
    body = f"<h1>{TITLES[language]}</h1><p>{TEXTS[language]}</p>"
    return files.text(path, f"<!doctype html><html lang={language}><meta charset=utf-8><body>{body}</body></html>")


MAKERS: dict[str, Callable[[Path, str], Path]] = {
    ".md": lambda path, code: files.text(path, f"# {TITLES[code]}\n\n{TEXTS[code]}\n"),
    ".txt": lambda path, code: files.text(path, f"{TITLES[code]}\n\n{TEXTS[code]}\n"),
    ".html": _html,
    ".docx": lambda path, code: files.docx(path, [("Heading 1", TITLES[code]), ("", TEXTS[code])]),
    ".pptx": lambda path, code: files.pptx(path, [{"title": TITLES[code], "body": TEXTS[code]}]),
    ".xlsx": lambda path, code: files.xlsx(path, {TITLES[code]: [[TEXTS[code], 3]]}),
    ".csv": lambda path, code: files.text(path, f"{TITLES[code]};x\n{TEXTS[code]};y\n"),
    ".eml": lambda path, code: files.eml(
        path,
        subject=TITLES[code],
        sender="A <a@example.org>",
        date="Fri, 15 Nov 2024 10:00:00 +0800",
        plain=TEXTS[code],
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", sorted(MAKERS))
def test_every_format_reads_every_script(tmp_path: Path, suffix: str, language: str) -> None:
    document = read(MAKERS[suffix](tmp_path / f"file{suffix}", language))
    assert TEXTS[language] in document.text
    assert not document.warnings
    if suffix not in (".csv", ".eml"):
        assert headings(document) == [TITLES[language]]
    if suffix not in (".csv", ".xlsx"):
        assert document.metadata["title"] == TITLES[language]


@pytest.mark.parametrize("language", sorted(files.CID_FONTS))
def test_pdf_reads_fonts_that_are_not_embedded(tmp_path: Path, language: str) -> None:
    text = TEXTS[language]
    half = len(text) // 2 if language != "ko" else text.index(" ", len(text) // 2)
    path = files.pdf(tmp_path / "a.pdf", [[text[:half], text[half:].strip()]], font=files.CID_FONTS[language])
    assert read(path).text == text


@pytest.mark.parametrize("suffix", sorted(formats.FORMATS))
@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\x00\xff\xfe\x01" * 500, b"PK\x03\x04" + b"junk" * 100])
def test_junk_is_a_clear_error_in_every_format(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    expected = {"empty"} if not content else {"empty", "broken", "no-text"}
    with pytest.raises(ReadError) as caught:
        read_file(path, LIMITS)
    assert caught.value.reason in expected
    assert caught.value.fix


def test_a_parser_is_imported_only_when_its_format_is_read() -> None:
    import subprocess

    parsers = "pypdf pypdfium2 docx pptx openpyxl lxml charset_normalizer ftfy markdown_it numpy yaml email.parser"
    code = f"import sys, assistant.ingestion.reading as r; print([m for m in '{parsers}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['email.parser']")


# --- the door ------------------------------------------------------------------------------------------------------


def test_unsupported_files_are_refused_with_what_is_supported(tmp_path: Path) -> None:
    for name in ("a.exe", "README"):
        with pytest.raises(ReadError, match=r"\.docx, .*\.pdf") as caught:
            read_file(files.text(tmp_path / name, "text"), LIMITS)
        assert caught.value.reason == "unsupported"


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    assert reason(tmp_path / "gone.txt") == "unreadable"


def test_limits_on_size_and_text(tmp_path: Path) -> None:
    path = files.text(tmp_path / "a.txt", "word " * 300_000)
    assert reason(path, file_mb=1) == "too-large"
    assert reason(path, text_chars=1000) == "too-large"


@pytest.mark.parametrize(
    ("suffix", "part"),
    [(".docx", "word/document.xml"), (".pptx", "ppt/presentation.xml"), (".xlsx", "xl/workbook.xml")],
)
def test_office_bombs_are_refused_before_parsing(tmp_path: Path, suffix: str, part: str) -> None:
    assert reason(files.zip_bomb(tmp_path / f"a{suffix}", part, 8), expanded_mb=5) == "too-large"


def test_encrypted_and_old_office_files(tmp_path: Path) -> None:
    assert reason(files.encrypted_office(tmp_path / "a.docx")) == "encrypted"
    assert reason(files.old_office(tmp_path / "b.xlsx")) == "unsupported"
    assert reason(files.text(tmp_path / "c.docx", "{\\rtf1 text}")) == "unsupported"


def test_content_beats_a_suffix_that_lies(tmp_path: Path) -> None:
    word = files.docx(tmp_path / "a.pdf", [("", "Really a Word file.")])
    page = files.text(tmp_path / "b.docx", "<!DOCTYPE html><html><body><p>Really a page.</p></body></html>")
    paper = files.pdf(tmp_path / "c.txt", [["Really a PDF."]])
    assert [read(path).text for path in (word, page, paper)] == [
        "Really a Word file.",
        "Really a page.",
        "Really a PDF.",
    ]


def test_a_registered_format_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    formats.register("LOG", plain.read)
    assert read(files.text(tmp_path / "a.log", "A line.")).text == "A line."
    for wrong in (lambda path, limits: Reading([]), "no_colon"):
        with pytest.raises(ValueError, match="module:function"):
            formats.register(".x", wrong)


def test_a_sidecar_overrides_the_document(tmp_path: Path) -> None:
    path = files.text(tmp_path / "a.md", "---\ntitle: Old\nkind: forum\n---\nText.")
    assert sidecar_of(path) is None
    files.text(tmp_path / "a.meta.yaml", "title: General\ndate: 2024-11")
    assert read(path).metadata == {"title": "General", "kind": "forum", "date": "2024-11"}
    files.text(tmp_path / "a.md.meta.yaml", "title: Own\nlanguage: de-AT")
    assert read(path).metadata == {"title": "Own", "kind": "forum", "language": "de"}
    files.text(tmp_path / "a.md.meta.yaml", "title: [")
    assert reason(path) == "sidecar"
    files.text(tmp_path / "a.md.meta.yaml", "just text")
    assert reason(path) == "sidecar"


def test_a_sidecar_date_is_never_weak(tmp_path: Path) -> None:
    path = files.pdf(tmp_path / "a.pdf", [["BEIJING, Nov. 15, 2024 - The forum."]])
    files.text(tmp_path / "a.meta.yaml", "date: 2020")
    assert read(path).metadata["date"] == "2020"
    assert "date_from" not in read(path).metadata


def test_an_embargo_holds_any_format_back(tmp_path: Path) -> None:
    path = files.docx(
        tmp_path / "a.docx", [("Title", "News"), ("", "EMBARGO: 15 November 2024, 10:00 GMT"), ("", "Text.")]
    )
    document = read(path)
    assert document.held == "EMBARGO: 15 November 2024, 10:00 GMT"
    assert document.metadata["embargo_until"] == "2024-11-15T10:00+00:00"


# --- assembling and cleaning ---------------------------------------------------------------------------------------

LINES = st.text(alphabet=st.sampled_from("ab é\u0301\u200b\n\t \u3000語\u202e.#"), max_size=30)


@given(st.lists(st.builds(Block, LINES, st.integers(0, 6), st.one_of(st.none(), st.integers(1, 3)))))
def test_offsets_hold_for_any_blocks(blocks: list[Block]) -> None:
    check(assemble(sorted(blocks, key=lambda block: block.page or 0), {}, ()))


def test_sections_know_their_ancestors() -> None:
    document = assemble(
        [Block("before"), Block("A", 1), Block("B", 3), Block("x"), Block("C", 2), Block("D", 1)], {}, ()
    )
    assert headings(document) == ["A", "A > B", "A > C", "D"]
    assert document.text[document.sections[1].start : document.sections[1].end] == "B\n\nx\n\n"


def test_pages_span_their_blocks() -> None:
    document = assemble([Block("one", page=1), Block("more", page=1), Block("two", page=3)], {}, ())
    assert [(page.number, document.text[page.start : page.end]) for page in document.pages] == [
        (1, "one\n\nmore"),
        (3, "two"),
    ]


@given(st.text())
def test_cleaning_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(
    st.text(
        alphabet=st.sampled_from("aé\u0301\u200b\u200d\r\n\t \xa0\x85\u2028\u3000\ud800\U000e0041\xad\x07語"),
        max_size=40,
    )
)
def test_cleaning_is_idempotent_where_it_matters(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("e\u200b\u0301", "é"),
        ("a\u202egnp.exe\u202c", "agnp.exe"),
        ("hid\U000e0068\U000e0069den", "hidden"),
        ("Ge\xadsund\xadheit\ufeff", "Gesundheit"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("a \t\xa0 b  \n\n\n\nc", "a b\n\nc"),
        ("a\ud800b\x00c\x9b", "abc"),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_lines_join_as_their_script_does() -> None:
    assert joined(["生命科学", "论坛", "BIO", "2024"]) == "生命科学论坛BIO 2024"
    assert joined(["바이오", "포럼"]) == "바이오 포럼"


# --- Markdown ------------------------------------------------------------------------------------------------------

MARKDOWN = """---
title: The forum
language: de-DE
date: 2024-11-15
source: https://example.org/forum
aliases:
  - [昌平, Changping]
kind: forum
---
# Main *heading*

A **bold** [link](https://example.org) with `code` and
a soft break.<br>New line. <!-- hidden --><b>tag</b> ![picture](x.png)

生命科学
论坛

Second
------

- one
- two
  with more
  1. inner

| a | b |
|---|---|
| 1 | *2* |

```
# no heading *here*
```

<div>
<script>alert(1)</script>
Visible &amp; plain
</div>

> A quote.
"""


def test_markdown(tmp_path: Path) -> None:
    document = read(files.text(tmp_path / "a.md", MARKDOWN))
    assert document.text == (
        "Main heading\n\nA bold link with code and a soft break.\nNew line. tag picture\n\n生命科学论坛\n\nSecond\n\n"
        "- one\n- two with more\n1. inner\n\na | b\n1 | 2\n\n# no heading *here*\n\nVisible & plain\n\nA quote."
    )
    assert headings(document) == ["Main heading", "Main heading > Second"]
    assert document.metadata == {
        "title": "The forum",
        "language": "de",
        "date": "2024-11-15",
        "source": "https://example.org/forum",
        "aliases": [["昌平", "Changping"]],
        "kind": "forum",
    }


def test_markdown_takes_its_title_from_the_first_heading(tmp_path: Path) -> None:
    assert read(files.text(tmp_path / "a.md", "Intro.\n\n# Title\n\nText.")).metadata == {"title": "Title"}
    assert read(files.text(tmp_path / "b.md", "## Part\n\nText.")).metadata == {}


def test_broken_front_matter(tmp_path: Path) -> None:
    assert reason(files.text(tmp_path / "a.md", "---\ntitle: a: b\n---\nText.")) == "front-matter"


# --- plain text ----------------------------------------------------------------------------------------------------

CHARSETS = [
    ("zh", "gb18030"), ("zh", "utf-16"), ("ja", "shift_jis"), ("ja", "euc_jp"), ("ja", "iso2022_jp"), ("ko", "euc_kr"),
    ("de", "cp1252"), ("de", "utf-8-sig"), ("ru", "koi8_r"), ("ru", "cp1251"), ("ar", "cp1256"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "charset"), CHARSETS)
def test_the_character_set_is_found(tmp_path: Path, language: str, charset: str) -> None:
    assert read(files.text(tmp_path / "a.txt", TEXTS[language] * 3, charset)).text == TEXTS[language] * 3


def test_traditional_chinese_in_big5(tmp_path: Path) -> None:
    text = "臺北生技論壇於今日開幕，來自世界各地的專家出席會議，討論新藥的研發與合作。"
    assert read(files.text(tmp_path / "a.txt", text, "big5")).text == text


def test_a_few_broken_bytes_do_not_change_the_character_set(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes((TEXTS["zh"] * 5).encode() + b"\xe5\x8c")
    assert read(path).text.startswith(TEXTS["zh"] * 5)


def test_plain_headings(tmp_path: Path) -> None:
    long = "This is a paragraph that is a good deal longer than the line above it, and ends like one."
    text = f"The title of it all\n\n11/15 15:43\n\nBy the desk:\n\n{long}\n\nA heading\n\n{long}\n\nA sentence.\n\n{long}\n\nEnd"
    document = read(files.text(tmp_path / "a.txt", text))
    assert headings(document) == ["The title of it all", "The title of it all > A heading"]
    assert document.metadata["title"] == "The title of it all"


def test_unwrapped_text_has_a_paragraph_per_line(tmp_path: Path) -> None:
    long = "Ein langer Absatz ohne Umbruch. " * 10
    assert headings(read(files.text(tmp_path / "a.txt", f"{long}\nZwischenzeile\n{long}"))) == ["Zwischenzeile"]


# --- HTML ----------------------------------------------------------------------------------------------------------

HTML = """<!DOCTYPE html>
<html lang="zh-Hans"><head><title>Title | Site</title>
<meta property="og:title" content="Title"><meta property="og:site_name" content="Site">
<link rel="canonical" href="https://example.org/a">
<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "datePublished": "2024-11-15T08:00:00Z"}]}</script>
</head><body><nav>Menu</nav><div style="display: none">secret</div><p hidden>secret</p>
<main><article><header><h1>Head<b>line</b></h1></header><p>First   <i>para</i>graph<br>second line</p>
<h2>Part</h2><ul><li>one<li><p>two</p></ul>
<table><tr><th>a<th>b</tr><tr><td>CO<sub>2</sub><td><p>x</p><p>y</p></tr></table>
<table><tr><td><p>Layout</p></td></tr></table><pre>a
  b</pre><footer>Foot</footer></article></main><aside>Advert</aside><script>code()</script></body></html>"""


def test_html(tmp_path: Path) -> None:
    document = read(files.text(tmp_path / "a.html", HTML))
    assert document.text == (
        "Headline\n\nFirst paragraph\nsecond line\n\nPart\n\n• one\n• two\n\na | b\nCO2 | x y\n\nLayout\n\na\nb"
    )
    assert headings(document) == ["Headline", "Headline > Part"]
    assert document.metadata == {
        "title": "Title", "language": "zh", "date": "2024-11-15", "publisher": "Site", "source": "https://example.org/a",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "charset"), [("zh", "gb2312"), ("ja", "shift_jis"), ("ko", "euc-kr"), ("de", "iso-8859-1")]
)
def test_html_declares_its_character_set(tmp_path: Path, language: str, charset: str) -> None:
    text = TEXTS[language].translate(str.maketrans("„“–", '""-'))
    page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head><body><p>{text}'
    assert read(files.text(tmp_path / "a.html", page, charset)).text == text


def test_html_prefers_the_main_part_only_when_it_holds_enough(tmp_path: Path) -> None:
    page = "<body><p>{}</p><article><p>Teaser text.</p></article></body>"
    assert "Long" in read(files.text(tmp_path / "a.html", page.format("Long text. " * 9))).text
    assert "Long" not in read(files.text(tmp_path / "b.html", page.format("Long"))).text


@pytest.mark.parametrize("depth", [300, 100_000])
def test_html_nested_too_deep(tmp_path: Path, depth: int) -> None:
    assert reason(files.text(tmp_path / "a.html", f"<body>{'<div>' * depth}text")) == "too-deep"
    assert read(files.text(tmp_path / "b.html", f"<body>{'<div>' * 200}text")).text == "text"


# --- PDF -----------------------------------------------------------------------------------------------------------


def test_pdf_pages_margins_bookmarks_and_metadata(tmp_path: Path) -> None:
    body = [
        "The forum was opened in the morning by the mayor of the city and by the Gesund-",
        "heitsministerin, who said that the Life-Science-",
        "Park would grow further in the years that are to come, as had been planned before.",
        "A short last line.",
    ]
    pages = [["Annual report", f"Chapter {n}", *body, f"Page {n} of 5"] for n in range(1, 6)]
    marks = [("Chapter 1", 1, 0), ("chapter  3", 3, 0), ("Nowhere", 2, 0)]
    document = read(files.pdf(tmp_path / "a.pdf", pages, title="Report", language="en-GB", bookmarks=marks))
    assert "Annual report" not in document.text
    assert "of 5" not in document.text
    assert "Gesundheitsministerin, who said that the Life-Science-Park would grow" in document.text
    assert [page.number for page in document.pages] == [1, 2, 3, 4, 5]
    assert document.metadata["title"] == "Report"
    assert document.metadata["language"] == "en"
    assert document.metadata["date_from"] == "pdf-info"


def test_pdf_bookmarks_become_headings(tmp_path: Path) -> None:
    pages = [
        [
            "7",
            "1. Opening of the forum",
            "Text of the first part, which is longer than its heading is.",
            "Details",
            "More.",
        ]
    ]
    marks = [("Opening of the forum", 1, 0), ("Details", 1, 1)]
    document = read(files.pdf(tmp_path / "a.pdf", pages, bookmarks=marks))
    assert headings(document) == ["1. Opening of the forum", "1. Opening of the forum > Details"]


def test_pdf_pages_without_text_are_reported(tmp_path: Path) -> None:
    pages = [["Some words on this page."] if n <= 12 and n != 4 else [] for n in range(1, 32)]
    document = read(files.pdf(tmp_path / "a.pdf", pages))
    assert document.warnings == ("11 of 31 pages; 4, 13–31 have no text: scanned?",)
    with pytest.raises(ReadError, match=r"none of 3 pages has text: scanned\?. Fix: run OCR on it first") as caught:
        read_file(files.pdf(tmp_path / "b.pdf", [[], [], []]), LIMITS)
    assert caught.value.reason == "no-text"


def test_pdf_page_limit(tmp_path: Path) -> None:
    document = read(files.pdf(tmp_path / "a.pdf", [["One."], ["Two."], ["Three."]]), pages=2)
    assert document.text == "One.\n\nTwo."
    assert document.warnings == ("only the first 2 of 3 pages were read",)


def test_encrypted_pdf(tmp_path: Path) -> None:
    assert reason(files.pdf(tmp_path / "a.pdf", [["Secret."]], password="key")) == "encrypted"
    assert read(files.pdf(tmp_path / "b.pdf", [["Open."]], password="", owner="key")).text == "Open."


def test_a_dateline_beats_the_creation_date(tmp_path: Path) -> None:
    document = read(files.pdf(tmp_path / "a.pdf", [["BEIJING, Nov. 15, 2024 /Wire/ -- The forum."]]))
    assert document.metadata["date"] == "2024-11-15"
    assert "date_from" not in document.metadata


def test_pdfium_reads_what_pypdf_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdf

    def broken(*_: object, **__: object) -> None:
        raise RecursionError

    path = files.pdf(tmp_path / "a.pdf", [["Read all the same."], ["生命科学"]], font="STSong-Light", title="T")
    monkeypatch.setattr(pypdf.PdfReader, "__init__", broken)
    monkeypatch.setattr(pypdf.PdfReader, "__del__", lambda self: None, raising=False)
    document = read(path)
    assert document.text == "Read all the same.\n\n生命科学"
    assert document.metadata["title"] == "T"


def test_truncated_pdf(tmp_path: Path) -> None:
    path = files.pdf(tmp_path / "a.pdf", [["Text."]])
    path.write_bytes(path.read_bytes()[:300])
    assert reason(path) == "broken"


def test_pdf_bomb(tmp_path: Path) -> None:
    assert reason(files.pdf_bomb(tmp_path / "a.pdf", megabytes=100)) in ("too-large", "no-text")


# --- Office --------------------------------------------------------------------------------------------------------


def test_docx(tmp_path: Path) -> None:
    path = files.docx(
        tmp_path / "a.docx",
        [
            ("Title", "Das Forum"),
            ("", "Einleitung."),
            ("Heading 1", "Teil"),
            [["Ort", "Tag"], ["München", "3"]],
            ("Heading 2", "Unterteil"),
            ("List Bullet", "eins"),
            ("List Bullet", "zwei"),
            ("", "Ende."),
        ],
        title="Titel",
        language="de-DE",
        created=dt.datetime(2024, 11, 15),
    )
    document = read(path)
    assert document.text == (
        "Das Forum\n\nEinleitung.\n\nTeil\n\nOrt | Tag\nMünchen | 3\n\nUnterteil\n\n• eins\n• zwei\n\nEnde."
    )
    assert headings(document) == ["Das Forum", "Teil", "Teil > Unterteil"]
    assert document.metadata == {
        "title": "Titel", "language": "de", "date": "2024-11-15", "date_from": "docx-properties",
    }  # fmt: skip


def test_docx_headings_by_derived_and_localised_styles(tmp_path: Path) -> None:
    import docx
    from docx.enum.style import WD_STYLE_TYPE

    document = docx.Document()
    styles = document.styles
    own = styles.add_style("Überschrift Haus", WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = styles["Heading 2"]
    styles.add_style("Überschrift 1", WD_STYLE_TYPE.PARAGRAPH).base_style = styles["Heading 1"]
    document.add_paragraph("Eins", style="Überschrift 1")
    document.add_paragraph("Zwei", style="Überschrift Haus")
    document.add_paragraph("Text.")
    document.save(str(tmp_path / "a.docx"))
    assert headings(read(tmp_path / "a.docx")) == ["Eins", "Eins > Zwei"]


def test_docx_nested_tables_are_read_once(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    cells = document.add_table(rows=1, cols=2).rows[0].cells
    cells[0].text = "outer"
    cells[1].add_table(rows=1, cols=1).rows[0].cells[0].text = "inner"
    document.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").text == "outer | inner"


def test_pptx(tmp_path: Path) -> None:
    slides = [
        {"title": "开幕", "body": "第一点\n第二点", "notes": "演讲者备注"},
        {"title": "Numbers", "body": "Below.", "table": [["a", "b"], ["1", "2"]]},
    ]
    document = read(files.pptx(tmp_path / "a.pptx", slides))
    assert document.text == "开幕\n\n第一点\n第二点\n\n演讲者备注\n\nNumbers\n\nBelow.\n\na | b\n1 | 2"
    assert headings(document) == ["开幕", "Numbers"]
    assert [page.number for page in document.pages] == [1, 2]


def test_xlsx(tmp_path: Path) -> None:
    rows = [["名称", "Tag", "n"], [], ["Forum", dt.date(2024, 11, 15), 3.0], [None, None, 2.5]]
    document = read(files.xlsx(tmp_path / "a.xlsx", {"表一": rows, "Leer": [], "B": [["x"]]}))
    assert document.text == "表一\n\n名称 | Tag | n\nForum | 2024-11-15 | 3\n| | 2.5\n\nB\n\nx"
    assert [page.number for page in document.pages] == [1, 3]


def test_xlsx_cells_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.ingestion.formats import xlsx

    monkeypatch.setattr(xlsx, "_CELLS", 10)
    document = read(files.xlsx(tmp_path / "a.xlsx", {"A": [["x", "y"]] * 20}))
    assert document.text.count("x | y") == 5
    assert document.warnings == ("only the first 10 cells were read",)


# --- tables and mail -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "language"), [("gb18030", "zh"), ("shift_jis", "ja"), ("utf-8-sig", "de"), ("utf-8", "ar")]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(tmp_path: Path, charset: str, language: str, delimiter: str) -> None:
    title = TITLES[language]
    rows = [[title, "n"], [f"{title}\n{title}", "1"], ["", ""], [title, "2"]]
    lines = [delimiter.join(f'"{cell}"' for cell in row) for row in rows]
    document = read(files.text(tmp_path / "a.csv", "\r\n".join(lines), charset))
    assert document.text == f"{title} | n\n{title} {title} | 1\n{title} | 2"


def test_tsv(tmp_path: Path) -> None:
    assert read(files.text(tmp_path / "a.tsv", "a\tb, c\n1\t2\n")).text == "a | b, c\n1 | 2"


REPLY = """Dear all,

The forum opens on Monday.

On Friday the desk wrote:
> old question
> and more

Regards

-----Ursprüngliche Nachricht-----
Von: Someone
old text
"""


def test_eml(tmp_path: Path) -> None:
    path = files.eml(
        tmp_path / "a.eml", subject="论坛 im Frühling", sender="Forum Büro <office@example.org>",
        date="Fri, 15 Nov 2024 10:00:00 +0800", plain=REPLY, html="<p>other</p>", attachment=("plan.pdf", b"%PDF-"),
    )  # fmt: skip
    document = read(path)
    assert document.text == "Dear all,\n\nThe forum opens on Monday.\n\nRegards"
    assert document.metadata == {"title": "论坛 im Frühling", "date": "2024-11-15", "publisher": "Forum Büro"}
    assert document.warnings == ("attachments not read: plan.pdf",)


def test_eml_with_nothing_but_html(tmp_path: Path) -> None:
    path = files.eml(
        tmp_path / "a.eml",
        subject="S",
        sender="office@example.org",
        date="nonsense",
        html=f"<h2>H</h2><p>{TEXTS['ja']}</p>",
    )
    document = read(path)
    assert document.text == f"H\n\n{TEXTS['ja']}"
    assert document.metadata["publisher"] == "example.org"
    assert "date" not in document.metadata
