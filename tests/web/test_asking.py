"""So many answers at once, so many waiting, the next turned away at once; who leaves frees their place."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator

import pytest

from assistant.web.asking import Desk
from assistant.web.problems import Problem
from tests.loops import awaited


class Slow:
    """An iterator of pieces that waits before each until it is let go on; it notes what runs and what was closed."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.running = 0
        self.most = 0
        self.begun = 0
        self.closed = 0
        self._guard = threading.Lock()

    def __call__(self) -> Iterator[str]:
        with self._guard:
            self.begun += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            for piece in range(3):
                assert self.go.wait(20)
                yield str(piece)
        finally:
            with self._guard:
                self.running -= 1
                self.closed += 1


async def told(desk: Desk, begin: Slow) -> list[str]:
    return [piece async for piece in desk.stream(begin)]


def test_no_more_run_at_once_than_there_are_places() -> None:
    async def run() -> None:
        desk, slow = Desk(2, 3), Slow()
        try:
            asked = [asyncio.create_task(told(desk, slow)) for _ in range(5)]
            await asyncio.sleep(0.05)
            begun = time.perf_counter()
            with pytest.raises(Problem) as turned_away:
                await told(desk, slow)
            assert time.perf_counter() - begun < 0.2
            assert turned_away.value.status == 503
            assert int(turned_away.value.headers["Retry-After"]) > 0
            slow.go.set()
            assert await asyncio.gather(*asked) == [["0", "1", "2"]] * 5
            assert (slow.most, slow.begun, slow.closed) == (2, 5, 5)
            assert await told(desk, slow) == ["0", "1", "2"]
        finally:
            desk.close()

    awaited(run)


def test_who_leaves_closes_what_was_begun_and_frees_the_place() -> None:
    async def run() -> None:
        desk, slow = Desk(1, 0), Slow()
        try:
            asked = asyncio.create_task(told(desk, slow))
            await asyncio.sleep(0.05)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            slow.go.set()
            # The place is free at once; the thread follows at the iterator's next piece.
            assert await told(desk, slow) == ["0", "1", "2"]
            assert slow.closed == 2
        finally:
            desk.close()

    awaited(run)


def test_who_leaves_while_waiting_is_never_begun() -> None:
    async def run() -> None:
        desk, first, second = Desk(1, 1), Slow(), Slow()
        try:
            held = asyncio.create_task(told(desk, first))
            await asyncio.sleep(0.05)
            waiting = asyncio.create_task(told(desk, second))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            first.go.set()
            await held
            assert second.begun == 0
        finally:
            desk.close()

    awaited(run)


def test_an_error_is_raised_where_the_pieces_are_read() -> None:
    def broken() -> Iterator[str]:
        yield "begun"
        raise LookupError("it broke")

    async def run() -> None:
        desk, seen = Desk(1, 0), []
        try:
            with pytest.raises(LookupError, match="it broke"):
                async for piece in desk.stream(broken):
                    seen.append(piece)
            assert seen == ["begun"]
            with pytest.raises(ZeroDivisionError):
                await desk.run(lambda: 1 // 0)
            assert await desk.run(lambda: 7) == 7
        finally:
            desk.close()

    awaited(run)


def test_places_never_leak_however_people_come_and_go() -> None:
    async def run() -> None:
        desk, chance = Desk(3, 5), random.Random(5)

        def quick() -> Iterator[int]:
            for piece in range(3):
                time.sleep(chance.random() / 300)
                yield piece

        async def one() -> str:
            await asyncio.sleep(chance.random() / 10)
            try:
                async with asyncio.timeout(chance.choice([0.001, 0.01, 5])):
                    async for _ in desk.stream(quick):
                        pass
            except (Problem, TimeoutError) as error:
                return type(error).__name__
            return "answered"

        try:
            ends = await asyncio.gather(*(one() for _ in range(300)))
            assert {"answered", "Problem", "TimeoutError"} <= set(ends)
            # All eight places are there again.
            assert await asyncio.gather(*(desk.run(lambda: time.sleep(0.01)) for _ in range(8))) == [None] * 8
        finally:
            desk.close()

    awaited(run)


def test_whoever_stops_reading_in_the_middle_closes_the_iterator() -> None:
    async def run() -> None:
        desk, closed = Desk(1, 0), threading.Event()

        def endless() -> Iterator[int]:
            try:
                while True:
                    yield 1
                    time.sleep(0.001)
            finally:
                closed.set()

        try:
            stream = desk.stream(endless)
            assert await anext(stream) == 1
            with pytest.raises(Problem):
                await desk.run(lambda: 1)
            await stream.aclose()
            assert await asyncio.to_thread(closed.wait, 5)
            assert await desk.run(lambda: 7) == 7
        finally:
            desk.close()

    awaited(run)


def test_one_who_is_turned_away_has_nothing_run() -> None:
    async def run() -> None:
        desk, slow, never = Desk(1, 1), Slow(), Slow()
        try:
            asked = [asyncio.create_task(told(desk, slow)) for _ in range(2)]
            await asyncio.sleep(0.05)
            ran = []
            for _ in range(20):
                with pytest.raises(Problem):
                    await told(desk, never)
                with pytest.raises(Problem):
                    await desk.run(lambda: ran.append(1))
            slow.go.set()
            await asyncio.gather(*asked)
            await asyncio.sleep(0.05)
            assert (never.begun, ran) == (0, [])
        finally:
            desk.close()

    awaited(run)


def test_what_cannot_begin_frees_its_place() -> None:
    def broken() -> Iterator[str]:
        raise LookupError("not even begun")

    async def run() -> None:
        desk = Desk(1, 0)
        try:
            for _ in range(10):
                with pytest.raises(LookupError):
                    await anext(desk.stream(broken))
            assert await desk.run(lambda: 7) == 7
        finally:
            desk.close()

    awaited(run)


def test_closing_waits_for_what_runs_and_ends() -> None:
    async def run() -> None:
        desk, slow = Desk(1, 1), Slow()
        slow.go.set()
        assert await told(desk, slow) == ["0", "1", "2"]
        await asyncio.to_thread(desk.close)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("answer")]
        with pytest.raises(RuntimeError):
            await desk.run(lambda: 7)
        assert desk._inside == 0

    awaited(run)
