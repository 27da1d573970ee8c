"""Which function reads which suffix. A format is one small module; its parser is imported when first needed.

A reader takes `(path, limits)` and returns an `assistant.ingestion.reading.Reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

_HERE = "assistant.ingestion.formats"

FORMATS: dict[str, str] = {
    ".md": f"{_HERE}.markdown:read",
    ".markdown": f"{_HERE}.markdown:read",
    ".txt": f"{_HERE}.plain:read",
    ".text": f"{_HERE}.plain:read",
    ".html": f"{_HERE}.html:read",
    ".htm": f"{_HERE}.html:read",
    ".xhtml": f"{_HERE}.html:read",
    ".pdf": f"{_HERE}.pdf:read",
    ".docx": f"{_HERE}.docx:read",
    ".pptx": f"{_HERE}.pptx:read",
    ".xlsx": f"{_HERE}.xlsx:read",
    ".xlsm": f"{_HERE}.xlsx:read",
    ".csv": f"{_HERE}.csv_:read",
    ".tsv": f"{_HERE}.csv_:read",
    ".eml": f"{_HERE}.eml:read",
}
BUILT_IN = dict(FORMATS)


def register(suffix: str, function: str | Callable[..., Any]) -> None:
    """Reads files ending in `suffix` with `function`: "module:function", or a function that has such a name.

    Worker processes find the function by that name, so a lambda or one typed into a notebook won't do.
    """
    name = function if isinstance(function, str) else f"{function.__module__}:{function.__qualname__}"
    module, _, attribute = name.partition(":")
    if not module or not attribute.isidentifier() or module == "__main__":
        raise ValueError(f"{name!r} is not the name of an importable function (module:function)")
    FORMATS[f".{suffix.lower().lstrip('.')}"] = name


def resolve(name: str) -> Callable[..., Any]:
    """The function called "module:function"."""
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), attribute)
    return function
