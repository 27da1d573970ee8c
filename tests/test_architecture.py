"""The layout holds: imports point down, and starting costs no heavy library (design.md, section 3)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "assistant"
# A room imports only from rooms before its own.
ROOMS = (
    "errors", "schema", "settings", "language", "ingestion", "index", "retrieval", "answering", "pipeline", "evaluation", "web", "cli",
)  # fmt: skip
# No rooms of their own: `files` writes them whole, `briefing` makes a file of quotes, `projects` lays out a folder, `generated` makes pages from settings, `feedback` is kept by the pipeline and read by evaluation, `originals` the corpus's office files, `training` makes what `index` runs and `evaluation` measures, `writing` serves the pipeline, `doctor` examines every room for the command line, the
# package only names them.
PLACES: dict[str, float] = {**{room: place for place, room in enumerate(ROOMS)}, "files": 0.5, "generated": 2.5, "feedback": 2.7, "briefing": 3.5, "projects": 8.6, "originals": 4.5, "training": 5.5, "writing": 6.5, "integrations": 8.5, "doctor": 10.5, "terminal": 10.6, "eval_cli": 10.7, "__init__": 12, "__main__": 13}
HEAVY = ("torch", "llama_index", "chromadb", "gradio", "sentence_transformers", "transformers")
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(name: str) -> str:
    return name.split(".")[1] if "." in name else "__init__"


def imports(file: Path) -> list[tuple[int, str]]:
    """(line, module) of every import of this package, wherever in the file it stands."""
    package = ["assistant", *file.relative_to(PACKAGE).parent.parts]
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join(filter(None, (*parents, node.module)))
            # `from assistant import settings` names a room, `from assistant import Settings` the package.
            found.extend((node.lineno, f"{module}.{a.name}" if _is_module(f"{module}.{a.name}") else module) for a in node.names)
    return [(line, module) for line, module in found if module.split(".")[0] == "assistant"]


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_every_module_stands_in_a_room() -> None:
    known = {*PLACES, "models", "project"}
    assert {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in MODULES} <= known


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_imports_point_down(file: Path) -> None:
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for line, module in imports(file):
        other = room_of(module)
        if other != own:
            assert other in PLACES, f"{file}:{line} imports {module}, which stands in no room"
            assert PLACES[other] < PLACES.get(own, len(ROOMS)), f"{file}:{line} imports {module}: imports point down"


def test_the_nouns_and_errors_need_the_standard_library_only() -> None:
    for room in ("errors", "schema"):
        tree = ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8"))
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        named |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names, room


@pytest.mark.parametrize("name", ["utils", "base", "common", "manager", "helpers"])
def test_files_are_named_for_their_concept(name: str) -> None:
    assert not [file for file in MODULES if file.stem == name]


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_does(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


def heavy_after(code: str, folder: Path) -> list[str]:
    """The heavy libraries that a fresh Python has imported after `code`."""
    script = f"{code}\nimport json, sys\nprint('\\n' + json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, timeout=60, env=_environment())
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}


COMMAND = "import sys\nfrom assistant.cli import main\nsys.argv = ['assistant', *{arguments!r}]\ntry:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None), end.code"


def test_importing_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, assistant\nassert not {'pydantic', 'numpy', 'typer'} & set(sys.modules)"
    assert heavy_after(code, tmp_path) == []


def test_the_public_names_are_there(tmp_path: Path) -> None:
    assert heavy_after("import assistant\nfor name in assistant.__all__:\n    getattr(assistant, name)", tmp_path) == []


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["ingest", "--help"]])
def test_help_loads_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    code = COMMAND.format(arguments=arguments)
    assert heavy_after(code, tmp_path) == []


def test_asking_a_small_index_loads_nothing_heavy(tmp_path: Path) -> None:
    docs = tmp_path / "corpus"
    docs.mkdir()
    (docs / "a.md").write_text("# Forum\n\nThe forum opens on 5 March 2024 in Changping.\n", encoding="utf-8")
    run = [sys.executable, "-m", "assistant", "ingest"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, timeout=60, env=_environment())
    for arguments in (["ask", "When does the forum open?"], ["search", "forum", "--json"], ["status"]):
        code = COMMAND.format(arguments=arguments)
        assert heavy_after(code, tmp_path) == []


def test_help_says_every_command() -> None:
    done = subprocess.run([sys.executable, "-m", "assistant", "--help"], capture_output=True, text=True, timeout=60, cwd=PACKAGE.parent)
    assert done.returncode == 0
    for command in ("ingest", "ask", "search", "serve", "status", "doctor", "delete"):
        assert f"  {command} " in done.stdout
