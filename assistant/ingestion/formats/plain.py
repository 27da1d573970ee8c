"""Reads plain text, and finds out the character set of any bytes that don't name it.

It knows bytes and lines; a heading in plain text is a guess from its length and what follows it.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from pathlib import Path

from assistant.errors import ReadError
from assistant.ingestion.cleaning import clean
from assistant.ingestion.reading import Block, Limits, Reading

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
# What is declared as the narrower set is usually written in the wider one.
_WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
    "iso8859-1": "cp1252", "ascii": "cp1252",
}  # fmt: skip
_GUESSES = [
    "gb18030", "cp932", "euc_jp", "cp949", "big5", "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253",
    "cp1256",
]  # fmt: skip
_GUESS_FROM = 64 * 1024
_WESTERN = re.compile("[\x00-\x7f\xa0-\xffŒœŠšŽžŸ€‚ƒ„…†‡ˆ‰‹›‘’“”•–—˜™]*")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # not ESC, which ISO-2022-JP is full of
_HEADING_CHARS = 80
_UNWRAPPED = 200
_NO_HEADING = tuple(".!?。！？．…,，、،;；؛:：؟|।")


def read(path: Path, limits: Limits) -> Reading:
    return Reading(blocks_of(decode(path.read_bytes())))


def blocks_of(text: str) -> list[Block]:
    """Paragraphs, and the short lines among them that look like headings; the first of those gets level 1."""
    paragraphs: list[str] = []
    for paragraph in re.split(r"\n[ \u3000]*\n", clean(text)):
        lines = paragraph.split("\n")
        # Text that isn't wrapped has one paragraph per line, whether or not empty lines stand between them.
        paragraphs += lines if max(map(len, lines)) > _UNWRAPPED else [paragraph]
    longest_after = 0
    longer = []
    for paragraph in reversed(paragraphs):
        longer.append(longest_after > len(paragraph))
        longest_after = max(longest_after, len(paragraph))
    blocks = []
    for i, paragraph in enumerate(paragraphs):
        # A title may be parted from the text by date and author lines; other headings stand right above theirs.
        followed = longer[-1 - i] if not i else len(paragraph) < len("".join(paragraphs[i + 1 : i + 2]))
        blocks.append(Block(paragraph, level=(2 if i else 1) if followed and _may_be_heading(paragraph) else 0))
    if blocks and not any(block.level == 1 for block in blocks):
        first = next((i for i, block in enumerate(blocks) if block.level), None)
        if first is not None:
            blocks[first] = Block(blocks[first].text, level=1)
    return blocks


def _may_be_heading(line: str) -> bool:
    if "\n" in line or len(line) > _HEADING_CHARS or line.endswith(_NO_HEADING):
        return False
    return bool(re.match(r"[\w\"'“„«»「『《(（【¿¡]", line)) and sum(map(str.isalpha, line)) > len(line) / 3


def decode(data: bytes, declared: str = "") -> str:
    """The text of bytes: by their mark, as declared, as UTF-8, or by a guess that knows East Asian sets.

    Raises ReadError for bytes that aren't text.
    """
    text = _decoded(data, declared)
    if len(_CONTROLS.findall(text)) > len(text) / 100:
        raise ReadError("it is not text, whatever its suffix says", reason="broken", fix="give it its proper suffix")
    return text


def _decoded(data: bytes, declared: str) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    if b"\x1b$" in data[:_GUESS_FROM]:  # seven bits only, so it would pass as UTF-8
        with suppress(UnicodeDecodeError):
            return data.decode("iso2022_jp")
    for name in (_declared(declared), "utf-8"):
        with suppress(UnicodeDecodeError):
            return data.decode(name)
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken * 50 < sum(character > "\x7f" for character in text):
        return text  # UTF-8 with a few broken bytes; anything else has hardly a valid sequence
    return _guessed(data)


def _declared(name: str) -> str:
    """The codec to read a declared set with; UTF-8 for one that Python lacks or that isn't of text ("hex")."""
    try:
        codec = codecs.lookup(name.strip().strip("\"'"))
        b"".decode(codec.name)
    except (LookupError, ValueError):
        return "utf-8"
    return _WIDER.get(codec.name, codec.name)


def _guessed(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_GUESS_FROM], cp_isolation=_GUESSES, steps=10).best()
    name = best.encoding if best else "cp1252"
    if name in ("cp1250", "cp1253"):
        western = data.decode("cp1252", "replace")
        name = "cp1252" if _WESTERN.fullmatch(western) else name
    text = data.decode(name, "replace")
    if name.startswith("cp125"):
        import ftfy

        text = ftfy.fix_encoding(text)
    return text
