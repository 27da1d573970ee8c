"""Pages of our own: templates in which every value is text, the style they share, and a policy that lets nothing else in.

It knows templates and headers; what a page says is decided where it is asked for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = "page.css"


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def policy(*, scripts: bool = False, frames: str = "'none'") -> str:
    """A Content-Security-Policy: this server's style, its scripts where the page has some, and who may frame it."""
    ours = "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; " if scripts else ""
    return f"default-src 'none'; style-src 'self'; {ours}frame-src 'self'; frame-ancestors {frames}; base-uri 'none'; form-action 'none'"


def page(template: str, content_policy: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page made of a template. `root` among the values leads to the server's root, so that a prefix before it does no harm."""
    body = _environment().get_template(template).render(**values)
    return HTMLResponse(body, status, {"Content-Security-Policy": content_policy, "Cache-Control": "no-cache"})


def routes() -> APIRouter:
    """The style that the pages share."""
    router = APIRouter()
    style = (STATIC / _STYLE).read_bytes()

    @router.get(f"/pages/{_STYLE}", include_in_schema=False)
    def stylesheet() -> Response:
        return Response(style, media_type="text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=600"})

    return router
