"""The API does what its description says: schemathesis asks everything that the description allows, and what it forbids."""

from __future__ import annotations

import json
import re
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
        "/api/v1/ask", "/api/v1/search", "/api/v1/documents/{id}", "/api/v1/feedback", "/api/v1/briefings", "/api/v1/pages/{id}", "/api/v1/portals/{portal}", "/api/v1/portals/{portal}/visits", "/v1/models", "/v1/chat/completions",
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


def test_it_is_a_valid_description_of_openapi_3_1(site: Site, server: str) -> None:
    import jsonschema_rs
    from schemathesis.specs.openapi.definitions import OPENAPI_31

    for address in (site.server, server):
        found = description(address)
        jsonschema_rs.Draft202012Validator(OPENAPI_31).validate(found)
        # Every reference leads somewhere, and every schema is one.
        whole = json.dumps(found)
        for name in set(re.findall(r'"#/components/schemas/([^"]+)"', whole)):
            jsonschema_rs.meta.validate({**found["components"]["schemas"][name], "$schema": "https://json-schema.org/draft/2020-12/schema"})
        assert len({operation["operationId"] for _, _, operation in operations(found)}) == len(operations(found))
        assert "/work" not in whole


def test_each_example_is_what_it_is_an_example_of(site: Site) -> None:
    import jsonschema_rs

    found = description(site.server)
    checked = 0
    for schema in found["components"]["schemas"].values():
        validator = jsonschema_rs.Draft202012Validator({**schema, "components": found["components"]})
        for example in schema.get("examples", []):
            validator.validate(example)
            checked += 1
        for inner in schema.get("properties", {}).values():
            for example in inner.get("examples", []):
                jsonschema_rs.Draft202012Validator({**inner, "components": found["components"]}).validate(example)
                checked += 1
    assert checked >= 5


def test_the_examples_are_answered(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.keys['public']}", "Origin": site.origin}
    found = description(site.server)
    for method, path, operation in operations(found):
        if "requestBody" not in operation:
            continue
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        for example in found["components"]["schemas"][reference]["examples"]:
            response = httpx.request(method, site.server + path, json=example, headers=headers, timeout=60)
            # The receipt of the example is nobody's.
            assert response.status_code == (404 if path.endswith("feedback") else 200), (path, response.text)
