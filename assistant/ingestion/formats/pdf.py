"""Reads PDF: text page by page, lines joined into paragraphs, bookmarks as headings, repeated margins left out.

It knows text that is in the file: scanned pages are reported, not recognised. pypdf reads, since it gets
Chinese, Japanese and Korean right without embedded fonts; pypdfium2 reads what pypdf can't.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from assistant.errors import ReadError
from assistant.ingestion.cleaning import clean, joined
from assistant.ingestion.headers import iso_date
from assistant.ingestion.reading import Block, Limits, Reading

_MARGIN_LINES = 2
_MARGIN_PAGES = 4
_MARGIN_SHARE = 0.6
_FULL_LINE = 0.75  # of the page's longest lines; a shorter line ends its paragraph
_OUTLINE_ENTRIES = 5000
_ITEM = re.compile(r"\s*(?:[•◦▪‣●○■□–—*·-]\s|\(?\d{1,3}[.)]\s|[（(]?[一二三四五六七八九十]{1,3}[、）)])")
_JOINS_COMPOUNDS = frozenset(("und", "oder", "bzw.", "sowie", "and", "or"))  # "Melde-\nund Prüfstelle" keeps its hyphen
_JUNK_TITLE = re.compile(
    r"microsoft \w+ ?-|untitled|\(anonymous\)|无标题|.*\.(?:docx?|pptx?|pdf|indd|tex|odt)$", re.IGNORECASE
)

_T = TypeVar("_T")
Bookmark = tuple[int, str, int | None]  # level, title, page


@dataclass(frozen=True, slots=True)
class _Parsed:
    pages: list[str]
    count: int
    metadata: dict[str, Any] = field(default_factory=dict)
    outline: list[Bookmark] = field(default_factory=list)


def read(path: Path, limits: Limits) -> Reading:
    parsed = _parsed(path, limits)
    pages = _without_margins([clean(page).split("\n") for page in parsed.pages])
    empty = [number for number, lines in enumerate(pages, start=1) if not any(lines)]
    if len(empty) == len(pages):
        raise ReadError(f"none of {parsed.count} pages has text: scanned?", reason="no-text", fix="run OCR on it first")
    warnings = []
    if empty:
        warnings.append(f"{len(pages) - len(empty)} of {len(pages)} pages; {_ranges(empty)} have no text: scanned?")
    if parsed.count > len(pages):
        warnings.append(f"only the first {len(pages)} of {parsed.count} pages were read")
    blocks: list[Block] = []
    for number, lines in enumerate(pages, start=1):
        headings = [(level, title) for level, title, page in parsed.outline if page == number]
        blocks += [Block(text, level, number) for text, level in _paragraphs(lines, headings)]
    return Reading(blocks, parsed.metadata, warnings)


def _parsed(path: Path, limits: Limits) -> _Parsed:
    from pypdf.errors import LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        parsed = _with_pypdf(path, limits)
        if any(page.strip() for page in parsed.pages):
            return parsed
    except (ReadError, MemoryError):
        raise
    except LimitReachedError as error:
        raise ReadError("its streams unpack to too much", reason="too-large", fix="save it anew") from error
    except Exception:  # noqa: BLE001 - whatever a broken file makes pypdf raise, pypdfium2 may still read it
        return _with_pdfium(path, limits)
    try:
        other = _with_pdfium(path, limits)
    except Exception:  # noqa: BLE001 - it was a second try
        return parsed
    return _Parsed(other.pages, parsed.count, parsed.metadata, parsed.outline)


def _encrypted() -> ReadError:
    return ReadError("it is protected by a password", reason="encrypted", fix="save it without the password")


def _with_pypdf(path: Path, limits: Limits) -> _Parsed:
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError

    with PdfReader(path) as reader:
        if reader.is_encrypted and not reader.decrypt(""):
            raise _encrypted()
        try:
            count = len(reader.pages)
            pages = [reader.pages[i].extract_text() for i in range(min(count, limits.pages))]
        except FileNotDecryptedError as error:
            raise _encrypted() from error
        return _Parsed(pages, count, _attempt(lambda: _metadata(reader), {}), _attempt(lambda: _outline(reader), []))


def _with_pdfium(path: Path, limits: Limits) -> _Parsed:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        document = PdfDocument(path)
    except PdfiumError as error:
        if "password" in str(error).lower():
            raise _encrypted() from error
        raise
    with closing(document):
        pages = []
        for number in range(min(len(document), limits.pages)):
            with closing(document[number]) as page, closing(page.get_textpage()) as text:
                # U+FFFE is pdfium's sign for a hyphen at a line's end.
                pages.append(text.get_text_bounded().replace("\ufffe", "-"))
        info = document.get_metadata_dict()
        date = iso_date(info.get("CreationDate", ""))
        weak = {"date": date, "date_from": "pdf-info"} if date else {}
        return _Parsed(pages, len(document), {"title": _title(info.get("Title")), **weak})


def _attempt(function: Callable[[], _T], failing: _T) -> _T:
    """What is only nice to have never costs the text."""
    try:
        return function()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001
        return failing


def _title(value: object) -> str | None:
    title = " ".join(str(value or "").split())
    return None if not title or _JUNK_TITLE.match(title) else title


def _metadata(reader: Any) -> dict[str, Any]:
    info = reader.metadata or {}
    xmp = _attempt(lambda: reader.xmp_metadata, None)
    titles = list(((xmp and xmp.dc_title) or {}).values())
    languages = (xmp and xmp.dc_language) or []
    dates = (xmp and xmp.dc_date) or [] if xmp else []
    found: dict[str, Any] = {
        "title": _title(info.get("/Title")) or _title(titles[0] if titles else ""),
        "language": reader.root_object.get("/Lang") or (languages[0] if languages else None),
    }
    date = iso_date(str(info.get("/CreationDate", ""))) or (iso_date(dates[0]) if dates else "")
    return {**found, "date": date, "date_from": "pdf-info"} if date else found


def _outline(reader: Any) -> list[Bookmark]:
    found: list[Bookmark] = []
    waiting: list[tuple[int, Any]] = [(1, entry) for entry in reader.outline]
    while waiting and len(found) < _OUTLINE_ENTRIES:
        level, entry = waiting.pop(0)
        if isinstance(entry, list):
            waiting[:0] = [(level + 1, inner) for inner in entry]
        else:
            number = reader.get_destination_page_number(entry)
            found.append((min(level, 6), str(entry.title), None if number is None else number + 1))
    return found


# --- lines to paragraphs -------------------------------------------------------------------------------------------


def _without_margins(pages: list[list[str]]) -> list[list[str]]:
    """Pages without the lines at their top and bottom that most of them share, page numbers aside."""

    def key(line: str) -> str:
        return re.sub(r"\d+", "#", line).strip()

    def margins(lines: list[str]) -> set[int]:
        filled = [i for i, line in enumerate(lines) if line.strip()]
        return {*filled[:_MARGIN_LINES], *filled[-_MARGIN_LINES:]}

    if len(pages) < _MARGIN_PAGES:
        return pages
    counts = Counter(line for lines in pages for line in {key(lines[i]) for i in margins(lines)})
    filled = sum(1 for lines in pages if any(lines))
    repeated = {line for line, count in counts.items() if count >= max(_MARGIN_SHARE * filled, _MARGIN_PAGES - 1)}
    kept = [
        [line for i, line in enumerate(lines) if not (i in marginal and key(line) in repeated)]
        for lines, marginal in ((lines, margins(lines)) for lines in pages)
    ]
    return kept if any(any(lines) for lines in kept) else pages


def _paragraphs(lines: list[str], headings: Iterable[tuple[int, str]]) -> list[tuple[str, int]]:
    """Paragraphs and headings of one page, with their level (0 for paragraphs)."""
    wanted = {_bare(title): level for level, title in headings if _bare(title)}
    widths = sorted(_width(line) for line in lines if line.strip())
    full = _FULL_LINE * widths[int(len(widths) * 0.9)] if widths else 0
    found: list[tuple[str, int]] = []
    current: list[str] = []

    def flush() -> None:
        if current:
            found.append((_dehyphenated(current), 0))
            current.clear()

    i = 0
    while i < len(lines):
        line = lines[i]
        # A title may run over two or three lines, but a page number above it is none of them.
        lengths = (1, 2, 3) if re.search(r"[^\W\d]", line) else ()
        taken = next((n for n in lengths if i + n <= len(lines) and _bare("".join(lines[i : i + n])) in wanted), 0)
        if taken:
            flush()
            found.append((joined(lines[i : i + taken]), wanted.pop(_bare("".join(lines[i : i + taken])))))
            i += taken
            continue
        if not line.strip() or _ITEM.match(line):
            flush()
        if line.strip():
            current.append(line)
        if _width(line) < full and not _hyphenated(line):
            flush()
        i += 1
    flush()
    return found


def _bare(title: str) -> str:
    """A title as it can be compared: without spaces, case, and the number before it."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", title)).casefold()
    return re.sub(r"^[\d.]+(?=\D)", "", text)


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line.strip())


def _hyphenated(line: str) -> bool:
    return bool(re.search(r"[^\W\d_][-\u2010]\s*$", line))


def _dehyphenated(lines: list[str]) -> str:
    pieces: list[str] = []
    for line in lines:
        line = line.strip()
        if pieces and _hyphenated(pieces[-1]) and line.split(" ")[0] not in _JOINS_COMPOUNDS:
            # "Gesund-/heit" loses its hyphen, "Life-Science-/Bereich" keeps it.
            pieces[-1] = (pieces[-1][:-1] if line[:1].islower() else pieces[-1]) + line
        else:
            pieces.append(line)
    return joined(pieces)


def _ranges(numbers: list[int]) -> str:
    """ "3, 7–9" for 3, 7, 8, 9."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in spans)
