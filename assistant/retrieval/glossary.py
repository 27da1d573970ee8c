"""The glossary: a file of names that belong together, beside those in documents' front matter. Read, and added to by a person.

    [[names]]
    spellings = ["Future Science City", "未来科学城"]
    seen_in = "default/corpus/park.md"

    [[ignored]]
    spellings = ["AI", "人工知能"]

It knows the file; nothing of documents or of search.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from assistant.errors import SettingsError
from assistant.files import write_whole
from assistant.language.lexical import fold

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glossary:
    """`groups` of spellings of one name each, and the groups that a person has turned down.

    `seen_in` says in which document a group was found, where it was suggested and not written by hand.
    """

    groups: tuple[Group, ...] = ()
    ignored: tuple[Group, ...] = ()
    seen_in: Mapping[Group, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Glossary:
        """A missing file is an empty glossary. Raises SettingsError, naming the entry that is wrong."""
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise SettingsError(f"the glossary {path} cannot be read ({error})", fix="mend that line, or move the file away") from error
        unknown = sorted(set(content) - {"names", "ignored"})
        if unknown:
            raise SettingsError(f"the glossary {path} has an unknown table {unknown[0]}", fix="it holds [[names]] and [[ignored]] only")
        names, ignored = (tuple(_groups(path, kind, content.get(kind, []))) for kind in ("names", "ignored"))
        stated = {group: str(entry.get("seen_in", "")) for group, entry in zip(names, content.get("names", []), strict=False)}
        return cls(names, ignored, stated)

    def seen(self, documents: Container[str]) -> list[Group]:
        """The groups that were found in one of these documents."""
        return [group for group in self.groups if self.seen_in.get(group) in documents]

    def holds(self, group: Sequence[str]) -> bool:
        """True when the group, whatever its order and case, is accepted or ignored already."""
        return _folded(group) in {_folded(known) for known in (*self.groups, *self.ignored)}


def add(path: Path, kind: Literal["names", "ignored"], group: Sequence[str], *, seen_in: str = "", today: dt.date | None = None) -> bool:
    """Append a group to the file, whole or not at all; what it holds already stays as it was written.

    False when it has the group already. Raises SettingsError when the file or the group is no good.
    """
    if Glossary.read(path).holds(group):
        return False
    list(_groups(path, kind, [{"spellings": list(group)}]))
    lines = ["", f"[[{kind}]]", f"spellings = {json.dumps(list(group), ensure_ascii=False)}"]
    if seen_in:
        lines.append(f"seen_in = {json.dumps(seen_in, ensure_ascii=False)}")
    if today:
        lines.append(f"accepted = {today.isoformat()}")
    before = path.read_text("utf-8") if path.is_file() else ""
    text = before + ("" if not before or before.endswith("\n") else "\n") + "\n".join(lines) + "\n"
    # JSON's strings are TOML's, but for a character that TOML wants escaped.
    text = text.replace("\x7f", "\\u007f")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise SettingsError(f"the glossary {path} cannot be written ({error.strerror})", fix="check its folder's permissions and space") from error
    return True


def _groups(path: Path, kind: str, entries: Any) -> list[Group]:
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        spellings = entry.get("spellings") if isinstance(entry, dict) else None
        if not isinstance(spellings, list) or not all(isinstance(s, str) and s.strip() for s in spellings) or len(_folded(spellings)) < 2:
            raise SettingsError(
                f"entry {number} of [[{kind}]] in {path} does not hold two spellings", fix='write it as spellings = ["Changping", "昌平"]'
            )
        found.append(tuple(spellings))
    return found


def _folded(group: Sequence[str]) -> frozenset[str]:
    return frozenset(" ".join(fold(spelling).split()) for spelling in group)
