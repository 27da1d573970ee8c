"""An organisation's own project: settings, corpus, prompts, evaluation and what it takes to run it, laid out in a folder.

It copies files of the package and overwrites none.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from assistant.answering.prompting import FOLDER as PROMPTS
from assistant.errors import SettingsError

_LAYOUT = Path(__file__).parent / "project"
# Names that a package may not hold, or that tools would heed within it.
_NAMED = {"gitignore": ".gitignore"}


def lay_out(folder: Path) -> list[Path]:
    """Make the project; its files, as paths within the folder. Raises SettingsError where one of them is there already, or cannot be written."""
    wanted = {file.relative_to(_LAYOUT): file for file in sorted(_LAYOUT.rglob("*")) if file.is_file() and "__pycache__" not in file.parts}
    wanted = {Path(_NAMED.get(str(path), path)): file for path, file in wanted.items()}
    wanted |= {Path("prompts") / file.name: file for file in sorted(PROMPTS.glob("*.md"))}
    if there := next((path for path in wanted if (folder / path).exists()), None):
        raise SettingsError(f"{folder / there} is there already", fix="name another folder; nothing was written")
    try:
        for path, file in wanted.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / path)
    except OSError as error:
        raise SettingsError(f"the project cannot be written to {folder} ({error.strerror})", fix="make room, or give rights to the folder") from error
    return list(wanted)
