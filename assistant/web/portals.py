"""Portals: what the widget is told of one, the pages that frame or show it, and the tag that brings it onto a page.

It knows settings, packs and HTML; who may reach a portal is `access`'s business.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from assistant.errors import SettingsError
from assistant.feedback import LONGEST_COMMENT, REASONS
from assistant.language.packs import FALLBACK, codes, pack
from assistant.pipeline import LONGEST_QUESTION
from assistant.settings import Portal, PortalTexts
from assistant.web.access import TOKEN_HEADER, Access
from assistant.web.pages import page, policy, script
from assistant.web.problems import documented
from assistant.web.rendering import preferred

_SCRIPT = "widget.js"
# The interface's words that such pages use beside those of the widget.
_SHARED = (
    "placeholder", "send", "stop", "clear", "sources", "page", "open_source", "nearest", "undated", "retry", "thinking", "failed", "feedback_ask",
    "feedback_comment", "feedback_send", "feedback_thanks",
)  # fmt: skip


class Wording(BaseModel):
    """What a page that shows answers is told of its reader's language."""

    language: str
    direction: str
    right_to_left: list[str]
    texts: dict[str, str]
    names: dict[str, str] = Field(description="Languages' names.")
    reasons: dict[str, str] = Field(description="What may be wrong with an answer, and how the reader calls it.")
    longest_question: int
    longest_comment: int


def wording(language: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a Wording; `texts` are put over the words that all such pages use."""
    words = pack(language)
    return {
        "language": language, "direction": words.direction, "right_to_left": [code for code in codes() if pack(code).direction == "rtl"],
        "texts": {key: words.interface[key] for key in _SHARED} | dict(words.widget) | dict(texts), "names": {code: words.language_name(code) for code in dict.fromkeys((*codes(), *words.languages))},
        "reasons": {reason: words.interface[f"feedback_{reason}"] for reason in REASONS}, "longest_question": LONGEST_QUESTION, "longest_comment": LONGEST_COMMENT,
    }  # fmt: skip


class Widget(Wording):
    """What the widget is told of a portal, in one language."""

    id: str
    languages: list[str]
    questions: list[str]
    theme: dict[str, Any]
    privacy: str
    contact: str
    model: str = Field(description="The language model that writes the answers, where one does.")
    feedback: bool
    token_header: str


def check(portals: list[Portal]) -> None:
    """Raises SettingsError for a language without a pack."""
    for portal in portals:
        notice = portal.ai_notice if isinstance(portal.ai_notice, dict) else {}
        for language in (*portal.languages, *portal.texts, *notice):
            if language not in codes():
                raise SettingsError(f"the portal {portal.id} speaks {language!r}, for which there is no pack", fix=f"one of {', '.join(codes())}, or a pack of your own: docs/extending.md")


def languages_of(portal: Portal) -> tuple[str, ...]:
    """The widget's languages, the one that stands in for others first."""
    return tuple(portal.languages) or codes()


def spoken(portal: Portal, wanted: str) -> str:
    """The language of the widget for a list of wanted ones, as in Accept-Language."""
    return preferred(wanted, languages_of(portal))


def notice_of(portal: Portal, language: str) -> str:
    """The notice that a machine answers: in the language, else in the portal's first that has one."""
    if isinstance(portal.ai_notice, str):
        return pack(language).widget["notice"]
    said = portal.ai_notice
    return said.get(language) or next((said[code] for code in (*languages_of(portal), *said) if code in said), "")


def widget_of(portal: Portal, language: str, model: str) -> Widget:
    """What the widget is told."""
    words = pack(language)
    own = portal.texts.get(language, PortalTexts())  # type: ignore[call-arg]
    texts = {"title": own.title or words.interface["title"], "welcome": own.welcome or words.interface["subtitle"], "notice": notice_of(portal, language)}
    texts |= {"placeholder": own.placeholder or words.interface["placeholder"], "model": words.interface["model_named"].format(model=model) if model else ""}
    return Widget(
        **wording(language, texts), id=portal.id, languages=list(languages_of(portal)), questions=list(own.questions), theme=theme_of(portal), privacy=portal.privacy,
        contact=portal.contact, model=model, feedback=portal.feedback, token_header=TOKEN_HEADER,
    )  # fmt: skip


def theme_of(portal: Portal) -> dict[str, Any]:
    """The theme, and the colour of text upon the accent: white or black, whichever is easier to read (WCAG's relative luminance)."""
    theme = portal.theme
    channels = [int(theme.accent[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    ink = "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"
    return {"scheme": theme.scheme, "accent": theme.accent, "on_accent": ink, "radius": theme.radius, "position": theme.position}


def snippet(portal: Portal, base: str, kind: str = "floating") -> str:
    """The tag for a page: `floating`, `inline` (with the place it goes to), or `iframe`."""
    name = html.escape(portal.id, quote=True)
    if kind == "iframe":
        return f'<iframe src="{base}/embed/{name}" title="{html.escape(pack(languages_of(portal)[0]).interface["title"], quote=True)}" width="420" height="640" style="border: 0"></iframe>'
    if kind == "inline":
        return f'<div id="forum-assistant"></div>\n<script src="{base}/{_SCRIPT}" data-portal="{name}" data-mount="#forum-assistant" async></script>'
    return f'<script src="{base}/{_SCRIPT}" data-portal="{name}" async></script>'


def host_policy(base: str) -> str:
    """What a page's own Content-Security-Policy must allow for the tag, and for the frame."""
    return f"script-src {base}; connect-src {base} (the tag), or frame-src {base} (the iframe)"


def routes(access: Access, *, demo: bool) -> APIRouter:
    """`/widget.js`, what it asks for, `/embed/ID`, and where asked for `/demo`."""
    router = APIRouter()
    settings = access.settings
    check(settings.portals)
    model = settings.llm.name
    whole = script("answers.js", _SCRIPT)

    @router.get(f"/{_SCRIPT}", include_in_schema=False)
    def widget_script() -> Response:
        return Response(whole, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "public, max-age=600", "Cross-Origin-Resource-Policy": "cross-origin"})

    @router.get("/api/v1/portals/{portal}", summary="What the widget shows", tags=["portals"], response_class=JSONResponse, responses={200: {"model": Widget}, **documented(403, 404, 422)})
    def told(portal: Annotated[str, Path(max_length=50, examples=["city"])], request: Request, language: Annotated[str, Query(max_length=200, description="Languages, the best first, as in Accept-Language.", examples=["de-AT, en;q=0.5"])] = "") -> JSONResponse:
        found = access.portal(portal)
        access.visited_from(request, found)
        widget = widget_of(found, spoken(found, language or request.headers.get("accept-language", "")), model)
        return JSONResponse(widget.model_dump(), headers={"Cache-Control": "private, max-age=300", "Vary": "Origin, Accept-Language"})

    @router.get("/embed/{portal}", include_in_schema=False)
    def embed(portal: str, request: Request, language: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        found = access.portal(portal)
        chosen = spoken(found, language or request.headers.get("accept-language", ""))
        framed = " ".join(found.origins) or "'none'"
        return page("embed.html", policy(scripts=True, frames=f"'self' {framed}" if found.origins else "'none'"), root="../", portal=found.id, language=chosen, words=pack(chosen))

    if demo:

        @router.get("/demo", include_in_schema=False)
        def demonstration(request: Request, portal: Annotated[str, Query(max_length=50)] = "", language: Annotated[str, Query(max_length=20)] = "") -> HTMLResponse:
            chosen = access.portal(portal) if portal else next(iter(access.portals.values()), None)
            code = spoken(chosen, language or request.headers.get("accept-language", "")) if chosen else FALLBACK
            base = access.base(request)
            tags = {kind: snippet(chosen, base, kind) for kind in ("floating", "inline", "iframe")} if chosen else {}
            return page(
                "demo.html", policy(scripts=True), root="", portal=chosen, portals=list(access.portals.values()), language=code, words=pack(code), tags=tags,
                languages=[(c, pack(c).name) for c in (languages_of(chosen) if chosen else ())], host_policy=host_policy(base), quote=quote,
            )  # fmt: skip

    return router
