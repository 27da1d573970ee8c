"""A server on loopback that speaks as OpenAI's do, as far as tests need it: it answers what `reply` says."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Reply = Callable[[list[dict[str, Any]]], str]
"""The messages of a request -> the model's words; raising makes the server answer with status 500."""


@contextmanager
def chat_server(reply: Reply) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The base address, and the requests that came."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append(request | {"authorization": self.headers.get("authorization", "")})
            try:
                text = reply(request["messages"])
            except Exception:
                self.send_error(500)
                return
            message = {"role": "assistant", "content": text}
            body = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Nothing on stderr."""

    with served(Handler) as address:
        yield address, seen


Pages = dict[str, tuple[str, dict[str, str]]]
"""A path -> the page there, as HTML, and headers beside its type."""


@contextmanager
def page_server(pages: Pages | None = None) -> Iterator[tuple[str, Pages]]:
    """The origin of a server for pages, which may be added while it runs."""
    held: Pages = {} if pages is None else pages

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text, headers = held.get(self.path.partition("?")[0], ("", {}))
            body = text.encode()
            self.send_response(200 if text else 404)
            for name, value in {"content-type": "text/html; charset=utf-8", "content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Nothing on stderr."""

    with served(Handler) as address:
        yield address.removesuffix("/v1"), held


@contextmanager
def running(command: Sequence[str], told: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes what it says to `told`; killed where it does not end when it is told to."""
    with told.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The base address of a server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
