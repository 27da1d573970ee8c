"""The console of staff: the page, in Gradio and its own theme, and what its script is told. The script itself asks the API.

The page has no Gradio events, so that Gradio's queue, uploads and files stay closed (docs/decisions/012-console.md). Importing this module does
not import Gradio; mounting it does.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from assistant.errors import IndexNotFound
from assistant.language.packs import codes, pack
from assistant.schema import Facets
from assistant.web.access import Access, Caller
from assistant.web.asking import Desk
from assistant.web.manage import views_of
from assistant.web.portals import Wording, wording
from assistant.web.problems import documented
from assistant.web.rendering import preferred

_NO_STORE = {"Cache-Control": "no-store"}
Wanted = Annotated[str, Query(max_length=200, description="Languages, the best first, as in Accept-Language.", examples=["ja, en;q=0.5"])]


class Console(Wording):
    """What the console is told, in one language, of what its reader may see."""

    languages: list[dict[str, str]] = Field(description="Languages of the interface, with their names.")
    facets: Facets = Field(description="What there is to filter by: documents by collection and language, and years.")
    model: str = Field(description="That a language model writes the answers, where one does.")
    user: str
    role: str
    signs_out: str = Field(description="Where to sign out; empty where nobody signs in.")
    manages: list[str] = Field(description="Views of the management pages that the role may open.")


def told(access: Access, caller: Caller, language: str, facets: Facets) -> Console:
    """What the console is told."""
    words, model, member = pack(language), access.settings.llm.name, caller.member
    texts = {key: words.interface[key] for key in ("title", "subtitle", "no_sources", "examples")} | dict(words.console)
    return Console(
        **wording(language, texts), languages=[{"code": code, "name": pack(code).name} for code in codes()], facets=facets,
        model=words.interface["model_named"].format(model=model) if model else "", user=member.name if member else "", role=member.role if member else "reader", signs_out=access.staff.signs_out,
        manages=list(views_of(member)) if member else [],
    )  # fmt: skip


def routes(access: Access, desk: Desk) -> APIRouter:
    """`/api/v1/console`: what the page shows, and questions to begin with."""
    router = APIRouter(prefix="/api/v1/console", tags=["console"])
    kept: dict[tuple[Any, ...], list[str]] = {}

    def chosen(request: Request, language: str) -> str:
        return preferred(language or request.headers.get("accept-language", ""))

    @router.get("", summary="What the console shows", response_class=JSONResponse, responses={200: {"model": Console}, **documented(401, 403, 422, 503)})
    async def console(request: Request, language: Wanted = "") -> JSONResponse:
        caller = access.caller(request, "ask")

        def facets() -> Facets:
            try:
                return caller.assistant.facets()
            except IndexNotFound:
                return Facets({}, {}, ())

        return JSONResponse(told(access, caller, chosen(request, language), await desk.run(facets)).model_dump(), headers=_NO_STORE)

    @router.get("/questions", summary="Questions to begin with", response_class=JSONResponse, responses={200: {"model": list[str]}, **documented(401, 403, 422, 503)})
    async def questions(request: Request, language: Wanted = "") -> JSONResponse:
        caller = access.caller(request, "ask")
        code = chosen(request, language)
        own = access.settings.web.questions
        if code in own:
            return JSONResponse(own[code], headers=_NO_STORE)

        def offered() -> list[str]:
            try:
                # What is suggested holds for as long as the documents do.
                about = (caller.assistant.generation(), caller.channel, caller.member.collections if caller.member else (), code)
                if about not in kept:
                    for old in [key for key in kept if key[0] != about[0]]:
                        kept.pop(old, None)
                    kept[about] = list(caller.assistant.suggested(code))
                return kept[about]
            except IndexNotFound:
                return []

        return JSONResponse(await desk.run(offered), headers=_NO_STORE)

    return router


def mount(app: FastAPI, access: Access, prefix: str) -> FastAPI:
    """The application with the page at `/`."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    with gr.Blocks(title="Forum Assistant", analytics_enabled=False, fill_width=True, fill_height=True) as page:
        gr.HTML("<forum-console></forum-console>", elem_id="console", js_on_load=None, apply_default_css=False)
    fonts = ["system-ui", "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "sans-serif"]
    theme = gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"], radius_size="lg").set(
        body_background_fill="white", body_background_fill_dark="#11181f", background_fill_primary="white", background_fill_primary_dark="#11181f",
        background_fill_secondary="#f5f7f8", background_fill_secondary_dark="#18212a", border_color_primary="#d3dbe1", border_color_primary_dark="#34424e",
        body_text_color="#1b2733", body_text_color_dark="#e4eaee", body_text_color_subdued="#55636f", body_text_color_subdued_dark="#a9b6c0",
        color_accent="#0f766e", link_text_color="#0f6b64", link_text_color_dark="#5fd0c5",
    )  # fmt: skip
    head = '<meta name="referrer" content="same-origin"><link rel="icon" href="pages/icon.svg"><style>footer { display: none !important; } body { overflow: hidden; }</style><script src="pages/console.js" defer></script>'
    mounted: FastAPI = gr.mount_gradio_app(
        app, page, path="/", footer_links=[], run_history=False, allowed_paths=[], show_error=False, ssr_mode=False, root_path=prefix or None,
        enable_monitoring=False, pwa=False, mcp_server=False, theme=theme, head=head,
    )  # fmt: skip
    return mounted
