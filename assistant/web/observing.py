"""What can be seen of the server at work: metrics for Prometheus, a line for each request and answer, OpenTelemetry traces, and refused questions.

Nothing of it holds a question, a name or an address unless the settings say so. It knows requests and answers; nothing of who may do what.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import AssistantError, FeedbackError, SettingsError
from assistant.feedback import FeedbackStore
from assistant.language.packs import codes, pack_or_english
from assistant.schema import Answer
from assistant.settings import Settings

_log = logging.getLogger("assistant.web")
_REQUEST: ContextVar[str] = ContextVar("request", default="")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
HEADER = b"x-request-id"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2, 5, 10, 20, 60)


class Observer:
    """Counts, times and tells. One for each server; its metrics are its own."""

    def __init__(self, settings: Settings, feedback: FeedbackStore) -> None:
        self._web = settings.web
        self._refused = settings.feedback.refused
        self._feedback = feedback
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self._answers = Counter("assistant_answers", "Answers given.", ["channel", "mode", "language", "abstained"], **made)
        self._citations = Counter("assistant_citations", "Citations in answers.", ["channel"], **made)
        self._faults = Counter("assistant_model_faults", "Answers in which the language model failed, or was cut short.", ["kind"], **made)
        self._failures = Counter("assistant_failures", "Questions that ended in an error.", ["kind"], **made)
        self._stages = Histogram("assistant_stage_seconds", "Time of each stage of an answer.", ["stage"], buckets=_SECONDS, **made)
        self._first = Histogram("assistant_first_text_seconds", "Time from the question's turn to the answer's first text.", buckets=_SECONDS, **made)
        self._requests = Counter("assistant_requests", "Requests.", ["route", "method", "status"], **made)
        self._seconds = Histogram("assistant_request_seconds", "Time of a request, to its last byte.", ["route"], buckets=_SECONDS, **made)
        self._gauges = made
        self._provider = _provider() if settings.web.traces else None
        self._tracer = self._provider.get_tracer("assistant") if self._provider else None

    def close(self) -> None:
        """Send what is still to be sent."""
        if self._provider is not None:
            self._provider.shutdown()

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A figure that is asked for when the metrics are."""
        Gauge(name, meaning, **self._gauges).set_function(value)

    def metrics(self) -> tuple[bytes, str]:
        """All metrics in Prometheus' text format, and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    # -- answers ----------------------------------------------------------------------------------------------

    def watched(self, events: Iterator[str | Answer], channel: str) -> Iterator[str | Answer]:
        """The same events, and what is to be seen of them."""
        began, first = time.time_ns(), True
        try:
            for event in events:
                if isinstance(event, Answer):
                    self._answered(event, channel, began)
                elif event and first:
                    first = False
                    self._first.observe((time.time_ns() - began) / 1e9)
                yield event
                # A file is written once the answer is on its way, not before.
                if isinstance(event, Answer) and event.abstained and event.mode != "talk":
                    self._keep(event, channel)
        except Exception as error:
            self._failures.labels(type(error).__name__ if isinstance(error, AssistantError) else "unexpected").inc()
            raise
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()

    def _answered(self, answer: Answer, channel: str, began: int) -> None:
        words = pack_or_english(answer.language).answers
        fault = next((kind for kind in ("model_failed", "cut_short") if words[kind] in answer.notes), "")
        language = _language_of(answer)
        self._answers.labels(channel, answer.mode, language, str(answer.abstained).lower()).inc()
        self._citations.labels(channel).inc(len(answer.citations))
        if fault:
            self._faults.labels(fault).inc()
        for stage, ms in answer.timings_ms.items():
            self._stages.labels(stage).observe(ms / 1000)
        told = {"channel": channel, "language": language, "mode": answer.mode, "abstained": answer.abstained, "citations": len(answer.citations), "timings_ms": dict(answer.timings_ms)}
        self._tell("answer", {**told, **({"fault": fault} if fault else {}), **({"question": answer.question} if self._web.log_questions else {})})
        if self._tracer is not None:
            self._trace(answer, told, began)

    def _keep(self, answer: Answer, channel: str) -> None:
        kept = self._refused == "all" or (self._refused == "staff" and channel == "console")
        # An answer is not lost because a file is full.
        with contextlib.suppress(FeedbackError):
            self._feedback.refuse(answer.question if kept else "", _language_of(answer), channel)

    # -- requests ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def request(self, scope: Scope, identity: str) -> Iterator[dict[str, int]]:
        """Around a request; its status is put into what is given."""
        seen: dict[str, int] = {"status": 0}
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT") else "other"
        token, began = _REQUEST.set(identity), time.perf_counter()
        with self._tracer.start_as_current_span(method) if self._tracer else contextlib.nullcontext() as span:
            try:
                yield seen
            finally:
                # Which route it is, is known once it has been taken.
                seconds, route, status = time.perf_counter() - began, _route_of(scope), seen["status"]
                self._requests.labels(route, method, str(status)).inc()
                self._seconds.labels(route).observe(seconds)
                self._tell("request", {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)})
                if span is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status, "assistant.request_id": identity})
                _REQUEST.reset(token)

    def _tell(self, event: str, said: dict[str, Any]) -> None:
        if self._web.log != "off":
            _log.info(event, extra={"said": {"request_id": _REQUEST.get(), **said}})

    # -- traces -----------------------------------------------------------------------------------------------

    def _trace(self, answer: Answer, told: dict[str, Any], began: int) -> None:
        assert self._tracer is not None
        from opentelemetry.trace import set_span_in_context

        attributes = {f"assistant.{key}": value for key, value in told.items() if not isinstance(value, dict)}
        whole = self._tracer.start_span("answer", start_time=began, attributes=attributes)
        at = began
        for stage, ms in answer.timings_ms.items():
            if stage != "total":
                until = at + int(ms * 1e6)
                self._tracer.start_span(stage, context=set_span_in_context(whole), start_time=at).end(until)
                at = until
        whole.end()


def _provider() -> Any:
    """Raises SettingsError where the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError("web.traces needs OpenTelemetry, which is not installed", fix='pip install "forum-assistant[otel]"') from error
    # A provider of our own: what other libraries trace is theirs, and Chroma's is off.
    provider = TracerProvider(resource=Resource.create({"service.name": "forum-assistant"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _language_of(answer: Answer) -> str:
    return answer.language if answer.language in codes() else "other"


def _route_of(scope: Scope) -> str:
    """The route's pattern, never the path: paths hold documents' names."""
    path = getattr(scope.get("route"), "path", "")
    return str(path) if path else "console" if "endpoint" in scope else "none"


class Requests:
    """ASGI middleware: gives each request an id, which the response names, and shows it to the observer."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), "")
        identity = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        with self._observer.request(scope, identity) as seen:

            async def named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    seen["status"] = message["status"]
                    message["headers"] = [*message.get("headers", []), (HEADER, identity.encode())]
                await send(message)

            await self._app(scope, receive, named)


class _Lines(logging.Formatter):
    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = getattr(record, "said", {})
        if self._as_json:
            return json.dumps({"time": at, "level": record.levelname.lower(), "event": record.getMessage(), **said}, ensure_ascii=False)
        return f"{at} {record.getMessage()} " + " ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in said.items())


@contextlib.contextmanager
def lines(form: str) -> Iterator[None]:
    """Write the lines to stderr for as long as this lasts; `form` is `text`, `json` or `off`."""
    if form == "off":
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(as_json=form == "json"))
    level, propagate = _log.level, _log.propagate
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _log.setLevel(level)
        _log.propagate = propagate
