"""What operators ask the server: whether it lives, whether it may be sent questions, and its metrics.

It knows the index's own word on itself; what is measured is `observing`'s business.
"""

from __future__ import annotations

import threading
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from assistant.errors import AssistantError
from assistant.web.access import Access
from assistant.web.observing import Observer


def routes(access: Access, observer: Observer, stopping: threading.Event) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def healthz() -> Any:
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> Any:
        """Ready where the index is open, its parts agree, and the server is not being stopped."""
        if stopping.is_set():
            return JSONResponse({"status": "not ready", "reason": "The server is being stopped."}, status_code=503)
        try:
            documents = access.whole.check_ready()
        except AssistantError as error:
            return JSONResponse({"status": "not ready", "reason": error.public}, status_code=503)
        # How many documents there are is staff's to know.
        return {"status": "ready"} | ({"documents": documents} if access.staff.open_to_all else {})

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        access.caller(request, "metrics")
        text, kind = observer.metrics()
        return Response(text, media_type=kind)

    return router
