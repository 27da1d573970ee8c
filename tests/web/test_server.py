"""What the server answers, refuses, and sends along with every page."""

from __future__ import annotations

import http.client
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.xdist_group("browser")]


def get(server: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


def test_it_is_healthy_and_ready(server: str) -> None:
    assert get(server, "/healthz")[0] == 200
    status, _, body = get(server, "/readyz")
    assert status == 200
    assert b'"documents":2' in body


def test_every_page_carries_its_policy(server: str) -> None:
    for path in ("/", "/healthz", "/nowhere"):
        headers = get(server, path)[1]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/gradio_api/proxy=http://127.0.0.1:1/", "/monitoring",
        "/gradio_api/runs", "/gradio_api/vibe-edit/", "/docs", "/openapi.json", "/gradio_api/openapi.json", "/gradio_api/call/respond", "/gradio_api/deep_link",
        "/gradio_api/upload/../upload", "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/info", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/stream/a", "/gradio_api/component_server", "/login", "/logout", "/user", "/token",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_console_does_not_need_is_closed(server: str, path: str, method: str) -> None:
    assert get(server, path, method)[0] == 404


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_foreign_hosts_and_origins_are_refused(server: str, headers: dict[str, str]) -> None:
    status, answered, _ = get(server, "/config", **headers)
    assert status == 404
    assert "access-control-allow-origin" not in answered


def test_the_pages_own_origin_is_welcome(server: str) -> None:
    status, answered, _ = get(server, "/config", Origin=server)
    assert status == 200
    assert answered.get("access-control-allow-origin") in (None, server)


def test_a_taken_port_is_a_clear_error(server: str, tmp_path: object) -> None:
    port = urlsplit(server).port
    done = subprocess.run(
        [sys.executable, "-m", "assistant", "serve", "--port", str(port)], cwd=str(tmp_path), capture_output=True, text=True, timeout=120, check=False,
        env={**__import__("os").environ, "ASSISTANT_CORPUS__PATHS": "[]"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: cannot listen on 127.0.0.1:{port}")


def test_the_demonstration_says_how_to_begin(server: str) -> None:
    status, headers, body = get(server, "/demo")
    assert status == 200
    assert b"[[portals]]" in body
    assert "script-src 'self'" in headers["content-security-policy"]
