"""The API does what its description says: schemathesis asks everything that the description allows, and what it forbids."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.conftest import Site

pytestmark = [pytest.mark.xdist_group("browser")]
# What a body of more than 64 kB gets is a rejection too.
_CONFIG = """
[parameters]
portal = "city"

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 422, 428, 429, "5xx"]
"""


def description(address: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{address}/api/v1/openapi.json").json()
    return found


def operations(found: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, operation) for path, methods in found["paths"].items() for method, operation in methods.items()]


@pytest.mark.slow
@pytest.mark.parametrize("who", ["staff", "public"])
def test_schemathesis_finds_nothing(site: Site, tmp_path: Path, who: str) -> None:
    (tmp_path / "schemathesis.toml").write_text(_CONFIG, encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{site.server}/api/v1/openapi.json", "--checks", "all", "--max-examples", "20", "--seed", "11", "--no-color", "--generation-database", "none",
        "-H", f"Authorization: Bearer {site.keys[who]}", "-H", f"Origin: {site.origin}",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_every_operation_has_an_example_and_its_problems(site: Site) -> None:
    found = description(site.server)
    assert found["openapi"].startswith("3.1")
    assert {path for _, path, _ in operations(found)} == {
        "/api/v1/ask", "/api/v1/search", "/api/v1/documents/{id}", "/api/v1/feedback", "/api/v1/portals/{portal}", "/api/v1/portals/{portal}/visits", "/v1/models", "/v1/chat/completions",
    }  # fmt: skip
    for method, path, operation in operations(found):
        assert operation["summary"], path
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" or parameter.get("required"):
                assert parameter.get("examples") or parameter.get("example") or parameter["schema"].get("examples"), (path, parameter["name"])
        if "requestBody" in operation:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
            assert found["components"]["schemas"][reference]["examples"], path
        for status, response in operation["responses"].items():
            assert status == "200" or "application/problem+json" in response["content"], (method, path, status)
    assert json.dumps(found).count('"security"') >= 6


def test_an_open_server_asks_for_no_key(server: str) -> None:
    assert '"security"' not in json.dumps(description(server))
