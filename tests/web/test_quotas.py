"""Quotas: nobody gets more than the rate in a window, everyone is told when it ends."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.web.problems import Problem
from assistant.web.quotas import ASKING, READING, Quota, Quotas, address
from tests.loops import awaited
from tests.web.inside import ORIGIN, PORTAL, serving, settings_of


@given(st.integers(1, 12), st.lists(st.sampled_from([ASKING, READING]), max_size=200))
def test_nobody_exceeds_the_rate(rate: int, costs: list[int]) -> None:
    async def run() -> int:
        quotas, spent = Quotas(), 0
        for cost in costs:
            limits = (Quota("someone", f"{rate}/day"), Quota("everyone", "1000/day"))
            if spent + cost <= rate * ASKING:
                await quotas.spend(limits, cost)
                spent += cost
                continue
            with pytest.raises(Problem) as refused:
                await quotas.spend(limits, cost)
            assert refused.value.status == 429
            assert 1 <= int(refused.value.headers["Retry-After"]) <= 86_400
        return spent

    assert awaited(run) <= rate * ASKING


def test_after_the_time_told_there_is_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        quotas, who, now = Quotas(), (Quota("someone", "2/minute"),), time.time()
        monkeypatch.setattr(time, "time", lambda: now)
        for _ in range(2):
            await quotas.spend(who, ASKING)
        with pytest.raises(Problem) as refused:
            await quotas.spend(who, ASKING)
        now += int(refused.value.headers["Retry-After"])
        await quotas.spend(who, ASKING)

    awaited(run)


def test_who_is_refused_by_one_quota_spends_nothing_of_another() -> None:
    async def run() -> None:
        quotas, small, large = Quotas(), Quota("small", "1/day"), Quota("large", "2/day")
        await quotas.spend((large, small), ASKING)
        for _ in range(5):
            with pytest.raises(Problem):
                await quotas.spend((large, small), ASKING)
        await quotas.spend((large,), ASKING)

    awaited(run)


def test_a_network_is_one_address() -> None:
    assert address("2001:db8:1:2::1") == address("2001:db8:1:2:ffff::9")
    assert address("2001:db8:1:2::1") != address("2001:db8:1:3::1")
    assert address("::ffff:203.0.113.7") == address("203.0.113.7")
    assert address("fe80::1%eth0") == address("fe80::2")
    assert address("203.0.113.7") != address("203.0.113.8")


def test_many_at_the_same_moment_get_no_more_than_one_after_another() -> None:
    async def run() -> list[object]:
        quotas, limits = Quotas(), (Quota("someone", "7/day"), Quota("everyone", "1000/day"))
        return await asyncio.gather(*(quotas.spend(limits, ASKING) for _ in range(60)), return_exceptions=True)

    found = awaited(run)
    assert found.count(None) == 7
    assert {type(one) for one in found if one is not None} == {Problem}


@given(st.integers(1, 5), st.lists(st.tuples(st.floats(0, 45), st.sampled_from([ASKING, READING])), max_size=40))
def test_in_no_window_anyone_gets_more_than_the_rate(rate: int, steps: list[tuple[float, int]]) -> None:
    async def run() -> None:
        quotas, limits, now = Quotas(), (Quota("someone", f"{rate}/minute"),), 1_800_000_000.0
        windows: dict[float, int] = {}
        until = 0.0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: now)
            for pause, cost in steps:
                now += pause
                try:
                    await quotas.spend(limits, cost)
                except Problem as refused:
                    # What it says is true: at that time there is room for it.
                    now += int(refused.headers["Retry-After"])
                    await quotas.spend(limits, cost)
                # A window begins with the first that is spent in it.
                until = now + 60 if now >= until else until
                windows[until] = windows.get(until, 0) + cost
        assert all(spent <= rate * ASKING for spent in windows.values())

    awaited(run)


def test_two_portals_share_nothing(tmp_path: Path) -> None:
    portals = [{**PORTAL, "id": name, "quotas": {"per_client": "2/day", "per_portal": "5/day"}} for name in ("city", "other")]
    with serving(settings_of(tmp_path, {"press/a.md": "# Lake Forum\n\nThe forum opened in May.\n"}, portals=portals, web={"proxies": ["127.0.0.1"]})) as server, httpx.Client(base_url=server, timeout=60) as client:
        tokens = {name: client.post(f"/api/v1/portals/{name}/visits", headers={"Origin": ORIGIN, "X-Forwarded-For": "198.51.100.1"}).json()["token"] for name in ("city", "other")}

        def ask(portal: str, address: str) -> httpx.Response:
            return client.post("/api/v1/ask", json={"question": "When did the forum open?"}, headers={"Origin": ORIGIN, "X-Visitor-Token": tokens[portal], "X-Forwarded-For": address})

        # One address twice, whichever of a network of IPv6 it is; then another; then all of the portal is spent.
        assert [ask("city", f"2001:db8::{n}").status_code for n in range(1, 4)] == [200, 200, 429]
        assert [ask("city", "203.0.113.7").status_code for _ in range(3)] == [200, 200, 429]
        refused = ask("city", "203.0.113.8")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
        assert refused.headers["content-type"] == "application/problem+json"
        assert "203.0.113" not in refused.text
        # What stands before the last proxy's word is the client's own and counts for nothing.
        assert ask("city", "198.51.100.99, 203.0.113.7").status_code == 429
        assert [ask("other", "203.0.113.7").status_code for _ in range(3)] == [200, 200, 429]
