"""Visits, keys and receipts: what is signed holds for its time and its page, and what was changed does not hold at all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from assistant.errors import SettingsError
from assistant.pipeline import Assistant
from assistant.schema import Answer
from assistant.settings import Settings
from assistant.web.access import TOKEN_HEADER, Access, hashed, new_key
from assistant.web.problems import Problem
from tests.loops import awaited

ORIGIN = "https://www.example.org"
PORTAL = {"id": "city", "origins": [ORIGIN], "collections": ["press"], "ai_notice": "standard", "privacy": "https://www.example.org/privacy"}


def access_of(tmp_path: Path, *, open_to_all: bool = False, **web: Any) -> Access:
    settings = Settings(index={"path": tmp_path / "index"}, feedback={"path": tmp_path / "f.sqlite"}, web=web, portals=[PORTAL, {**PORTAL, "id": "quiet", "feedback": False}])
    return Access(Assistant(settings), open_as="admin" if open_to_all else None)


def request(method: str = "POST", host: str = "ask.example.org", client: str = "203.0.113.7", **headers: str) -> Request:
    listed = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {"type": "http", "method": method, "scheme": "http", "path": "/", "root_path": "", "query_string": b"", "server": (host, 80), "client": (client, 1), "headers": [(name.lower().encode(), value.encode()) for name, value in listed.items()]}
    return Request(scope)


def begin(access: Access, portal: str = "city") -> str:
    return awaited(lambda: access.begin(request(origin=ORIGIN), access.portal(portal)))


def with_token(access: Access, token: str, **headers: str) -> Request:
    return request(**{"origin": ORIGIN, TOKEN_HEADER: token, **headers})


def test_a_visit_holds_for_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access, now = access_of(tmp_path, token_minutes=15), time.time()
    token = begin(access)
    assert access.caller(with_token(access, token), "ask").channel == "city"
    monkeypatch.setattr(time, "time", lambda: now + 14 * 60)
    access.caller(with_token(access, token), "ask")
    monkeypatch.setattr(time, "time", lambda: now + 16 * 60)
    with pytest.raises(Problem, match="expired") as refused:
        access.caller(with_token(access, token), "ask")
    assert refused.value.status == 401


def test_what_was_signed_elsewhere_or_changed_does_not_hold(tmp_path: Path) -> None:
    access, other = access_of(tmp_path), access_of(tmp_path)
    token = begin(access)
    for wrong in (begin(other), token[:-1], "x" + token, "", "a.b.c"):
        with pytest.raises(Problem) as refused:
            access.caller(with_token(access, wrong), "ask")
        assert refused.value.status == 401
    with pytest.raises(Problem, match="another page"):
        access.caller(with_token(access, token, origin="http://ask.example.org"), "ask")


def test_servers_with_one_secret_take_each_others_visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "s" * 40)
    one, two = access_of(tmp_path, secret_env="OUR_SECRET"), access_of(tmp_path, secret_env="OUR_SECRET")
    assert two.caller(with_token(two, begin(one)), "ask").channel == "city"
    monkeypatch.setenv("OUR_SECRET", "short")
    with pytest.raises(SettingsError, match="OUR_SECRET"):
        access_of(tmp_path, secret_env="OUR_SECRET")


def test_a_portal_without_feedback_takes_none(tmp_path: Path) -> None:
    access = access_of(tmp_path)
    token = begin(access, "quiet")
    access.caller(with_token(access, token), "ask")
    with pytest.raises(Problem) as refused:
        access.caller(with_token(access, token), "feedback")
    assert refused.value.status == 403


def test_only_the_servers_own_pages_are_staff(tmp_path: Path) -> None:
    access = access_of(tmp_path, open_to_all=True)
    assert access.caller(request("GET"), "search").channel == "console"
    assert access.caller(request(origin="http://ask.example.org"), "ask").channel == "console"
    for headers in ({"origin": ORIGIN}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}, {"origin": "http://ask.example.org.evil.example"}):
        with pytest.raises(Problem) as refused:
            access.caller(request(**headers), "ask")
        assert refused.value.status == 401
    with pytest.raises(Problem):
        access_of(tmp_path).caller(request("GET"), "search")


def test_a_key_is_told_by_its_hash(tmp_path: Path) -> None:
    key, digest = new_key()
    access = access_of(tmp_path, keys=[{"name": "bot", "sha256": digest, "scopes": ["ask"]}])
    assert access.caller(request(authorization=f"Bearer {key}"), "ask").channel == "key:bot"
    assert key not in repr(access.settings)
    assert hashed(key) == digest
    for wrong in (f"Bearer {digest}", f"Bearer {key}x", f"Basic {key}", "Bearer", ""):
        with pytest.raises(Problem) as refused:
            access.caller(request(authorization=wrong), "ask")
        assert refused.value.status == 401


def test_a_receipt_is_good_for_a_day_and_for_whom_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = access_of(tmp_path)
    visitor = access.caller(with_token(access, begin(access)), "ask")
    receipt = access.receipt(visitor, Answer("Wann?", "Im Mai.", "de", "extractive", False))
    assert access.rated(visitor, receipt).question == "Wann?"
    other = access.caller(with_token(access, begin(access, "quiet")), "ask")
    with pytest.raises(Problem):
        access.rated(other, receipt)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * 86_400)
    with pytest.raises(Problem):
        access.rated(visitor, receipt)


def test_the_public_address_is_the_servers_own(tmp_path: Path) -> None:
    access = access_of(tmp_path, public_url="https://ask.example.org/")
    assert access.base(request()) == "https://ask.example.org"
    token = awaited(lambda: access.begin(request(origin="https://ask.example.org"), access.portal("city")))
    assert access.caller(request(origin="https://ask.example.org", **{TOKEN_HEADER: token}), "ask").portal is not None
