"""The page where staff sign in with name and password, and signing out.

It knows forms and the session's cookie; who is staff is `staff`'s business.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from assistant.language.packs import pack
from assistant.web.access import Access
from assistant.web.pages import page, policy
from assistant.web.problems import Problem
from assistant.web.quotas import ASKING, Quota, address
from assistant.web.rendering import preferred

# Guesses from one address, and for one name from everywhere. A whole office may have one address, so what was no guess does not count there.
_PER_ADDRESS, _PER_NAME = "20/minute", "60/hour"
# Pages of ours that someone may have wanted before they signed in: no other site, and no path that leaves us.
_NEXT = re.compile(r"(?:manage/[a-z]+|documents/[^\\:#]*)?")
_LONGEST = 1000


def routes(access: Access) -> APIRouter:
    """`/signin` and `/signout`; without users to sign in there is nothing at these addresses."""
    router = APIRouter(include_in_schema=False)
    staff = access.staff
    if not staff.signs_in:
        return router

    def form_page(request: Request, wanted: str, problem: str = "", name: str = "", status: int = 200) -> HTMLResponse:
        words = pack(preferred(request.headers.get("accept-language", "")))
        said = words.console.get(problem, problem)
        return page("signin.html", policy(forms=True), status, root="", words=words, next=wanted, problem=said, name=name)

    def wanted_of(text: str) -> str:
        return text if _NEXT.fullmatch(text) and ".." not in text else ""

    @router.get("/signin")
    async def sign_in_page(request: Request, next: Annotated[str, Query(max_length=2000)] = "") -> Response:
        return form_page(request, wanted_of(next))

    @router.post("/signin")
    async def sign_in(request: Request) -> Response:
        if not access.own(request):
            raise Problem(403, "This form belongs to another page.")
        form = await request.form()
        name, password, wanted = str(form.get("name", ""))[:_LONGEST], str(form.get("password", "")), wanted_of(str(form.get("next", "")))
        client = address(request.client.host if request.client else "")
        guesses = Quota(f"signin {client}", _PER_ADDRESS)
        try:
            await access.quotas.spend((guesses, Quota(f"signin name {hashlib.sha256(name.encode()).hexdigest()}", _PER_NAME)), ASKING)
        except Problem as problem:
            words = pack(preferred(request.headers.get("accept-language", "")))
            return form_page(request, wanted, words.console["wait"].format(seconds=problem.headers.get("Retry-After", "60")), name, 429)
        if len(password) > _LONGEST or not await asyncio.to_thread(staff.signs, name, password):
            return form_page(request, wanted, "not_signed_in", name, 403)
        await access.quotas.forget(guesses)
        # Addresses are relative: the server need not know below which path it stands.
        response = RedirectResponse(wanted or "./", 303)
        staff.begin(response, name)
        return response

    @router.post("/signout")
    async def sign_out(request: Request) -> Response:
        if not access.own(request):
            raise Problem(403, "This form belongs to another page.")
        response = RedirectResponse("signin", 303)
        staff.end(response)
        return response

    return router
