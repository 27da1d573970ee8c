"""The API's OpenAPI description, at /api/v1/openapi.json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from assistant.web.access import TOKEN_HEADER
from assistant.web.api import Told
from assistant.web.completions import Completion
from assistant.web.problems import ProblemDocument

_ABOUT = (
    "Answers about health and life-science forums, conferences, clusters and innovation platforms, every statement backed by a quote that stands in a document. "
    "Programs send a key (`Authorization: Bearer …`), a portal's visitors a token that a visit gave them; errors are problem documents (RFC 9457)."
)
_FOR_VISITORS = ("/api/v1/ask", "/api/v1/feedback", "/api/v1/documents/", "/api/v1/pages/", "/api/v1/briefings")
_PLACE = "#/components/schemas/{model}"


def describe(app: FastAPI, *, with_keys: bool, prefix: str = "") -> None:
    """Serve the description. `with_keys` says that nothing is answered without a key or a visitor's token; `prefix` is the path below which we stand."""
    servers = [{"url": prefix}] if prefix else None
    schema = get_openapi(title="Forum Assistant", version="1", description=_ABOUT, routes=app.routes, servers=servers)
    components: dict[str, Any] = schema.setdefault("components", {})
    models: dict[str, Any] = components.setdefault("schemas", {})
    for kind in (Told, ProblemDocument, Completion):
        found = TypeAdapter(kind).json_schema(ref_template=_PLACE, mode="serialization")
        models |= found.pop("$defs", {})
        models[kind.__name__] = found
    if with_keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}, "visitor": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER}}
        for path, methods in schema["paths"].items():
            for operation in methods.values():
                if not path.startswith("/api/v1/portals"):
                    operation["security"] = [{"key": []}, *([{"visitor": []}] if path.startswith(_FOR_VISITORS) else [])]
    response = JSONResponse(schema)

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return response
