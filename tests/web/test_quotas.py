"""Quotas: nobody gets more than the rate in a window, everyone is told when it ends."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.web.problems import Problem
from assistant.web.quotas import ASKING, READING, Quota, Quotas, address
from tests.loops import awaited


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
