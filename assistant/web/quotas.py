"""How often someone may ask: counted per key and window of time, in memory, gone with the window.

An address is kept as a keyed hash that no one can turn back, and a network of IPv6 counts as one address. It knows limits; who asks is
decided elsewhere.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from assistant.web.problems import Problem

# What an answer costs, and what reading a document, a token or the like does.
ASKING, READING = 10, 1
_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many answers in a time (`20/minute`) for whoever is called `name`."""

    name: str
    rate: str

    def item(self) -> RateLimitItem:
        amount, _, unit = self.rate.partition("/")
        return parse(f"{int(amount) * ASKING}/{unit}")


class Quotas:
    """What has been spent; for one event loop."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def spend(self, quotas: tuple[Quota, ...], cost: int) -> None:
        """Take the cost from all of them, or from none. Raises Problem (429), which says when to come back."""
        items = [(quota.item(), quota.name) for quota in quotas]
        for item, name in items:
            if not await self._limiter.test(item, name, cost=cost):
                stats = await self._limiter.get_window_stats(item, name)
                seconds = max(1, math.ceil(stats.reset_time - time.time()))
                raise Problem(429, f"Too many questions for now. Try again in {seconds} seconds.", {"Retry-After": str(seconds)})
        for item, name in items:
            await self._limiter.hit(item, name, cost=cost)

    async def forget(self, quota: Quota) -> None:
        """What was spent of a quota counts no more."""
        await self._limiter.clear(quota.item(), quota.name)


def address(host: str) -> str:
    """What stands for a client's address: a hash of it, for IPv6 of its network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(parsed, ipaddress.IPv6Address):
            host = str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    except ValueError:
        pass
    return hashlib.blake2b(host.encode(), key=_SALT, digest_size=12).hexdigest()
