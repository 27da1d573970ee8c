"""Forum Assistant: answers from documents in many languages, every statement backed by a verified quote.

Importing this package loads nothing but the standard library; `Assistant` and `Settings` are resolved
when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Answer", "Assistant", "Chunk", "Citation", "Document", "Filters", "Message", "ScoredChunk", "Settings"]

if TYPE_CHECKING:
    from assistant.pipeline import Assistant
    from assistant.schema import Answer, Chunk, Citation, Document, Filters, Message, ScoredChunk
    from assistant.settings import Settings

_HOMES = {"Assistant": "assistant.pipeline", "Settings": "assistant.settings"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "assistant.schema")), name)
