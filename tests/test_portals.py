"""Portals and keys in settings and on the command line: what is wrong is said with its fix, and what is printed can be pasted."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.web.portals import check, notice_of, snippet, spoken, theme_of, widget_of
from assistant.web.server import exposure

PORTAL: dict[str, Any] = {"id": "city", "origins": ["https://www.example.org"], "collections": ["press"], "ai_notice": "standard", "privacy": "https://www.example.org/privacy"}


def settings(web: dict[str, Any] | None = None, **changed: Any) -> Settings:
    return Settings(portals=[{**PORTAL, **changed}], web=web or {})


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")}
    return subprocess.run([sys.executable, "-m", "assistant", *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment)


@pytest.mark.parametrize("key", ["id", "origins", "collections", "ai_notice", "privacy"])
def test_what_a_portal_needs_is_asked_for(key: str) -> None:
    with pytest.raises(SettingsError, match=f"portals.0.{key}"):
        Settings(portals=[{name: value for name, value in PORTAL.items() if name != key}])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "With Space"), ("origins", ["www.example.org"]), ("origins", ["https://www.example.org/page"]), ("origins", ["*"]), ("origins", ["https://*.example.org"]), ("origins", ["null"]), ("origins", ["https://user@example.org"]),
        ("origins", ["https://example.org?x"]), ("origins", ["file:///x"]), ("collections", []), ("ai_notice", {}), ("ai_notice", {"de": " "}), ("ai_notice", "none"), ("privacy", ""), ("privacy", "javascript:alert(1)"), ("privacy", "/privacy"),
        ("contact", "press@example.org"), ("theme", {"accent": "red"}), ("theme", {"accent": "#fff;}"}), ("quotas", {"per_client": "20"}), ("quotas", {"per_client": "0/minute"}), ("quotas", {"per_portal": "1/fortnight"}), ("texts", {"de": {"questions": ["x"] * 7}}),
    ],
)  # fmt: skip
def test_what_a_portal_cannot_be_is_refused(key: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"portals\.0\.{key}"):
        settings(**{key: value})


def test_misspelt_keys_are_named_wherever_they_stand() -> None:
    for wrong, right in (({"orgins": []}, "portals.origins"), ({"theme": {"acent": "#000000"}}, "portals.theme.accent"), ({"texts": {"de": {"titel": "x"}}}, "portals.texts.NAME.title"), ({"quotas": {"per_cliend": "1/day"}}, "portals.quotas.per_client")):
        with pytest.raises(SettingsError) as refused:
            settings(**wrong)
        assert f"did you mean {right}?" in refused.value.fix
    with pytest.raises(SettingsError, match="unknown setting web.keys.nam"):
        Settings(web={"keys": [{"nam": "x"}]})


def test_names_are_not_given_twice() -> None:
    with pytest.raises(SettingsError, match="two .* called city"):
        Settings(portals=[PORTAL, PORTAL])
    key = {"name": "bot", "sha256": "0" * 64}
    with pytest.raises(SettingsError, match="two .* called bot"):
        Settings(web={"keys": [key, key]})


@pytest.mark.parametrize(
    ("written", "sent"),
    [("https://WWW.Example.org/", "https://www.example.org"), ("https://example.org:443", "https://example.org"), ("http://example.org:8080", "http://example.org:8080"), ("https://bücher.example", "https://xn--bcher-kva.example"), ("http://[::1]:80", "http://[::1]")],
)  # fmt: skip
def test_origins_are_kept_as_browsers_send_them(written: str, sent: str) -> None:
    assert settings(origins=[written]).portals[0].origins == [sent]


def test_a_language_without_a_pack_is_named_at_the_start() -> None:
    for wrong in ({"languages": ["xx"]}, {"texts": {"xx": {}}}, {"ai_notice": {"xx": "a machine"}}):
        with pytest.raises(SettingsError, match="speaks 'xx'"):
            check(settings(**wrong).portals)
    check(settings(languages=["de", "ko"]).portals)


def test_the_widget_speaks_a_language_of_the_portal() -> None:
    portal = settings(languages=["de", "ja"], ai_notice={"de": "Eine Maschine antwortet."}, texts={"ja": {"title": "質問", "questions": ["いつ？"]}}).portals[0]
    assert [spoken(portal, wanted) for wanted in ("ja-JP, de;q=0.5", "fr, ja;q=0.2", "ko", "")] == ["ja", "ja", "de", "de"]
    told = widget_of(portal, "ja", "")
    assert (told.texts["title"], told.questions, told.model, told.direction) == ("質問", ["いつ？"], "", "ltr")
    assert told.texts["notice"] == "Eine Maschine antwortet."
    assert notice_of(settings().portals[0], "ar") != notice_of(settings().portals[0], "en")
    assert "vllm-model" in widget_of(portal, "de", "vllm-model").texts["model"]
    assert all(re.search(r"\S", text) for key, text in told.texts.items() if key != "model")


@pytest.mark.parametrize(("accent", "ink"), [("#0f766e", "#ffffff"), ("#ffee00", "#000000"), ("#000000", "#ffffff"), ("#ffffff", "#000000")])
def test_text_upon_the_accent_can_be_read(accent: str, ink: str) -> None:
    assert theme_of(settings(theme={"accent": accent}).portals[0])["on_accent"] == ink


def test_portals_on_a_public_address_need_their_name() -> None:
    with pytest.raises(SettingsError, match="public_url"):
        exposure(settings(), "0.0.0.0")
    public = settings(web={"public_url": "https://ask.example.org"})
    assert exposure(public, "0.0.0.0") == (("127.0.0.1", "localhost", "::1", "ask.example.org"), None)
    assert exposure(public, "127.0.0.1")[1] is None
    assert exposure(settings(), "127.0.0.1") == (("127.0.0.1", "localhost", "::1"), "admin")
    assert exposure(Settings(web={"console": True}), "0.0.0.0") == ((), "reader")
    assert exposure(Settings(web={"console": True, "public_url": "https://ask.example.org"}), "127.0.0.1")[1] == "reader"


def test_a_public_address_without_sign_in_is_refused_unless_said() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7"):
        with pytest.raises(SettingsError, match="nothing says who may ask here"):
            exposure(Settings(), host)
        assert exposure(Settings(web={"console": False}), host) == ((), None)
    auth = {"mode": "proxy", "groups": [{"name": "staff"}]}
    assert exposure(Settings(web={"auth": auth, "proxies": ["192.0.2.1"]}), "0.0.0.0") == ((), None)
    # Signing in holds on this machine too.
    assert exposure(Settings(web={"auth": auth, "proxies": ["127.0.0.1"], "console": True}), "127.0.0.1")[1] is None


@pytest.mark.slow
def test_the_tag_can_be_pasted(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_text('[web]\npublic_url = "https://ask.example.org"\n[[portals]]\n' + "".join(f"{key} = {json.dumps(value)}\n" for key, value in PORTAL.items()), encoding="utf-8")
    done = run(tmp_path, "portal", "snippet", "city")
    assert done.stdout == '<script src="https://ask.example.org/widget.js" data-portal="city" async></script>\n'
    assert "connect-src https://ask.example.org" in done.stderr
    assert 'data-mount="#forum-assistant"' in run(tmp_path, "portal", "snippet", "city", "--kind", "inline").stdout
    assert '<iframe src="https://ask.example.org/embed/city"' in run(tmp_path, "portal", "snippet", "city", "--kind", "iframe").stdout
    assert "city: press; on https://www.example.org" in run(tmp_path, "portal", "list").stdout
    assert json.loads(run(tmp_path, "portal", "list", "--json").stdout)[0]["id"] == "city"
    missing = run(tmp_path, "portal", "snippet", "town")
    assert (missing.returncode, missing.stderr) == (1, "error: there is no portal town. Fix: one of city\n")
    assert "public_url" not in snippet(settings().portals[0], "https://x.example")


@pytest.mark.slow
def test_a_key_is_shown_once_and_its_hash_can_be_pasted(tmp_path: Path) -> None:
    done = run(tmp_path, "key", "new", "bot", "--scope", "ask", "--collection", "press")
    key, table = done.stdout.strip(), tomllib.loads(done.stderr)["web"]["keys"][0]
    assert table == {"name": "bot", "sha256": hashlib.sha256(key.encode()).hexdigest(), "scopes": ["ask"], "collections": ["press"]}
    assert len(key) > 40
    assert key not in done.stderr
    assert run(tmp_path, "key", "new", "bot").stdout != done.stdout
    wrong = run(tmp_path, "key", "new", "bot", "--scope", "everything")
    assert wrong.returncode == 1
    assert wrong.stdout == ""


@pytest.mark.slow
def test_the_doctor_looks_at_portals(tmp_path: Path) -> None:
    (tmp_path / "press").mkdir()
    (tmp_path / "press" / "a.md").write_text("# Lake Forum\n\nThe forum opened in May.\n", encoding="utf-8")
    text = '[index]\npath = "index"\n[[corpus.sources]]\npath = "press"\ncollection = "press"\nvisibility = "{}"\n[[portals]]\n' + "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**PORTAL, "origins": []}.items())
    (tmp_path / "assistant.toml").write_text(text.format("staff"), encoding="utf-8")
    assert run(tmp_path, "ingest").returncode == 0
    done = run(tmp_path, "doctor")
    assert done.returncode == 1
    assert "BAD the portal city has no public document in press" in done.stdout
    assert "BAD the portal city lists no origins" in done.stdout
    (tmp_path / "assistant.toml").write_text(text.format("public").replace("origins = []", 'origins = ["https://a.example"]'), encoding="utf-8")
    assert run(tmp_path, "ingest").returncode == 0
    done = run(tmp_path, "doctor")
    assert "ok  portal city: 1 public documents" in done.stdout


@pytest.mark.parametrize("page", ["docs/portals.md", "docs/portal.toml"])
def test_what_the_documents_show_is_valid(tmp_path: Path, page: str) -> None:
    text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if page.endswith(".md") else [text]):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        found = Settings.load(file, {})
        check(found.portals)
        assert found.portals
