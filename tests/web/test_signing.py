"""Signing in and out: passwords, sessions, guesses, and where one comes back to."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.web import staff as staffing
from assistant.web.staff import hash_of, password_is
from tests.web.conftest import assistant_serving

pytestmark = [pytest.mark.xdist_group("signing")]
PASSWORD = "correct horse battery"
HASH = hash_of(PASSWORD)
USERS = (("anna", "admin", "[]"), ("eva", "evaluator", "[]"), ("ben", "reader", '["press"]'))
PRESS = "---\ntitle: Harbour Forum\nlanguage: en\ndate: 2024-06-10\n---\n\nThe Harbour Forum took place on 9 June 2024.\n"
INTERNAL = "---\ntitle: Zephyrine plan\nlanguage: en\ndate: 2024-07-01\n---\n\nThe Zephyrine plan moves the Harbour Forum to Goldfasan.\n"


def laid_out(folder: Path, more: str = "") -> Path:
    """A folder with public and staff documents, three users, and further settings."""
    for name, text in {"press/harbour.md": PRESS, "internal/plan.md": INTERNAL}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    sources = "".join(f'[[corpus.sources]]\npath = "{name}"\ncollection = "{name}"\nvisibility = "{"staff" if name == "internal" else "public"}"\n' for name in ("press", "internal"))
    table = "".join(f'[[web.auth.users]]\nname = "{name}"\npassword = "{HASH}"\nrole = "{role}"\ngroups = {groups}\n' for name, role, groups in USERS)
    auth = f'[web.auth]\nmode = "users"\n{table}[[web.auth.groups]]\nname = "press"\ncollections = ["press"]\n'
    (folder / "assistant.toml").write_text(f'{sources}[index]\npath = "index"\n{more}\n{auth}', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laid_out(tmp_path_factory.mktemp("signing"))


@pytest.fixture(scope="module")
def server(house: Path) -> Iterator[str]:
    with assistant_serving(house) as address:
        yield address


def client(server: str) -> httpx.Client:
    return httpx.Client(base_url=server, headers={"Origin": server, "Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}, timeout=60)


def sign_in(http: httpx.Client, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    return http.post("/signin", data={"name": name, "password": password, **more})


@pytest.mark.slow
def test_a_stranger_is_led_to_the_form_and_gets_nothing_else(server: str) -> None:
    with client(server) as http:
        assert http.get("/").headers["location"] == "signin"
        assert http.get("/config").status_code == 401
        assert http.get("/api/v1/console").status_code == 401
        assert http.post("/api/v1/ask", json={"question": "When?"}).status_code == 401
        form = http.get("/signin")
        assert form.status_code == 200
        assert "form-action 'self'" in form.headers["content-security-policy"]
        assert http.get("/documents/press/press/harbour.md", headers={"Accept": "text/html"}).headers["location"] == "../../../signin?next=documents%2Fpress%2Fpress%2Fharbour.md"
        assert http.get("/documents/press/press/none.md", headers={"Accept": "text/html"}).status_code == 303


@pytest.mark.slow
def test_who_signs_in_sees_what_their_groups_see(server: str) -> None:
    with client(server) as http:
        done = sign_in(http, "ben")
        assert done.status_code == 303
        cookie = done.headers["set-cookie"]
        assert re.search(r"HttpOnly; Max-Age=43200; Path=/; SameSite=lax$", cookie)
        told = http.get("/api/v1/console").json()
        assert (told["user"], told["role"], told["manages"], told["facets"]["collections"]) == ("ben", "reader", [], {"press": 1})
        assert "9 June 2024" in http.post("/api/v1/ask", json={"question": "When did the Harbour Forum take place?"}).json()["text"]
        answer = http.post("/api/v1/ask", json={"question": "Where does the Zephyrine plan move the Harbour Forum?"})
        assert "Goldfasan" not in answer.text
        assert http.get("/api/v1/documents/internal/internal/plan.md").status_code == 404
        assert http.get("/api/v1/pages/internal/internal/plan.md").status_code == 404
    with client(server) as http:
        sign_in(http, "anna")
        assert "Goldfasan" in http.post("/api/v1/ask", json={"question": "Where does the Zephyrine plan move the Harbour Forum?"}).text
        assert http.get("/").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", ""), ("anna", PASSWORD + " "), ("anna", "x" * 5000)])
def test_what_is_wrong_is_not_told_apart(server: str, name: str, password: str) -> None:
    with client(server) as http:
        answered = sign_in(http, name, password)
        assert answered.status_code in (403, 429)
        assert "set-cookie" not in answered.headers
        if answered.status_code == 403:
            assert "The name or the password is not right." in answered.text


@pytest.mark.slow
def test_guesses_are_bounded(house: Path) -> None:
    with assistant_serving(house) as server, client(server) as http:
        assert {sign_in(http, "ben").status_code for _ in range(30)} == {303}
        statuses = [sign_in(http, "anna", f"guess {number}").status_code for number in range(22)]
        assert statuses == [403] * 20 + [429] * 2
        late = sign_in(http, "anna")
        assert late.status_code == 429
        assert "Please wait" in late.text


@pytest.mark.slow
def test_a_form_of_another_page_signs_nobody_in_or_out(server: str) -> None:
    for headers in ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        for path in ("/signin", "/signout"):
            assert httpx.post(server + path, data={"name": "anna", "password": PASSWORD}, headers=headers).status_code == 403
    with client(server) as http:
        sign_in(http, "anna")
        # The browser's cookie goes along, the other page's origin too.
        for path in ("/manage/ingest", "/manage/delete", "/api/v1/ask"):
            assert http.post(path, json={"question": "x"}, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}).status_code == 401


@pytest.mark.slow
def test_signing_out_ends_the_session_in_the_browser(server: str) -> None:
    with client(server) as http:
        sign_in(http, "eva")
        assert http.get("/manage/refused").status_code == 200
        assert http.post("/signout").headers["location"] == "signin"
        assert http.get("/manage/refused").status_code == 303


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("manage/index", "manage/index"), ("documents/press/press/harbour.md", "documents/press/press/harbour.md"), ("", "./"), ("https://evil.example", "./"), ("//evil.example", "./"),
        ("documents/../../evil", "./"), ("documents/\\\\evil.example", "./"), ("manage/index\r\nX: y", "./"), ("javascript:alert(1)", "./"),
    ],
)  # fmt: skip
def test_one_comes_back_to_pages_of_ours_only(house: Path, wanted: str, leads: str) -> None:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from assistant.pipeline import Assistant
    from assistant.web import signing
    from assistant.web.access import Access

    with Assistant.open(Settings.load(house / "assistant.toml")) as assistant:
        app = FastAPI()
        app.include_router(signing.routes(Access(assistant, open_as=None)))
        with TestClient(app, follow_redirects=False) as http:
            assert http.post("/signin", data={"name": "anna", "password": PASSWORD, "next": wanted}).headers["location"] == leads


@pytest.mark.slow
def test_a_session_ends_with_its_password_and_with_its_user(house: Path) -> None:
    from starlette.requests import Request
    from starlette.responses import Response

    found = Settings.load(house / "assistant.toml").web
    members = staffing.Staff(found, "s" * 40, None)
    given_to = Response()
    members.begin(given_to, "anna")
    cookie = given_to.headers["set-cookie"].partition(";")[0]
    request = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})
    assert (member := members.member(request)) is not None
    assert member.role == "admin"
    changed = found.auth.users[0].model_copy(update={"password": hash_of("another password")})
    for others in ([changed, *found.auth.users[1:]], found.auth.users[1:]):
        web = found.model_copy(update={"auth": found.auth.model_copy(update={"users": others})})
        assert staffing.Staff(web, "s" * 40, None).member(request) is None
    assert staffing.Staff(found, "t" * 40, None).member(request) is None


def test_a_password_is_kept_as_a_slow_salted_hash() -> None:
    first, second = hash_of(PASSWORD), hash_of(PASSWORD)
    assert first != second
    assert PASSWORD not in first
    assert password_is(PASSWORD, first)
    assert not password_is(PASSWORD.upper(), first)


@settings(max_examples=5, deadline=None)
@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_only_the_password_is_the_password(password: str, other: str) -> None:
    assert password_is(other, hash_of(password)) == (password == other)


def made(*arguments: str, password: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "assistant", "user", "new", *arguments], cwd=folder, input=password + "\n", capture_output=True, text=True, timeout=60, check=False)


def test_a_user_is_made_on_the_command_line(tmp_path: Path) -> None:
    done = made("anna", "--role", "admin", "--group", "press", password=PASSWORD, folder=tmp_path)
    assert done.returncode == 0
    assert PASSWORD not in done.stdout + done.stderr
    (tmp_path / "assistant.toml").write_text(f'[[web.auth.groups]]\nname = "press"\n[web.auth]\nmode = "users"\n{done.stdout}', encoding="utf-8")
    (user,) = Settings.load(tmp_path / "assistant.toml").web.auth.users
    assert (user.name, user.role, user.groups) == ("anna", "admin", ["press"])
    assert password_is(PASSWORD, user.password)
    for arguments, password, said in ((("anna",), "short", "too short"), (("an na",), PASSWORD, "cannot be a user's name")):
        refused = made(*arguments, password=password, folder=tmp_path)
        assert refused.returncode == 1
        assert said in refused.stderr


def test_settings_of_users_that_do_not_fit_are_clear_errors() -> None:
    user = {"name": "anna", "password": HASH}
    for auth, said in (
        ({"mode": "users"}, "has none"), ({"users": [{**user, "groups": ["none"]}]}, "in the group none"), ({"users": [user, user]}, "two"), ({"users": [{**user, "password": PASSWORD}]}, "password"),
        ({"users": [{**user, "role": "boss"}]}, "role"), ({"user": []}, "did you mean web.auth.users"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=said) as caught:
            Settings(web={"auth": auth})
        assert PASSWORD not in str(caught.value)


def test_members_of_several_groups_see_what_any_sees() -> None:
    groups = [{"name": "a", "collections": ["press"]}, {"name": "b", "role": "evaluator", "collections": ["guides", "press"]}, {"name": "all"}]
    auth = {"mode": "proxy", "groups": groups}
    web = Settings(web={"auth": auth, "proxies": ["127.0.0.1"]}).web
    members = staffing.Staff(web, "s" * 40, None)

    def member(named: str) -> staffing.Member | None:
        from starlette.requests import Request

        headers = [(b"x-forwarded-user", b"zoe"), (b"x-forwarded-groups", named.encode())]
        return members.member(Request({"type": "http", "headers": headers, "assistant.proxied": True}))

    assert member("a") == staffing.Member("zoe", "reader", ("press",))
    assert member("a, b") == staffing.Member("zoe", "evaluator", ("guides", "press"))
    assert member("a,all") == staffing.Member("zoe", "reader", ())
    assert member("unknown") is None
    assert member("") is None
    assert replace(staffing.Member("zoe", "reader"), role="admin").is_a("evaluator")
