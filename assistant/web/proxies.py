"""What stands between the reader and the server: reverse proxies whose word on the client is taken, and the path below which they serve us.

It knows addresses and paths, nothing of what is behind them.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_TRUSTED = "assistant.proxied"


class Behind:
    """ASGI middleware before everything else.

    A proxy may pass the prefix on or take it away: below it, the application finds its paths either way.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str], prefix: str) -> None:
        self._proxied = ProxyHeadersMiddleware(app, list(proxies))  # type: ignore[arg-type]
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # Who is at the other end of the connection, before a proxy's word on its client takes that place.
            scope = {**scope, _TRUSTED: (scope.get("client") or ("",))[0] in self._proxied.trusted_hosts}
            if self._prefix:
                path = scope["path"]
                if path == self._prefix:
                    await RedirectResponse(f"{self._prefix}/", 308)(scope, receive, send)
                    return
                inner = path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path
                raw = scope.get("raw_path") or inner.encode()
                start = self._prefix.encode()
                raw = raw if raw.startswith(start + b"/") else start + raw
                scope = {**scope, "root_path": self._prefix, "path": self._prefix + inner, "raw_path": raw}
        await self._proxied(scope, receive, send)  # type: ignore[arg-type]


def is_proxied(scope: Scope) -> bool:
    """Whether a request came through one of the proxies."""
    return bool(scope.get(_TRUSTED))


def path_of(scope: Scope) -> str:
    """The path below the prefix."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path
