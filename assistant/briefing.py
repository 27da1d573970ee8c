"""A briefing: quotes that someone collected, with what they say about them, as Word with footnotes, Markdown or JSON.

It knows quotes and file formats; that a quote stands in its document is looked at before.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from xml.sax.saxutils import escape

from assistant.language.dates import write_date
from assistant.language.packs import Pack, pack, pack_or_english
from assistant.schema import as_json

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# Footnotes are smaller than the text, and need no style of their own for that.
_SMALL = '<w:sz w:val="18"/><w:szCs w:val="18"/>'
# What XML 1.0 cannot hold.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&$])")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote in its own words and language, where it comes from, and what is said about it. `stands` is false where its document no longer holds it."""

    quote: str
    title: str
    language: str
    statement: str = ""
    publisher: str = ""
    date: str = ""
    source: str = ""
    document_id: str = ""
    start: int = 0
    end: int = 0
    page: int | None = None
    heading: str = ""
    stands: bool = True


@dataclass(frozen=True, slots=True)
class Briefing:
    """Quotes in their order, in the words of `language`."""

    title: str
    language: str
    quotes: tuple[Quoted, ...]


def _origin(quoted: Quoted, words: Pack) -> list[str]:
    """Title, publisher, date, page: what a footnote says before the link."""
    place = words.interface["page"].format(page=quoted.page) if quoted.page else ""
    date = write_date(quoted.date, words.code) if quoted.date else words.interface["undated"]
    return [part for part in (quoted.title, quoted.publisher, date, place, words.language_name(quoted.language)) if part]


def as_record(briefing: Briefing) -> str:
    """As JSON."""
    return json.dumps(as_json(briefing), ensure_ascii=False, indent=1) + "\n"


def as_markdown(briefing: Briefing) -> str:
    """As Markdown with footnotes; what is quoted is text in it, never markup."""
    words = pack(briefing.language)
    lines, notes = [f"# {_plain(briefing.title or words.console['briefing'])}", ""], []
    for number, quoted in enumerate(briefing.quotes, 1):
        said = _plain(quoted.statement) or "\n".join(f"> {_plain(line)}" for line in quoted.quote.splitlines())
        lines += [f"{said}[^{number}]", ""]
        link = f" <{quoted.source}>" if quoted.source else ""
        missing = f" ({_plain(words.console['quote_missing'])})" if not quoted.stands else ""
        notes.append(f"[^{number}]: {_plain('. '.join(_origin(quoted, words)))}.{link} {_plain(words.console['original_wording'])}: “{_plain(' '.join(quoted.quote.split()))}”{missing}")
    return "\n".join([*lines, *notes]) + "\n"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def as_docx(briefing: Briefing) -> bytes:
    """As a Word document: each statement (or quote) with a footnote of title, publisher, date, link and the original wording."""
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml import parse_xml

    words = pack(briefing.language)
    document = docx.Document()
    document.core_properties.title = _xml_text(briefing.title or words.console["briefing"])
    document.core_properties.author = ""
    document.core_properties.comments = ""
    document.core_properties.language = briefing.language
    document.add_heading(_xml_text(briefing.title or words.console["briefing"]), level=1)
    for number, quoted in enumerate(briefing.quotes, 1):
        text = quoted.statement or quoted.quote
        language = briefing.language if quoted.statement else quoted.language
        paragraph = document.add_paragraph(style=None if quoted.statement else "Quote")
        for element in _runs_of(text, language):
            paragraph._p.append(parse_xml(element))
        if pack_or_english(language).direction == "rtl":
            paragraph._p.get_or_add_pPr().append(parse_xml(f'<w:bidi xmlns:w="{_W}"/>'))
        paragraph._p.append(parse_xml(f'<w:r xmlns:w="{_W}"><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:id="{number + 1}"/></w:r>'))
    part = Part(PackURI("/word/footnotes.xml"), _FOOTNOTES, b"", document.part.package)
    link = partial(part.rels.get_or_add_ext_rel, RELATIONSHIP_TYPE.HYPERLINK)
    notes = "".join(_note(number, quoted, words, link) for number, quoted in enumerate(briefing.quotes, 1))
    separators = "".join(
        f'<w:footnote w:type="{kind}" w:id="{place}"><w:p><w:r><w:{mark}/></w:r></w:p></w:footnote>'
        for place, (kind, mark) in enumerate((("separator", "separator"), ("continuationSeparator", "continuationSeparator")))
    )
    part._blob = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:footnotes xmlns:w="{_W}" xmlns:r="{_REL}">{separators}{notes}</w:footnotes>'.encode()
    document.part.relate_to(part, f"{_REL}/footnotes")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _note(number: int, quoted: Quoted, words: Pack, link: Callable[[str], str]) -> str:
    mark = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteRef/></w:r>'
    said = _runs_of(f" {'. '.join(_origin(quoted, words))}. ", words.code, _SMALL)
    if quoted.source:
        said.append(f'<w:hyperlink r:id="{link(quoted.source)}"><w:r><w:rPr><w:color w:val="0F6B64"/>{_SMALL}<w:u w:val="single"/></w:rPr><w:t>{escape(_xml_text(quoted.source))}</w:t></w:r></w:hyperlink>')
        said += _runs_of(". ", words.code, _SMALL)
    said += _runs_of(f"{words.console['original_wording']}: ", words.code, _SMALL)
    said += _runs_of(f"“{quoted.quote}”", quoted.language, _SMALL)
    if not quoted.stands:
        said += _runs_of(f" {words.console['quote_missing']}", words.code, _SMALL)
    return f'<w:footnote w:id="{number + 1}"><w:p>{mark}{"".join(said)}</w:p></w:footnote>'


def _runs_of(text: str, language: str, size: str = "") -> list[str]:
    """The text in runs, its language named, so that Word takes fitting letters and spelling; line breaks kept."""
    rtl = "<w:rtl/>" if pack_or_english(language).direction == "rtl" else ""
    code = escape(language)
    marks = f'<w:rPr>{size}{rtl}<w:lang w:val="{code}" w:eastAsia="{code}" w:bidi="{code}"/></w:rPr>'
    lines = _xml_text(text).split("\n")
    return [f'<w:r xmlns:w="{_W}">{marks}{"<w:br/>" if place else ""}<w:t xml:space="preserve">{escape(line)}</w:t></w:r>' for place, line in enumerate(lines)]


def _xml_text(text: str) -> str:
    return _NO_XML.sub("", text)
