"""Portals and keys on the command line: every mistake in the settings is one line that names the place and the fix, wherever it shows.

What is printed when nothing is wrong is in test_portals.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from assistant.settings import Settings

# A process for each.
pytestmark = pytest.mark.slow
PORTAL: dict[str, Any] = {"id": "city", "origins": ["https://www.example.org"], "collections": ["press"], "ai_notice": "standard", "privacy": "https://www.example.org/privacy"}


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")} | environment
    return subprocess.run([sys.executable, "-m", "assistant", *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=given)


def table(name: str, values: dict[str, Any]) -> str:
    return f"[[{name}]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def write(folder: Path, text: str) -> None:
    (folder / "assistant.toml").write_text(text, encoding="utf-8")


def assert_error(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """Ended with one line on stderr that names what is wrong and its fix, and nothing on stdout."""
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert ". Fix: " in line
    for word in says:
        assert word in line, line


def assert_not_served(folder: Path, *arguments: str, says: tuple[str, ...], **environment: str) -> None:
    """`assistant serve` over something ends with a clear error as its last line."""
    (folder / "corpus").mkdir(exist_ok=True)
    (folder / "corpus" / "a.md").write_text("# Lake Forum\n\nThe forum opened in May.\n", encoding="utf-8")
    done = run(folder, "serve", *arguments, **environment)
    assert_error(subprocess.CompletedProcess(done.args, done.returncode, done.stdout, done.stderr.splitlines()[-1]), *says)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"privacy": None}, "portals.0.privacy"), ({"origins": ["https://www.example.org/page"]}, "portals.0.origins: 'https://www.example.org/page' is no origin"), ({"origins": ["https://*.example.org"]}, "write scheme and host, as in https://www.example.org"),
        ({"origins": ["www.example.org"]}, "'www.example.org' is no origin"), ({"quotas": None, "colections": []}, "did you mean portals.collections?"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    write(tmp_path, table("portals", {key: value for key, value in {**PORTAL, **wrong}.items() if value is not None}))
    assert_error(run(tmp_path, "portal", "list"), says)


def test_a_quota_that_is_none_says_how_one_is_written(tmp_path: Path) -> None:
    write(tmp_path, table("portals", PORTAL) + '[portals.quotas]\nper_client = "often"\n')
    assert_error(run(tmp_path, "portal", "snippet", "city"), "portals.0.quotas.per_client", "20/minute")


def test_two_of_one_name_are_named(tmp_path: Path) -> None:
    write(tmp_path, table("portals", PORTAL) * 2)
    assert_error(run(tmp_path, "portal", "list"), "two [[portals]] are called city", "a name of its own")


@pytest.mark.slow
def test_serving_portals_to_everyone_needs_a_name(tmp_path: Path) -> None:
    write(tmp_path, table("portals", PORTAL))
    assert_not_served(tmp_path, "--host", "0.0.0.0", "--port", "0", says=("web.public_url", "https://"))


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"languages": ["en", "tlh"]}, {"ai_notice": {"tlh": "x"}}])
def test_a_language_without_a_pack_stops_the_server_at_its_start(tmp_path: Path, wrong: dict[str, Any]) -> None:
    text = table("portals", {key: value for key, value in {**PORTAL, **wrong}.items() if not isinstance(value, dict)})
    text += "".join(f"[portals.{key}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in value.items()) for key, value in wrong.items() if isinstance(value, dict))
    write(tmp_path, text)
    assert_not_served(tmp_path, "--port", "0", says=("the portal city speaks 'tlh'", "one of "))


@pytest.mark.slow
def test_a_secret_that_is_missing_or_short_stops_the_server_at_its_start(tmp_path: Path) -> None:
    write(tmp_path, '[web]\nsecret_env = "OUR_SECRET"\n' + table("portals", PORTAL))
    for secret in ("", "short"):
        assert_not_served(tmp_path, "--port", "0", says=("OUR_SECRET", "export OUR_SECRET="), OUR_SECRET=secret)


def test_no_portal_is_no_error(tmp_path: Path) -> None:
    done = run(tmp_path, "portal", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "docs/portals.md" in done.stdout
    assert json.loads(run(tmp_path, "portal", "list", "--json").stdout) == []
    assert_error(run(tmp_path, "portal", "snippet", "city"), "there is no portal city", "[[portals]]")


def test_a_closed_portal_is_said_to_be_closed(tmp_path: Path) -> None:
    write(tmp_path, table("portals", {**PORTAL, "origins": []}))
    assert "it lists no origins" in run(tmp_path, "portal", "list").stdout
    done = run(tmp_path, "portal", "snippet", "city")
    assert done.returncode == 0
    assert done.stdout.startswith("<script ")
    assert "closed to every page" in done.stderr


def test_portals_may_come_from_the_environment(tmp_path: Path) -> None:
    done = run(tmp_path, "portal", "list", ASSISTANT_PORTALS=json.dumps([PORTAL]))
    assert done.stdout == "city: press; on https://www.example.org\n"
    assert_error(run(tmp_path, "portal", "list", ASSISTANT_PORTALS="city"), "ASSISTANT_PORTALS is not valid JSON")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("With Space",), "name"), (("",), "name"), (("x" * 50,), "name"), (("bot", "--scope", "all"), "scopes"), (("bot", "--scope", ""), "scopes")],
)
def test_a_key_that_cannot_be_is_not_shown(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    assert_error(run(tmp_path, "key", "new", *arguments), says)


def test_the_lines_of_a_key_open_what_they_say(tmp_path: Path) -> None:
    made = [run(tmp_path, "key", "new", "bot", "--scope", "search", "--collection", "press", "--collection", "guides"), run(tmp_path, "key", "new", "desk", "--staff")]
    write(tmp_path, "".join(done.stderr for done in made))
    settings = Settings.load(tmp_path / "assistant.toml", {})
    bot, desk = settings.web.keys
    assert (bot.name, bot.scopes, bot.scope.collections, bot.scope.public) == ("bot", ["search"], ("press", "guides"), True)
    assert (desk.name, desk.scopes, desk.scope.collections, desk.scope.public) == ("desk", ["ask", "search", "documents"], (), False)
    for done in made:
        assert done.stdout.strip() not in (tmp_path / "assistant.toml").read_text(encoding="utf-8")
        assert tomllib.loads(done.stderr)
    assert list(tmp_path.iterdir()) == [tmp_path / "assistant.toml"]


def test_the_name_of_a_key_is_given_once(tmp_path: Path) -> None:
    write(tmp_path, run(tmp_path, "key", "new", "bot").stderr + run(tmp_path, "key", "new", "bot").stderr)
    assert_error(run(tmp_path, "portal", "list"), "two [[web.keys]] are called bot")
