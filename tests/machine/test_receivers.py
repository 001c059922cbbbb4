"""Whether somebody receives datagrams, asked about real sockets."""

from __future__ import annotations

import socket
import sys

import pytest

from homeport.machine.receivers import receives_datagrams
from homeport.model.endpoint import Endpoint


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_who_is_bound_receives(bound: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in bound else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((bound, 0))
        port = sock.getsockname()[1]
        assert receives_datagrams(Endpoint("::1" if ":" in bound else "127.0.0.1", port))
        assert receives_datagrams(Endpoint("localhost", port))
        assert receives_datagrams(Endpoint("127.0.0.2", port)) is (bound in ("0.0.0.0", "::"))
    assert not receives_datagrams(Endpoint("localhost", port))


def test_where_nothing_is_told_nothing_is_concluded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_port: int) -> list[object]:
        raise PermissionError

    monkeypatch.setattr("homeport.machine.sock_diag.udp_receivers", refused)
    assert receives_datagrams(Endpoint("127.0.0.1", 1))
