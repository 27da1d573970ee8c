"""A language model's server on loopback that streams as OpenAI's do, and plays the faults that real ones have."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers import served

FAULTS = (
    "refused", "401", "404", "429", "500", "slow headers", "slow tokens", "hang", "broken events", "early end", "length", "empty", "html", "huge", "bad bytes", "tool call", "citation of 99",
)  # fmt: skip


@dataclass
class Model:
    """What the server does: `reply` makes its words of a request's messages, `fault` names what goes wrong."""

    reply: Callable[[list[dict[str, Any]]], str]
    fault: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "tiny", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


@contextmanager
def model_server(model: Model) -> Iterator[str]:
    """Its base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            model.requests.append(request)
            try:
                self._answer(request, model.fault)
            except OSError:
                model.closed.set()

        def _answer(self, request: dict[str, Any], fault: str) -> None:
            if fault in ("401", "404", "429", "500"):
                self.send_response(int(fault))
                if fault == "429":
                    self.send_header("retry-after", "30")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                return
            if fault == "slow headers":
                self._idle()
            self.send_response(200)
            self.send_header("content-type", "text/html" if fault == "html" else "text/event-stream")
            self.end_headers()
            if fault == "html":
                self.wfile.write(b"<html><body>Please sign in</body></html>")
                return
            if fault == "tool call":
                self._put(_event({"role": "assistant", "tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "search", "arguments": "{}"}}]}))
                self._put(_event({}, "tool_calls"))
                return
            if fault != "empty":
                words = model.reply(request["messages"])
                for place in range(0, len(words), 8):
                    self._put(_event({"content": words[place : place + 8]}))
                    if fault == "slow tokens":
                        self._idle(0.4)
                    if place >= len(words) // 2:
                        if fault == "hang":
                            self._idle()
                        if fault == "broken events":
                            self._put(b'data: {"choices": [{"delta"\n\n')
                        if fault == "bad bytes":
                            self._put(b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n')
                        if fault == "early end":
                            return
                while fault == "huge":
                    self._put(_event({"content": "and so on and on " * 50}))
            self._put(_event({}, "length" if fault == "length" else "stop"))
            self.wfile.write(b"data: [DONE]\n\n")

        def _put(self, data: bytes) -> None:
            self.wfile.write(data)
            self.wfile.flush()

        def _idle(self, seconds: float = 60.0) -> None:
            """Waits, and notices within a twentieth of a second when the client has gone."""
            until = time.monotonic() + seconds
            self.connection.settimeout(0.05)
            while time.monotonic() < until and not model.stop.is_set():
                try:
                    if self.connection.recv(1) == b"":
                        raise ConnectionResetError
                except TimeoutError:
                    continue
            self.connection.settimeout(None)

        def log_message(self, *arguments: Any) -> None:
            """Nothing on stderr."""

    with served(Handler) as address:
        try:
            yield address
        finally:
            model.stop.set()
