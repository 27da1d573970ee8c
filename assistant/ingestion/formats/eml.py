"""Reads mail (.eml): the newest message's own words, its subject, date and sender.

It knows the message; attachments are named in a warning, quoted history is left out.
"""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from assistant.ingestion.formats import html, plain
from assistant.ingestion.reading import Block, Limits, Reading

# Outlook's line above the mail answered has five hyphens in every language; a forwarded one has more.
_HISTORY = re.compile(r"^\s*-{5}\s*[^\W\d_][^-\n]{2,40}?\s*-{5}\s*$", re.MULTILINE)
_QUOTED = re.compile(r"(?:^[^>\n]{3,200}[:：][ \t]*\n\s*)?(?:^>.*(?:\n|\Z))+", re.MULTILINE)


def read(path: Path, limits: Limits) -> Reading:
    message = message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(preferencelist=("plain", "html"))
    blocks: list[Block] = []
    metadata = _metadata(message)
    if body is not None:
        data, charset = cast(bytes, body.get_payload(decode=True) or b""), str(body.get_content_charset() or "")
        if body.get_content_subtype() == "html":
            reading = html.reading_of(data, charset)
            blocks = list(reading.blocks)
            metadata = {**{k: v for k, v in reading.metadata.items() if k == "language"}, **metadata}
        else:
            text = plain.decode(data, charset).replace("\r\n", "\n")
            text = _QUOTED.sub("\n", _HISTORY.split(text)[0])
            blocks = [Block(paragraph) for paragraph in re.split(r"\n\s*\n", text)]
    names = [part.get_filename() or part.get_content_type() for part in message.walk() if part.is_attachment()]
    warnings = [f"attachments not read: {', '.join(names)}"] if names else []
    return Reading(blocks, metadata, warnings)


def _metadata(message: EmailMessage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, key in (("Subject", "title"), ("Date", "date"), ("From", "publisher")):
        try:
            header = message[name]
            if header is None:
                continue
            if name == "From":
                sender = header.addresses[0]
                found[key] = sender.display_name or sender.domain
            else:
                found[key] = str(header)
        except (ValueError, IndexError, AttributeError, TypeError):  # headers are free text, whatever the standards say
            continue
    return found
