"""Reads Markdown: front matter, headings, and text without its marks.

It knows CommonMark and tables; the tokens are markdown-it's.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.ingestion.cleaning import joined, row
from assistant.ingestion.formats.plain import decode
from assistant.ingestion.headers import front_matter
from assistant.ingestion.reading import Block, Limits, Reading

if TYPE_CHECKING:
    from markdown_it.token import Token

_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[!?][^<>]*>")


def read(path: Path, limits: Limits) -> Reading:
    metadata, body = front_matter(decode(path.read_bytes()))
    return Reading(blocks_of(body), metadata)


def blocks_of(text: str) -> list[Block]:
    from markdown_it import MarkdownIt

    return _Walk().blocks_of(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text))


class _Walk:
    """One pass over the tokens. A list, with all that is nested in it, becomes one block of lines."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.level = 0
        self.lists = 0
        self.lines: list[str] = []
        self.mark = ""
        self.cells: list[str] | None = None

    def blocks_of(self, tokens: list[Token]) -> list[Block]:
        for token in tokens:
            kind = token.type
            if kind == "heading_open":
                self._flush()
                self.level = int(token.tag[1])
            elif kind == "heading_close":
                self.level = 0
            elif kind in ("bullet_list_open", "ordered_list_open"):
                self.lists += 1
            elif kind in ("bullet_list_close", "ordered_list_close"):
                self.lists -= 1
                self._flush() if not self.lists else None
            elif kind == "list_item_open":
                self.mark = f"{token.info}{token.markup} " if token.info else "- "
            elif kind == "table_close":
                self._flush() if not self.lists else None
            elif kind == "tr_open":
                self.cells = []
            elif kind == "tr_close":
                self.lines.append(row(self.cells or []))
                self.cells = None
            elif kind == "inline":
                self._add(_inline(token.children or []))
            elif kind in ("fence", "code_block"):
                self._add(token.content)
            elif kind == "html_block":
                self._add(_untagged(token.content))
        self._flush()
        return self.blocks

    def _add(self, text: str) -> None:
        if self.cells is not None:
            self.cells.append(text)
        elif self.lists and not self.level:
            self.lines.append(f"{self.mark}{text.strip()}")
            self.mark = ""
        else:
            self.blocks.append(Block(text, level=self.level))

    def _flush(self) -> None:
        if self.lines:
            self.blocks.append(Block("\n".join(self.lines)))
            self.lines = []


def _inline(children: list[Token]) -> str:
    """Text without its marks; a soft break is a space, or nothing between characters written without spaces."""
    lines = [[""]]
    for child in children:
        if child.type == "softbreak":
            lines[-1].append("")
        elif child.type == "hardbreak" or (child.type == "html_inline" and _BREAK.fullmatch(child.content)):
            lines.append([""])
        elif child.type == "image":
            lines[-1][-1] += _inline(child.children or [])
        elif child.type in ("text", "code_inline"):
            lines[-1][-1] += child.content
    return "\n".join(joined(line) for line in lines)


def _untagged(source: str) -> str:
    text = _TAG.sub("", _BREAK.sub("\n", _UNSEEN.sub("", source)))
    return "\n".join(line.strip() for line in html.unescape(text).splitlines())
