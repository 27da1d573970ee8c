"""The one door to a file's text: picks the reader, and turns what it gives into a RawDocument.

It knows suffixes, signatures and limits; parsing is the formats' business, and running a parser within time
and memory is the workers'. Called directly it has only the limits that it can check beforehand.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion import formats, headers
from assistant.ingestion.cleaning import clean
from assistant.schema import Page, Section

_MB = 1024 * 1024
_OFFICE = {".docx": "word/", ".pptx": "ppt/", ".xlsx": "xl/", ".xlsm": "xl/"}
_TITLE_BLOCKS = 5
_NAMES = {".htm": "HTML", ".xhtml": "HTML", ".md": "Markdown", ".markdown": "Markdown", ".txt": "text", ".eml": "mail"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: MiB on disk, unpacked and in memory, seconds, pages, code points of text."""

    file_mb: int = 100
    expanded_mb: int = 200
    memory_mb: int = 512
    seconds: float = 30.0
    pages: int = 5000
    text_chars: int = 20_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """One run of text in reading order. `level` 1 to 6 is a heading's, 0 body text; pages count from 1."""

    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a format's reader gives: blocks, metadata as found, warnings."""

    blocks: Sequence[Block]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as read, before it has an id.

    `sections` don't overlap: each begins with its heading and ends where the next heading begins; text before
    the first heading is in none. `held` is the opening line that holds the document back, empty when none does.
    """

    text: str
    sections: tuple[Section, ...]
    pages: tuple[Page, ...]
    metadata: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    held: str = ""


def read_file(path: Path, limits: Limits) -> RawDocument:
    """The text of a file and what is known about it. Raises ReadError, and nothing else."""
    suffix = path.suffix.lower()
    name = _NAMES.get(suffix, suffix.lstrip(".").upper())
    try:
        _check_size(path.stat().st_size, limits)
        suffix = _reader_suffix(path, suffix)
        name = _NAMES.get(suffix, suffix.lstrip(".").upper())
        sidecar = _sidecar(path)
        reading: Reading = formats.resolve(formats.FORMATS[suffix])(path, limits)
        if sum(len(block.text) for block in reading.blocks) > limits.text_chars:
            raise ReadError(f"more than {limits.text_chars:,} characters of text", reason="too-large", fix="split it")
        metadata = headers.normalised(reading.metadata)
        if "date" in sidecar:
            metadata.pop("date_from", None)
        document = assemble(reading.blocks, {**metadata, **sidecar}, reading.warnings)
    except ReadError:
        raise
    except MemoryError as error:
        what = f"too large: reading it takes more than {limits.memory_mb} MB of memory"
        raise ReadError(what, reason="memory", fix="split it, or raise the limit") from error
    except OSError as error:
        fix = "check that it is there and may be read"
        raise ReadError(f"cannot be opened: {error.strerror or error}", reason="unreadable", fix=fix) from error
    except Exception as error:  # parsers raise whatever they like, RecursionError included
        fix = "open it in its program and save it anew"
        raise ReadError(f"cannot be read as {name}: {type(error).__name__}", reason="broken", fix=fix) from error
    if not document.text:
        raise ReadError("there is no text in it", reason="empty", fix="remove it, or put text into it")
    return document


def assemble(blocks: Iterable[Block], metadata: Mapping[str, Any], warnings: Iterable[str]) -> RawDocument:
    """Cleaned blocks joined by an empty line, the offsets of sections and pages, metadata normalised and completed.

    A document without a title takes its first heading, if that is of level 1 and stands near the beginning.
    """
    parts: list[str] = []
    heads: list[tuple[int, tuple[str, ...]]] = []
    pages: list[Page] = []
    path: list[tuple[int, str]] = []
    title, length = "", 0
    for block in blocks:
        text = clean(block.text)
        if block.level:
            text = " ".join(text.split())
        if not text:
            continue
        start = length + 2 if parts else 0
        parts.append(text)
        length = start + len(text)
        if block.level:
            if not heads and block.level == 1 and len(parts) <= _TITLE_BLOCKS:
                title = text
            path = [*(entry for entry in path if entry[0] < block.level), (block.level, text)]
            heads.append((start, tuple(heading for _, heading in path)))
        if block.page is not None:
            if pages and pages[-1].number == block.page:
                start = pages.pop().start
            pages.append(Page(block.page, start, length))
    joined = "\n\n".join(parts)
    ends = [start for start, _ in heads[1:]] + [length]
    sections = tuple(Section(path_, start, end) for (start, path_), end in zip(heads, ends, strict=False))
    if title and not metadata.get("title"):
        metadata = {**metadata, "title": title}
    data, held = headers.completed(joined, metadata)
    return RawDocument(joined, sections, tuple(pages), data, tuple(warnings), held)


def sidecar_of(path: Path) -> Path | None:
    """The file beside `path` whose keys override the document's own: `report.pdf.meta.yaml` or `report.meta.yaml`."""
    for name in (f"{path.name}.meta.yaml", f"{path.stem}.meta.yaml"):
        beside = path.with_name(name)
        if beside.is_file() and not beside.is_symlink():
            return beside
    return None


def _sidecar(path: Path) -> dict[str, Any]:
    beside = sidecar_of(path)
    if beside is None:
        return {}
    try:
        with beside.open("rb") as file:
            text = file.read(headers.FRONT_MATTER_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"{beside.name} is not UTF-8", reason="sidecar", fix="save it as UTF-8") from error
    data = headers.load_yaml(text, what=f"sidecar {beside.name}", reason="sidecar")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ReadError(f"the sidecar {beside.name} holds no keys", reason="sidecar", fix="write key: value lines")
    return data


def _check_size(size: int, limits: Limits) -> None:
    if not size:
        raise ReadError("the file is empty", reason="empty", fix="remove it, or put text into it")
    if size > limits.file_mb * _MB:
        raise ReadError(f"{size // _MB} MB are more than {limits.file_mb} MB", reason="too-large", fix="split it")


# --- which reader --------------------------------------------------------------------------------------------------


def _reader_suffix(path: Path, suffix: str) -> str:
    """The suffix whose reader fits the content: the file's own unless its first bytes say otherwise."""
    if suffix not in formats.FORMATS:
        supported = ", ".join(sorted(formats.FORMATS))
        kind = f"{suffix} files" if suffix else "files without a suffix"
        raise ReadError(f"{kind} are not read", reason="unsupported", fix=f"save it as one of {supported}")
    if formats.FORMATS[suffix] != formats.BUILT_IN.get(suffix):
        return suffix
    with path.open("rb") as file:
        head = file.read(2048)
    found = _sniffed(path, head, suffix)
    same = formats.FORMATS.get(found) == formats.FORMATS[suffix]
    return suffix if not found or same or found not in formats.FORMATS else found


def _sniffed(path: Path, head: bytes, suffix: str) -> str:
    """The suffix that the content asks for; empty when it asks for none."""
    if head.startswith(b"%PDF-"):
        return ".pdf"
    if head.startswith(b"PK\x03\x04"):
        return _office(path) or ("" if suffix in _OFFICE else ".docx")
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _old_office(path)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) and suffix != ".eml":
        return ".html"
    if start.startswith(b"{\\rtf"):
        raise ReadError("this is RTF, whatever its suffix says", reason="unsupported", fix="save it as .docx")
    return ""


def _office(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        return ""
    for suffix, part in _OFFICE.items():
        if any(name.startswith(part) for name in names):
            return suffix
    return ""


def _old_office(path: Path) -> str:
    # Office wraps an encrypted .docx in the container of the old binary formats; names in it are UTF-16.
    with path.open("rb") as file:
        while piece := file.read(_MB):
            if "EncryptedPackage".encode("utf-16-le") in piece:
                raise ReadError("it is protected by a password", reason="encrypted", fix="save it without the password")
    raise ReadError("this is an old binary Office file", reason="unsupported", fix="save it as .docx, .pptx or .xlsx")


def unpacked(path: Path, limits: Limits) -> io.BytesIO:
    """An Office file's bytes, after checking that it unpacks to no more than `limits.expanded_mb`.

    The sizes an archive declares are those that zipfile will unpack at most, so they can be believed.
    """
    data = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(data) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > limits.expanded_mb * _MB:
        raise ReadError(f"it unpacks to more than {limits.expanded_mb} MB", reason="too-large", fix="split it")
    data.seek(0)
    return data
