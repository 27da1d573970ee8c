"""An organisation's project: `assistant init` lays out what an installed package runs, with no checkout near."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from assistant.answering.prompting import FOLDER, TASKS, prompt
from assistant.errors import SettingsError
from assistant.projects import lay_out
from assistant.settings import Settings
from assistant.web.server import exposure
from tests.web.conftest import assistant_serving

ROOT = Path(__file__).parents[1]


def test_a_project_is_laid_out_and_nothing_overwritten(tmp_path: Path) -> None:
    made = lay_out(tmp_path / "ours")
    assert {"assistant.toml", ".gitignore", "README.md", "prompts/answer.md", "evals/gates.toml", "deploy/compose.yaml", "deploy/Containerfile", "deploy/assistant.service"} <= {str(path) for path in made}
    settings = Settings.load(tmp_path / "ours" / "assistant.toml")
    assert settings.answering.prompts == tmp_path / "ours" / "prompts"
    assert exposure(settings, "127.0.0.1")[1] == "admin"
    (tmp_path / "ours" / "README.md").unlink()
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(SettingsError, match="is there already"):
        lay_out(tmp_path / "ours")
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_what_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="cannot be written"):
        lay_out(tmp_path / "file" / "ours")


def test_prompts_of_a_project_stand_before_the_packages(tmp_path: Path) -> None:
    own = (FOLDER / "answer.md").read_text("utf-8").replace("# system\n", "# system\nOurs first.\n")
    (tmp_path / "answer.md").write_text(own, "utf-8")
    assert prompt("answer", tmp_path).system.startswith("Ours first.")
    assert prompt("rewrite", tmp_path) == prompt("rewrite")
    assert set(TASKS) == {path.stem for path in FOLDER.glob("*.md")} - {"README"}


def test_the_service_files_say_what_the_programs_read(tmp_path: Path) -> None:
    lay_out(tmp_path)
    compose = yaml.safe_load((tmp_path / "deploy" / "compose.yaml").read_text("utf-8"))["services"]["assistant"]
    assert compose["read_only"] is True
    assert compose["ports"] == ["127.0.0.1:7860:7860"]
    environment = {name: value for name, value in compose["environment"].items() if name.startswith("ASSISTANT_")}
    assert Settings.load(tmp_path / "assistant.toml", environment).web.proxies
    unit = (tmp_path / "deploy" / "assistant.service").read_text("utf-8")
    assert "ExecStart=/opt/assistant/bin/assistant serve" in unit
    image = (tmp_path / "deploy" / "Containerfile").read_text("utf-8")
    assert 'CMD ["serve", "--host", "0.0.0.0"]' in image
    assert "USER assistant" in image
    # What the project's file proposes, taken out of its comments, is valid too.
    proposed = (tmp_path / "assistant.toml").read_text("utf-8").replace("\n# [", "\n[").replace("\n# ", "\n").replace("\n#\n", "\n")
    kept = [line for line in proposed.splitlines() if not line or line[0] in "[#" or " = " in line]
    read = tomllib.loads("\n".join(line for line in kept if not line.startswith("#")))
    assert read["web"]["auth"]["mode"] == "users"
    assert read["llm"]["provider"] == "openai-like"


def test_the_packages_that_are_installed_are_those_that_there_are() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "assistant").rglob("__init__.py")}
    assert set(told) == there | {"assistant.prompts"}


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_an_installed_package_runs_a_project_without_a_checkout(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path / "wheels"), str(_copied(tmp_path))], check=True, capture_output=True, timeout=300)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(tmp_path / "site"), str(wheel)], check=True, capture_output=True, timeout=300)
    # What stands first on the path is found before the checkout that this environment knows.
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")}, "PYTHONPATH": str(tmp_path / "site")}

    def run(*arguments: str, where: Path = tmp_path) -> str:
        done = subprocess.run([sys.executable, "-m", "assistant", *arguments], cwd=where, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run([sys.executable, "-c", "import assistant; print(assistant.__file__)"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert where.startswith(str(tmp_path / "site"))
    run("init", "ours")
    ours = tmp_path / "ours"
    assert "1 added" in run("ingest", where=ours)
    assert "backed by a quotation" in run("ask", "What is each statement of the assistant backed by?", where=ours)
    assert "every span and nugget is proven" in run("eval", "check", where=ours)
    assert "0 failed" in run("eval", "run", where=ours)
    assert "BAD" not in run("doctor", where=ours)
    os.environ["PYTHONPATH"], before = str(tmp_path / "site"), os.environ.get("PYTHONPATH")
    try:
        with assistant_serving(ours) as address:
            import httpx

            assert httpx.get(f"{address}/readyz").json()["status"] == "ready"
            assert httpx.get(address).status_code == 200
            assert "latest.jsonl" in httpx.get(f"{address}/manage/evaluation").text
            assert httpx.get(f"{address}/manage/runs/latest.jsonl").status_code == 200
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _copied(folder: Path) -> Path:
    """The sources, without what building leaves beside them."""
    import shutil

    target = folder / "source"
    for name in ("assistant", "prompts"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target
