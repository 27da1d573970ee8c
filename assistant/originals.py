"""Makes the starter corpus's PDF, DOCX, PPTX, HTML and mail files from the Markdown in corpus/originals.

    python -m assistant.originals

`originals/<folder>/<name>.<language>.<format>.md` becomes `<folder>/<name>.<language>.<format>` and its front matter the file's
sidecar. It knows what the formats look like; nothing of how they are read.
"""

from __future__ import annotations

from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import Any

import yaml

from assistant.generated import front_matter
from assistant.ingestion.formats.markdown import blocks_of
from assistant.ingestion.reading import Block

ORIGINALS = Path(__file__).resolve().parent.parent / "corpus" / "originals"
# Adobe's character collections, which every PDF reader brings along: nothing is embedded.
_FONTS = {"zh": "STSong-Light", "ja": "HeiseiKakuGo-W5", "ko": "HYSMyeongJo-Medium"}


def targets() -> list[tuple[Path, Path]]:
    """(original, what is made of it)."""
    return [(path, ORIGINALS.parent / path.relative_to(ORIGINALS).with_suffix("")) for path in sorted(ORIGINALS.rglob("*.md"))]


def render(original: Path, target: Path) -> None:
    """Write the file and its sidecar."""
    metadata = front_matter(original)
    metadata.pop("index", None)
    blocks = blocks_of(original.read_text("utf-8").split("---\n", 2)[2])
    {".pdf": _pdf, ".docx": _docx, ".pptx": _pptx, ".html": _html, ".eml": _mail}[target.suffix](blocks, metadata, target)
    sidecar = target.with_name(f"{target.name}.meta.yaml")
    sidecar.write_text(yaml.safe_dump(metadata, allow_unicode=True, sort_keys=False, width=120), "utf-8")


def _rows(block: Block) -> list[list[str]]:
    """The cells of a table; empty for other text."""
    lines = block.text.splitlines()
    return [line.split(" | ") for line in lines] if len(lines) > 1 and all(" | " in line for line in lines) else []


def _pdf(blocks: list[Block], metadata: dict[str, Any], target: Path) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    name = _FONTS.get(metadata["language"], "Helvetica")
    if name in _FONTS.values():
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    wrap = "CJK" if metadata["language"] in ("zh", "ja") else None

    class Outlined(SimpleDocTemplate):  # type: ignore[misc]
        def afterFlowable(self, flowable: Any) -> None:
            if (level := getattr(flowable, "level", 0)) > 0:
                key = f"h{self.headings}"
                self.headings += 1
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(flowable.getPlainText(), key, level - 1, closed=False)

    document = Outlined(str(target), pagesize=A4, title=metadata["title"], author=metadata.get("publisher", ""), invariant=1)
    document.headings = 0
    parts: list[Any] = []
    for block in blocks:
        size = {1: 18, 2: 14}.get(block.level, 12) if block.level else 10.5
        style = ParagraphStyle("p", fontName=name, fontSize=size, leading=size * 1.45, wordWrap=wrap)
        for line in [block.text] if block.level else block.text.splitlines():
            paragraph = Paragraph(escape(line, quote=False), style)
            paragraph.level = block.level
            parts.append(paragraph)
        parts.append(Spacer(1, 7))
    document.build(parts)


def _docx(blocks: list[Block], metadata: dict[str, Any], target: Path) -> None:
    from docx import Document

    document = Document()
    document.core_properties.title, document.core_properties.language = metadata["title"], metadata["language"]
    document.core_properties.author = metadata.get("publisher", "")
    for block in blocks:
        if block.level:
            document.add_heading(block.text, min(block.level, 9))
        elif rows := _rows(block):
            table = document.add_table(len(rows), max(map(len, rows)), style="Table Grid")
            for row, cells in zip(rows, table.rows, strict=True):
                for text, cell in zip(row, cells.cells, strict=False):
                    cell.text = text
        else:
            for line in block.text.splitlines():
                document.add_paragraph(line.removeprefix("- "), style="List Bullet" if line.startswith("- ") else None)
    document.save(str(target))


def _pptx(blocks: list[Block], metadata: dict[str, Any], target: Path) -> None:
    from pptx import Presentation
    from pptx.util import Cm, Pt

    show = Presentation()
    show.core_properties.title, show.core_properties.language = metadata["title"], metadata["language"]
    slide: Any = None
    frame: Any = None
    for block in blocks:
        if block.level or slide is None:
            slide = show.slides.add_slide(show.slide_layouts[5])
            slide.shapes.title.text = block.text if block.level else metadata["title"]
            frame = None
            if block.level:
                continue
        if rows := _rows(block):
            table = slide.shapes.add_table(len(rows), max(map(len, rows)), Cm(1), Cm(11), Cm(23), Cm(1)).table
            for row, cells in zip(rows, table.rows, strict=True):
                for text, cell in zip(row, cells.cells, strict=False):
                    cell.text = text
            continue
        for line in block.text.splitlines():
            if frame is None:
                frame = slide.shapes.add_textbox(Cm(1), Cm(4), Cm(23), Cm(6)).text_frame
                frame.word_wrap = True
                paragraph = frame.paragraphs[0]
            else:
                paragraph = frame.add_paragraph()
            paragraph.text = line
            paragraph.font.size = Pt(14)
    show.save(str(target))


def _html(blocks: list[Block], metadata: dict[str, Any], target: Path) -> None:
    target.write_text(_page(blocks, metadata), "utf-8")


def _page(blocks: list[Block], metadata: dict[str, Any]) -> str:
    parts = []
    for block in blocks:
        if block.level:
            parts.append(f"<h{block.level}>{escape(block.text)}</h{block.level}>")
        elif rows := _rows(block):
            cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
            parts.append("<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "\n</table>")
        else:
            lines = block.text.splitlines()
            if all(line.startswith("- ") for line in lines):
                parts.append("<ul>\n" + "\n".join(f"<li>{escape(line[2:])}</li>" for line in lines) + "\n</ul>")
            else:
                parts.append("<p>" + "<br>\n".join(map(escape, lines)) + "</p>")
    head = f'<meta charset="utf-8">\n<title>{escape(metadata["title"])}</title>'
    body = "\n".join(parts)
    return f'<!DOCTYPE html>\n<html lang="{metadata["language"]}">\n<head>\n{head}\n</head>\n<body>\n<article>\n{body}\n</article>\n</body>\n</html>\n'


def _mail(blocks: list[Block], metadata: dict[str, Any], target: Path) -> None:
    message = EmailMessage()
    message["Subject"] = metadata["title"]
    message["From"] = "newsletter@example.org"
    message["To"] = "readers@example.org"
    message["Content-Language"] = metadata["language"]
    message.set_content("\n\n".join(block.text for block in blocks) + "\n", cte="base64")
    target.write_bytes(message.as_bytes())


def main() -> None:
    for original, target in targets():
        target.parent.mkdir(exist_ok=True)
        render(original, target)


if __name__ == "__main__":
    main()
