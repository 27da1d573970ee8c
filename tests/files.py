"""Makes real files of every format that is read, whole and broken ones. It knows nothing of the readers.

Each function writes one file and returns its path. The texts are the tests' own.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

TEXTS = {
    "zh": "北京生命科学论坛于今日开幕，来自世界各地的专家出席会议，讨论新药的研发与合作。",
    "ja": "昌平ライフサイエンスフォーラムが開幕しました。専門家が医薬品の研究について議論します。",
    "ko": "바이오 포럼이 서울에서 열렸다. 여러 나라의 전문가들이 신약 개발을 논의했다.",
    "de": "Die Gesundheitskonferenz in München begann früh – „größer“ als zuvor, sagten die Gäste.",
    "ar": "افتتح منتدى علوم الحياة في الرياض بمشاركة خبراء من أنحاء العالم لمناقشة الأدوية الجديدة.",
    "ru": "Форум по наукам о жизни открылся в Москве. Эксперты обсудили новые лекарства.",
}
TITLES = {
    "zh": "生命科学论坛",
    "ja": "医薬フォーラム",
    "ko": "바이오 포럼",
    "de": "Übersicht der Foren",
    "ar": "منتدى الصحة",
    "ru": "Форум",
}
# Fonts that every PDF viewer brings along, so nothing is embedded.
CID_FONTS = {"zh": "STSong-Light", "ja": "HeiseiMin-W3", "ko": "HYSMyeongJo-Medium"}


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def pdf(
    path: Path,
    pages: Sequence[Sequence[str]],
    *,
    font: str = "Helvetica",
    title: str = "",
    language: str = "",
    bookmarks: Sequence[tuple[str, int, int]] = (),
    password: str | None = None,
    owner: str | None = None,
    width: int = 0,
) -> Path:
    """One line of text per string; an empty page has none. `bookmarks` are (title, page from 1, level from 0)."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    if font in CID_FONTS.values():
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    encrypt = None
    if password is not None:
        encrypt = StandardEncryption(password, ownerPassword=owner or password, strength=128)
    canvas = Canvas(str(path), encrypt=encrypt, invariant=1, lang=language or None)
    if title:
        canvas.setTitle(title)
    for number, lines in enumerate(pages, start=1):
        for name, page, level in bookmarks:
            if page == number:
                canvas.bookmarkPage(name)
                canvas.addOutlineEntry(name, name, level)
        canvas.setFont(font, 11)
        for i, line in enumerate(lines):
            canvas.drawString(60, 780 - 16 * i, line)
        canvas.showPage()
    canvas.save()
    return path


def pdf_bomb(path: Path, megabytes: int = 400) -> Path:
    """A few hundred KB that unpack to `megabytes` of page content."""
    import zlib

    squeeze = zlib.compressobj(9)
    stream = b"".join(squeeze.compress(b"q Q " * 262_144) for _ in range(megabytes)) + squeeze.flush()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)
    path.write_bytes(out.getvalue())
    return path


def docx(
    path: Path,
    parts: Sequence[tuple[str, str] | list[list[str]]],
    *,
    title: str = "",
    language: str = "",
    created: Any = None,
) -> Path:
    """Parts are (style, text) or the rows of a table; style "" is the default one."""
    import docx as library

    document = library.Document()
    for part in parts:
        if isinstance(part, list):
            table = document.add_table(rows=len(part), cols=len(part[0]))
            for row, cells in zip(table.rows, part, strict=True):
                for cell, value in zip(row.cells, cells, strict=True):
                    cell.text = value
        else:
            document.add_paragraph(part[1], style=part[0] or None)
    core = document.core_properties
    core.title, core.language = title, language
    if created:
        core.created = created
    document.save(str(path))
    return path


def pptx(path: Path, slides: Sequence[dict[str, Any]]) -> Path:
    """Slides with `title`, `body`, `table` (rows) and `notes`, each optional."""
    from pptx import Presentation
    from pptx.util import Cm

    presentation = Presentation()
    for content in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = content.get("title", "")
        slide.placeholders[1].text = content.get("body", "")
        if rows := content.get("table"):
            frame = slide.shapes.add_table(len(rows), len(rows[0]), Cm(2), Cm(8), Cm(16), Cm(4))
            for row, cells in zip(frame.table.rows, rows, strict=True):
                for cell, value in zip(row.cells, cells, strict=True):
                    cell.text = value
        if "notes" in content:
            slide.notes_slide.notes_text_frame.text = content["notes"]
    presentation.save(str(path))
    return path


def xlsx(path: Path, sheets: dict[str, Sequence[Sequence[Any]]]) -> Path:
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    workbook.save(str(path))
    return path


def eml(
    path: Path,
    *,
    subject: str,
    sender: str,
    date: str,
    plain: str = "",
    html: str = "",
    attachment: tuple[str, bytes] | None = None,
) -> Path:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"], message["Date"] = subject, sender, "desk@example.org", date
    if plain:
        message.set_content(plain)
        if html:
            message.add_alternative(html, subtype="html")
    else:
        message.set_content(html, subtype="html")
    if attachment:
        message.add_attachment(attachment[1], maintype="application", subtype="octet-stream", filename=attachment[0])
    path.write_bytes(bytes(message))
    return path


def zip_bomb(path: Path, part: str, megabytes: int) -> Path:
    """An Office file by its part names, whose part unpacks to `megabytes` of nothing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open(part, "w") as member:
            for _ in range(megabytes):
                member.write(b" " * 1024 * 1024)
    return path


def encrypted_office(path: Path) -> Path:
    """The old compound container, with the name of the stream that holds an encrypted file."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16x") + b"\x00" * 1000
    path.write_bytes(head + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 1000)
    return path


def old_office(path: Path) -> Path:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 2000)
    return path
