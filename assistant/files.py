"""Writing a file whole or not at all. It knows nothing of what the file holds."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` in place of what the file held: whoever reads it, after a kill too, sees the one or the other. Raises OSError."""
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
