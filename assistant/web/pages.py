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

from assistant.web.problems import Problem

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = ("page.css", "console.css")
# Scripts that draw answers stand behind what they share, in one function: one file for the browser, and no build.
_SCRIPTS = {"console.js": ("answers.js", "console.js"), "manage.js": ("manage.js",)}


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def policy(*, scripts: bool = False, forms: bool = False, frames: str = "'none'") -> str:
    """A Content-Security-Policy: this server's style, its scripts and forms where the page has some, and who may frame it."""
    ours = "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; " if scripts else ""
    sent = "'self'" if forms else "'none'"
    return f"default-src 'none'; style-src 'self'; img-src 'self'; {ours}frame-src 'self'; frame-ancestors {frames}; base-uri 'none'; form-action {sent}"


def page(template: str, content_policy: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page made of a template. `root` among the values leads to the server's root, so that a prefix before it does no harm."""
    body = _environment().get_template(template).render(**values)
    return HTMLResponse(body, status, {"Content-Security-Policy": content_policy, "Cache-Control": "no-cache"})


def script(*names: str) -> bytes:
    """Scripts of `static/` as one, in a function of its own."""
    parts = [(STATIC / name).read_text(encoding="utf-8") for name in names]
    return "\n".join(("(() => {", '"use strict";', *parts, "})();\n")).encode()


def routes() -> APIRouter:
    """The styles, scripts and icon of our pages."""
    router = APIRouter()
    files = {name: ((STATIC / name).read_bytes(), "text/css; charset=utf-8") for name in _STYLES}
    files["icon.svg"] = (STATIC / "icon.svg").read_bytes(), "image/svg+xml"
    files |= {name: (script(*parts), "text/javascript; charset=utf-8") for name, parts in _SCRIPTS.items()}

    @router.get("/pages/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        if name not in files:
            raise Problem(404, "There is nothing at this address.")
        content, kind = files[name]
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    return router
