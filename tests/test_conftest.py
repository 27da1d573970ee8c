"""The guard itself: what leaves this machine is refused, loopback is not."""

from __future__ import annotations

import socket

import pytest


def test_other_machines_are_out_of_reach(only_loopback: list[str]) -> None:
    with pytest.raises(ConnectionRefusedError, match="loopback only"), socket.socket() as connection:
        connection.connect(("192.0.2.1", 80))
    with pytest.raises(ConnectionRefusedError, match="loopback only"):
        socket.getaddrinfo("example.org", 80)
    assert len(only_loopback) == 2
    only_loopback.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection((host, server.getsockname()[1]), timeout=5):
            pass
