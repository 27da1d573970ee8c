"""Cleans text once, at reading, so that every offset afterwards counts the same characters.

It knows characters only: not formats, not languages, not documents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Bidi controls, the tags block and invisible characters can hide text from a reader that a model sees.
# ZWNJ and ZWJ (200C, 200D) stay: Persian, Hindi and emoji are spelt with them.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACES = re.compile("[ \t\xa0]+")
_LINE_ENDS = re.compile("(?<![ \u3000])[ \u3000]+$", re.MULTILINE)
_NEWLINES = re.compile("\n{3,}")
# Han, kana, bopomofo and full-width forms are written without spaces; Hangul is not.
_UNSPACED = re.compile("[\u2e80-\u312f\u31a0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def clean(text: str) -> str:
    """NFC without control, bidi and invisible characters, with single spaces and at most one empty line. Idempotent."""
    text = _DROPPED.sub("", _BREAKS.sub("\n", text))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    return _NEWLINES.sub("\n\n", _LINE_ENDS.sub("", text)).strip()


def unspaced(character: str) -> bool:
    """True for a character of a script that puts no spaces between words."""
    return bool(_UNSPACED.match(character))


def joined(lines: Iterable[str]) -> str:
    """Lines of one paragraph as one line: no space beside a script that has none."""
    text = ""
    for line in filter(None, (line.strip() for line in lines)):
        glued = not text or unspaced(text[-1]) or unspaced(line[0])
        text += line if glued else f" {line}"
    return text


def row(cells: Iterable[str]) -> str:
    """A table's row as one line, "a | b | c"; empty when all its cells are."""
    texts = [" ".join(cell.split()) for cell in cells]
    return " | ".join(texts).strip() if any(texts) else ""
