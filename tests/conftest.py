"""What every test shares: no network but loopback, settings over a temporary index, bounded hypothesis runs."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from assistant.index.embedded import EmbeddedEncoder
from assistant.pipeline import Assistant
from assistant.settings import ENVIRONMENT_PREFIX, Settings
from tests import tables

# Read when the libraries are imported: they would otherwise look for updates and model files on the network.
os.environ.update(HF_HUB_OFFLINE="1", ANONYMIZED_TELEMETRY="False", GRADIO_ANALYTICS_ENABLED="False", TOKENIZERS_PARALLELISM="false")
for variable in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
    del os.environ[variable]

# Two cores under load take their time; a run that hangs is stopped by pytest-timeout.
hypothesis_settings.register_profile(
    "bounded", deadline=5000, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("bounded")

_CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
_violations: list[str] = []


def _is_loopback(host: object) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook sees every connection of this process, whichever library opens it."""
    if event in ("socket.connect", "socket.sendto"):
        connection, address = arguments[0], arguments[1]
        if getattr(connection, "family", None) not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return
        host = address[0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        if host is None:
            return
    else:
        return
    if not _is_loopback(host):
        _violations.append(f"{event} {host!r}")
        raise ConnectionRefusedError(f"tests may not reach {host!r}: loopback only")


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def only_loopback() -> Iterator[list[str]]:
    """Fails a test that tried to reach another machine, even when a library swallowed the refusal."""
    _violations.clear()
    yield _violations
    assert not _violations, f"a test tried to leave this machine: {_violations}"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """An empty source folder, named `corpus`."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path, corpus: Path) -> Settings:
    """The defaults over `corpus` and an index in the test's own folder, with one reader process."""
    return Settings(corpus={"paths": [corpus]}, index={"path": tmp_path / "index"}, reading={"workers": 1})


@pytest.fixture
def assistant(settings: Settings) -> Iterator[Assistant]:
    with Assistant.open(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def table_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny embedded encoder with random rows."""
    return tables.folder(tmp_path_factory.mktemp("models") / "tiny-table")


@pytest.fixture(scope="session")
def tiny_table(table_folder: Path) -> EmbeddedEncoder:
    return EmbeddedEncoder.load(table_folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not Path(_CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: make system")
        pytest.skip("needs Debian's chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
