"""Prompts: a file per task, filled with values that cannot break out of their place.

It knows the files' form and how passages are framed; nothing of models.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from assistant.errors import SettingsError
from assistant.schema import ScoredChunk

# In a checkout they lie beside the package, in an installed package within it.
_INSTALLED = Path(__file__).parents[1] / "prompts"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "prompts"
TASKS = ("answer", "rewrite")
_VARIABLE = re.compile(r"\{(\w+)\}")
# What frames a passage, and what chat templates take for their own marks, is made of these.
_FRAME = str.maketrans({"<": "‹", ">": "›", "\0": " "})


@dataclass(frozen=True, slots=True)
class Prompt:
    """A task's two texts with their variables in braces; `digest` tells versions apart."""

    task: str
    variables: tuple[str, ...]
    system: str
    user: str
    digest: str

    def fill(self, **values: str) -> tuple[str, str]:
        """System and user text. What a value holds is never read for variables again. Raises KeyError for one that lacks."""
        return _filled(self.system, values), _filled(self.user, values)


def _filled(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values[match[1]], text)


@cache
def prompt(task: str, folder: Path | None = None) -> Prompt:
    """The prompt of a task: the folder's, or the package's where it has none.

    Raises SettingsError when its file cannot be read or its variables are not the ones it names.
    """
    own = folder / f"{task}.md" if folder is not None else None
    path = own if own is not None and own.is_file() else FOLDER / f"{task}.md"
    try:
        text = path.read_text("utf-8")
        _, front, body = text.split("---\n", 2)
        head = yaml.safe_load(front)
        _, system, user = re.split(r"^# (?:system|user)\n", body, flags=re.MULTILINE)
        named = tuple(map(str, head["variables"]))
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise SettingsError(f"the prompt {path} cannot be used ({type(error).__name__})", fix="it needs front matter with task and variables, and the parts # system and # user") from error
    used = set(_VARIABLE.findall(system + user))
    if used != set(named):
        raise SettingsError(f"the prompt {path} names the variables {', '.join(sorted(named))} and uses {', '.join(sorted(used))}", fix="make both the same")
    return Prompt(str(head["task"]), named, system.strip(), user.strip(), hashlib.blake2b(text.encode(), digest_size=8).hexdigest())


def framed(text: str) -> str:
    """Text without the characters that a frame is made of."""
    return text.translate(_FRAME)


def passages_text(passages: Sequence[ScoredChunk]) -> str:
    """The passages, numbered from one, each in a frame that its text cannot close."""
    parts = []
    for number, passage in enumerate(passages, 1):
        chunk = passage.chunk
        facts = "; ".join(part for part in (chunk.title, chunk.heading, f"language {chunk.language}", f"published {chunk.date}" if chunk.date else "without a date") if part)
        parts.append(f'<passage number="{number}">\n[{framed(facts)}]\n{framed(chunk.text)}\n</passage>')
    return "\n".join(parts)
