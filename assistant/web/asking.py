"""Answers beside the event loop: so many at once, so many waiting, and whoever comes after them is turned away at once.

It runs what it is given in threads and hands on what comes; it knows nothing of HTTP or of answers.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from assistant.web.problems import Problem

T = TypeVar("T")
_RETRY_SECONDS = 3


class Desk:
    """Where questions are answered. For one event loop."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = at_once + waiting
        self._at_once = at_once
        self._inside = 0
        self.turned_away = 0
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="answer")

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def refuse_when_full(self) -> None:
        """Raises Problem (503) where no place is free: to be asked before anything is taken for an answer that will not be given."""
        if self._inside >= self._places:
            self.turned_away += 1
            raise Problem(503, "Too many people are asking right now. Please try again in a moment.", {"Retry-After": str(_RETRY_SECONDS)})

    @contextmanager
    def _place(self) -> Iterator[None]:
        self.refuse_when_full()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        # What is known of the request goes with it into the thread.
        return self._threads.submit(contextvars.copy_context().run, call)

    @property
    def in_progress(self) -> int:
        """Answers being made."""
        return min(self._inside, self._at_once)

    @property
    def waiting(self) -> int:
        """Questions that wait for their turn."""
        return self._inside - self.in_progress

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result. Raises Problem (503) where no place is free, and whatever the call raises."""
        with self._place():
            return await asyncio.wrap_future(self._submit(call))

    async def stream(self, begin: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        """The items of an iterator as they come; it is closed as soon as nobody reads on. Raises as `run` does, before the first."""
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        left = threading.Event()

        def tell(kind: str, value: Any) -> None:
            if not left.is_set():
                loop.call_soon_threadsafe(items.put_nowait, (kind, value))

        def work() -> None:
            iterator: Iterator[T] | None = None
            try:
                if not left.is_set():
                    iterator = begin()
                    for item in iterator:
                        tell("item", item)
                        if left.is_set():
                            break
                tell("end", None)
            except BaseException as error:  # noqa: BLE001 - it is raised where the items are read
                tell("error", error)
            finally:
                close = getattr(iterator, "close", None)
                if close is not None:
                    close()

        with self._place():
            done = self._submit(work)
            try:
                while True:
                    kind, value = await items.get()
                    if kind == "end":
                        return
                    if kind == "error":
                        raise value
                    yield value
            finally:
                left.set()
                done.cancel()
