"""Coroutines in tests: in a thread of their own, since playwright keeps an event loop running in the main one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def awaited(begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What a coroutine returns or raises."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(begin())).result()
