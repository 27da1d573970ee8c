"""A server in the test's own process, over loopback: for settings that the shared ones do not have."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from assistant.pipeline import Assistant
from assistant.settings import Role, Settings
from assistant.web.access import hashed
from assistant.web.server import create_app

HOSTS = ("127.0.0.1", "localhost", "::1")
ORIGIN = "https://www.example.org"
PORTAL: dict[str, Any] = {
    "id": "city", "origins": [ORIGIN], "collections": ["press"], "ai_notice": "standard", "privacy": "https://www.example.org/privacy",
    "quotas": {"per_client": "100000/minute", "per_portal": "1000000/hour"},
}  # fmt: skip


def key_of(name: str) -> str:
    return f"fa_{name}{'0' * 40}"


def key(name: str, **more: Any) -> dict[str, Any]:
    """The settings of a key that a test may use as `key_of(name)`."""
    return {"name": name, "sha256": hashed(key_of(name)), "quota": "100000/minute", **more}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(name)}"}


def settings_of(folder: Path, documents: dict[str, str | bytes], **sections: Any) -> Settings:
    """Settings over documents in the test's folder; the first part of a document's name is its source, collection, and who may see it."""
    for name, text in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    collections = sorted({name.partition("/")[0] for name in documents})
    sources = [{"path": folder / name, "collection": name, "visibility": "staff" if name == "internal" else "public"} for name in collections]
    return Settings(corpus={"sources": sources}, index={"path": folder / "index"}, feedback={"path": folder / "feedback.sqlite"}, names={"glossary": folder / "glossary.toml"}, reading={"workers": 1}, **sections)


@contextmanager
def serving(settings: Settings, open_as: Role | None = None) -> Iterator[str]:
    """The address of a server over what the settings name; everyone has the role `open_as`, or is a stranger."""
    with Assistant.open(settings) as assistant, closing(socket.socket()) as listener:
        assistant.ingest()
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        app = create_app(assistant, HOSTS, open_as=open_as)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, proxy_headers=False, timeout_graceful_shutdown=5))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            until = time.monotonic() + 30
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                assert time.monotonic() < until, "the server did not start in time"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
