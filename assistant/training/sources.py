"""The training data's files: what each is, under which licence, and how its lines are read.

It knows files and lines; nothing of tokens. Only files with an entry in `sources.toml` are read.
"""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import SourceError

LANGUAGES = ("en", "de", "ja", "zh", "fr", "es", "ko", "ru", "pt", "it", "ar")
GROUPS = ("titles", "sentences", "documents", "sections", "questions")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of training data, its origin and licence. `held` ones only measure."""

    file: str
    origin: str
    licence: str
    group: str
    held: bool = False
    unconfirmed: str = ""

    @property
    def name(self) -> str:
        return self.file.rsplit(".", 1)[0]

    @property
    def kind(self) -> str:
        """`pairs`, `hs` or `qa`: the form of its lines."""
        return self.file.rsplit(".", 1)[1]

    def path(self, data: Path) -> Path:
        return data / "pairs" / f"{self.file}.jsonl.zst"


def registered() -> list[Source]:
    """Every source with an entry, in its order."""
    table = tomllib.loads((Path(__file__).parent / "sources.toml").read_text("utf-8"))
    return [Source(**entry) for entry in table["sources"]]


def available(data: Path, exclude: Sequence[str] = ()) -> list[Source]:
    """The registered sources that lie in `data`, without those excluded by name. Raises SourceError."""
    sources = registered()
    unknown = set(exclude) - {source.name for source in sources} - {source.file for source in sources}
    if unknown:
        raise SourceError(f"no source is called {', '.join(sorted(unknown))}", fix="names are those in assistant/training/sources.toml")
    found = [s for s in sources if s.path(data).is_file() and not {s.name, s.file} & set(exclude)]
    if not any(not source.held for source in found):
        raise SourceError(f"no registered training file lies in {data}", fix="name the folder that holds pairs/*.jsonl.zst")
    return found


def lines(path: Path) -> Iterator[Any]:
    """The JSON value of each line of a zstd-compressed file."""
    import zstandard

    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)


def sides(source: Source, data: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """(query side, passage side) of each line, by language; parallel lines have the same texts on both sides."""
    for line in lines(source.path(data)):
        if source.kind == "hs":
            yield line["h"], line["b"]
        elif source.kind == "qa":
            yield {line["l"]: line["q"]}, {line["l"]: line["p"]}
        else:
            yield line, line
