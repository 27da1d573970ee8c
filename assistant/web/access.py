"""Who asks, and what they may see: staff, a program with a key, or a portal's visitor with a token.

A caller carries an assistant that is limited to what they may see, so that no route can forget it. An Origin header is no proof of anything
(any program can send one): it keeps honest browsers in their lanes, and quotas bound what everyone else can do.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import Request
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from assistant.errors import SettingsError
from assistant.feedback import Rated, Span
from assistant.pipeline import Assistant
from assistant.schema import Answer, Filters, Message
from assistant.settings import KeyScope, Portal, Role
from assistant.web.observing import Observer
from assistant.web.problems import Problem
from assistant.web.quotas import READING, Quota, Quotas, address
from assistant.web.staff import Member, Staff, signed

TOKEN_HEADER = "X-Visitor-Token"  # noqa: S105 - a header's name
EVERYTHING: frozenset[KeyScope] = frozenset({"ask", "search", "documents", "feedback"})
_VISITOR: frozenset[KeyScope] = frozenset({"ask", "documents", "feedback"})
_SHORTEST_SECRET = 32
_RECEIPT_DAYS = 1
KEY_PREFIX = "fa_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who may do something. `channel` names them where feedback is kept; `assistant` sees no more than they may."""

    channel: str
    assistant: Assistant
    may: frozenset[KeyScope]
    quotas: tuple[Quota, ...] = ()
    portal: Portal | None = None
    member: Member | None = None
    observer: Observer | None = None

    def stream(self, question: str, history: Sequence[Message] = (), filters: Filters | None = None, *, language: str = "") -> Iterator[str | Answer]:
        """The assistant's `stream`, seen by the observer."""
        events = self.assistant.stream(question, history, filters, language=language)
        return events if self.observer is None else self.observer.watched(events, self.channel)


class Access:
    """Tells callers apart. `open_as` is the role of everyone who reaches the server, where nobody signs in; None where that makes nobody staff."""

    def __init__(self, assistant: Assistant, *, open_as: Role | None, observer: Observer | None = None) -> None:
        web = assistant.settings.web
        self.settings = assistant.settings
        self.portals = {portal.id: portal for portal in assistant.settings.portals}
        self.keys = {key.sha256: key for key in web.keys}
        self.quotas = Quotas()
        # It sees and may change everything: for staff whose role was looked at.
        self.whole = assistant
        self._limited = {portal.id: assistant.limited(portal.scope) for portal in self.portals.values()}
        self._limited |= {f"key:{key.name}": assistant.limited(key.scope) for key in web.keys}
        self._public_url = web.public_url
        self._public_origin = web.origin
        self._observer = observer
        self.token_seconds = web.token_minutes * 60
        secret = secret_of(web.secret_env)
        self._tokens, self._receipts = (URLSafeTimedSerializer(secret, salt=salt) for salt in ("visitor", "receipt"))
        self.staff = Staff(web, secret, open_as)

    def warm(self) -> None:
        """Load what the first visitor's question would wait for."""
        for assistant in self._limited.values():
            assistant.warm()

    def origins(self) -> list[str]:
        """Every origin that some portal lists."""
        return sorted({origin for portal in self.portals.values() for origin in portal.origins})

    def portal(self, identity: str) -> Portal:
        """Raises Problem (404)."""
        if identity not in self.portals:
            raise Problem(404, "There is no such portal.")
        return self.portals[identity]

    # -- who it is ------------------------------------------------------------------------------------------

    def caller(self, request: Request, scope: KeyScope) -> Caller:
        """Who sent a request, if they may do this. Raises Problem (401, 403)."""
        found = self.identified(request)
        if scope not in found.may:
            raise Problem(403, f"This key lacks the scope {scope}.")
        return found

    def identified(self, request: Request) -> Caller:
        """Who sent a request. Raises Problem (401, 403)."""
        if token := request.headers.get(TOKEN_HEADER):
            return self._visitor(request, token)
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        # Clients that insist on sending some key may, where none is needed.
        if kind.lower() == "bearer" and key and (self.keys or not self.staff.open_to_all):
            return self._program(key.strip())
        if self.own(request) and (member := self.staff.member(request)) is not None:
            return self._staff(member)
        raise Problem(401, "This needs a key: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})

    def employee(self, request: Request, role: Role, page: str | None = None) -> Member:
        """Who of the staff sent a request, if they have the role. Raises Problem (401, 403); for a `page`, 303 to where one signs in and comes back from."""
        member = self.staff.member(request) if self.own(request) else None
        if member is None:
            raise self.staff.stranger(page)
        if not member.is_a(role):
            raise Problem(403, "This is not for your role.")
        return member

    def _staff(self, member: Member) -> Caller:
        name = f"staff:{','.join(member.collections)}"
        if member.collections and name not in self._limited:
            self._limited[name] = self.whole.limited(member.scope)
        seen = self._limited[name] if member.collections else self.whole
        return Caller("console", seen, EVERYTHING | {"metrics"} if member.is_a("admin") else EVERYTHING, member=member, observer=self._observer)

    def _visitor(self, request: Request, token: str) -> Caller:
        try:
            identity, origin = self._tokens.loads(token, max_age=self.token_seconds)
        except SignatureExpired:
            raise Problem(401, "The visit has expired. Begin a new one.", {"WWW-Authenticate": TOKEN_HEADER}) from None
        except (BadData, ValueError, TypeError):
            raise Problem(401, "The visitor's token is not valid.", {"WWW-Authenticate": TOKEN_HEADER}) from None
        portal = self.portals.get(identity)
        if portal is None or self.visited_from(request, portal) != origin:
            raise Problem(403, "The visit belongs to another page.")
        return self.visitor(request, portal)

    def visitor(self, request: Request, portal: Portal) -> Caller:
        """A visitor of a portal, whose public documents anyone may read."""
        client = address(request.client.host if request.client else "")
        quotas = (Quota(f"{portal.id} {client}", portal.quotas.per_client), Quota(portal.id, portal.quotas.per_portal))
        may = _VISITOR if portal.feedback else _VISITOR - {"feedback"}
        return Caller(portal.id, self._limited[portal.id], may, quotas, portal, observer=self._observer)

    def _program(self, key: str) -> Caller:
        known = self.keys.get(hashed(key))
        if known is None:
            raise Problem(401, "The key is not known.", {"WWW-Authenticate": "Bearer"})
        name = f"key:{known.name}"
        return Caller(name, self._limited[name], frozenset(known.scopes), (Quota(name, known.quota),), observer=self._observer)

    # -- where from -----------------------------------------------------------------------------------------

    def base(self, request: Request) -> str:
        """The address under which the server is reached, without a slash at its end."""
        return self._public_url or str(request.base_url).rstrip("/")

    def own(self, request: Request) -> bool:
        """True unless a page of another origin sent the request."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
        if request.headers.get("sec-fetch-mode") == "navigate" and request.method == "GET":
            return True
        # A form of a page that sends no referrer names no origin either; the browser's own word is `site`.
        named = origin is None or origin in self._own_origins(request) or (origin == "null" and site == "same-origin")
        return named and site in ("none", "same-origin")

    def _own_origins(self, request: Request) -> tuple[str, ...]:
        return (f"{request.url.scheme}://{request.url.netloc}", self._public_origin)

    def visited_from(self, request: Request, portal: Portal) -> str:
        """The origin of the page that a request comes from. Raises Problem (403) for one that the portal does not list."""
        origin = request.headers.get("origin")
        if not portal.origins:
            raise Problem(403, "The portal is closed.")
        if origin is None and request.method == "GET" and self.own(request):
            return self._own_origins(request)[0]
        if not origin or origin not in (*portal.origins, *self._own_origins(request)):
            raise Problem(403, "This page may not use the portal.")
        return origin

    async def begin(self, request: Request, portal: Portal) -> str:
        """A token for a visit from a page that the portal lists. Raises Problem (403, 429)."""
        origin = self.visited_from(request, portal)
        await self.quotas.spend(self.visitor(request, portal).quotas, READING)
        return signed(self._tokens, [portal.id, origin])

    # -- receipts: who has an answer may say something of it, and nothing is kept until they do ---------------------------

    def receipt(self, caller: Caller, answer: Answer) -> str:
        rated = Rated.of(answer)
        spans = [[span.document_id, span.start, span.end] for span in rated.citations]
        return signed(self._receipts, [caller.channel, rated.question, rated.language, rated.mode, spans])

    def rated(self, caller: Caller, receipt: str) -> Rated:
        """The answer that a receipt was given for. Raises Problem (404)."""
        try:
            channel, question, language, mode, spans = self._receipts.loads(receipt, max_age=_RECEIPT_DAYS * 86400)
        except (BadData, ValueError, TypeError):
            channel = ""
        if channel != caller.channel:
            raise Problem(404, "There is no answer of today with this receipt.")
        return Rated(question, language, mode, tuple(Span(*span) for span in spans))


def hashed(key: str) -> str:
    """How a key is kept. Keys have 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> tuple[str, str]:
    """A key, to be shown once, and what is kept of it."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return key, hashed(key)


def secret_of(variable: str) -> str:
    """What is signed with: what the variable holds, or without one something new. Raises SettingsError where it holds none."""
    if not variable:
        return secrets.token_urlsafe(48)
    secret = os.environ.get(variable, "")
    if len(secret) < _SHORTEST_SECRET:
        raise SettingsError(f"the environment variable {variable} of web.secret_env holds no secret of {_SHORTEST_SECRET} characters", fix=f"export {variable}=$(openssl rand -hex 32)")
    return secret
