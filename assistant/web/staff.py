"""Staff: who signs in with a password, whom a trusted proxy names, or whoever is at this machine; their role, and what they may see.

It knows `[web.auth]`, cookies and headers; nothing of what is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.responses import Response

from assistant.schema import Filters
from assistant.settings import AuthSettings, Role, WebSettings
from assistant.web.problems import Problem
from assistant.web.proxies import is_proxied

COOKIE = "forum_assistant"
_RANK: dict[Role, int] = {"reader": 0, "evaluator": 1, "admin": 2}
# scrypt as OWASP's cheat sheet for password storage gives it: 16 MB and about 50 ms for each guess.
_SCRYPT = {"n": 2**14, "r": 8, "p": 5, "maxmem": 64 * 1024 * 1024}


@dataclass(frozen=True, slots=True)
class Member:
    """Someone of the staff. `name` is empty for whoever is at this machine; without `collections` they see all."""

    name: str
    role: Role
    collections: tuple[str, ...] = ()

    @property
    def scope(self) -> Filters:
        """All that they may see."""
        return Filters(collections=self.collections)

    def is_a(self, role: Role) -> bool:
        """True for the role, and those above it."""
        return _RANK[self.role] >= _RANK[role]


class Staff:
    """Tells who of the staff sends a request. `open_as` is the role of everyone who does, where nobody signs in; None closes it."""

    def __init__(self, web: WebSettings, secret: str, open_as: Role | None) -> None:
        self.auth: AuthSettings = web.auth
        self._web = web
        self._open = Member("", open_as) if open_as and web.auth.mode == "none" else None
        self._users = {user.name: user for user in web.auth.users}
        self._groups = {group.name: group for group in web.auth.groups}
        self._sessions = URLSafeTimedSerializer(secret, salt="session")

    @property
    def exists(self) -> bool:
        """False where the server is for visitors and programs only."""
        return self._open is not None or self.auth.mode != "none"

    @property
    def open_to_all(self) -> bool:
        """True where everyone who reaches the server counts as staff."""
        return self._open is not None

    @property
    def signs_in(self) -> bool:
        return self.auth.mode == "users"

    @property
    def signs_out(self) -> str:
        """Where to sign out, from the server's root; empty where nobody signs in."""
        return "signout" if self.signs_in else self.auth.sign_out

    def member(self, request: Request) -> Member | None:
        """Who sends the request; None for a stranger."""
        if self.auth.mode == "proxy":
            return self._named_by_proxy(request)
        return self._signed_in(request) if self.signs_in else self._open

    def _named_by_proxy(self, request: Request) -> Member | None:
        name = request.headers.get(self.auth.user_header, "").strip()
        # Whoever reaches the server past the proxy can write any header.
        if not name or not is_proxied(request.scope):
            return None
        given = request.headers.get(self.auth.groups_header, "")
        return self._of(name, self.auth.default_role, tuple(part.strip() for part in given.split(",")))

    def _signed_in(self, request: Request) -> Member | None:
        try:
            name, mark = self._sessions.loads(request.cookies.get(COOKIE, ""), max_age=self.auth.session_hours * 3600)
        except (BadData, ValueError, TypeError):
            return None
        user = self._users.get(name)
        if user is None or mark != _mark(user.password):
            return None
        return self._of(user.name, user.role, tuple(user.groups))

    def _of(self, name: str, role: Role | None, groups: tuple[str, ...]) -> Member | None:
        held = [self._groups[group] for group in groups if group in self._groups]
        roles: list[Role] = [each for each in (role, *(group.role for group in held)) if each is not None]
        # A listed group that names no role is there to be let in.
        if held and not roles:
            roles = ["reader"]
        if not roles:
            return None
        whole = not held or any(not group.collections for group in held)
        seen = () if whole else tuple(sorted({one for group in held for one in group.collections}))
        return Member(name, max(roles, key=_RANK.__getitem__), seen)

    def stranger(self, page: str | None = None) -> Problem:
        """What someone who is not of the staff is told; for a page of ours (its path from the root) it leads to the form, where there is one."""
        if page is not None and self.signs_in:
            return Problem(303, "Please sign in.", {"Location": "../" * page.count("/") + "signin" + (f"?{urlencode({'next': page})}" if page else "")})
        return Problem(401, "Please sign in.")

    # -- signing in and out ---------------------------------------------------------------------------------

    def signs(self, name: str, password: str) -> bool:
        """Whether the password is the user's. Takes as long where there is no such user."""
        user = self._users.get(name)
        kept = user.password if user else _NOBODY
        return password_is(password, kept) and user is not None

    def begin(self, response: Response, name: str) -> None:
        """Give the browser a session."""
        token = signed(self._sessions, [name, _mark(self._users[name].password)])
        response.set_cookie(COOKIE, token, max_age=self.auth.session_hours * 3600, path=self._path, secure=self._web.public_url.startswith("https://"), httponly=True, samesite="lax")

    def end(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path=self._path)

    @property
    def _path(self) -> str:
        return f"{self._web.prefix}/"


def signed(serializer: URLSafeTimedSerializer, value: Any) -> str:
    """A value with its signature, as text."""
    made = serializer.dumps(value)
    return made if isinstance(made, str) else made.decode()


def hash_of(password: str) -> str:
    """How a password is kept: salted, and slow to guess."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_scrypt(password, salt).hex()}"


def password_is(password: str, kept: str) -> bool:
    """Whether a password is the one that `hash_of` was given."""
    _, salt, digest = kept.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), digest)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_SCRYPT)


def _mark(kept: str) -> str:
    """Changes with the password, so that sessions end with it."""
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


_NOBODY = f"scrypt:{'0' * 32}:{'0' * 64}"
