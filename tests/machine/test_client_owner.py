"""Which process a connection or a datagram comes from, asked of the real kernel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from homeport.machine.client_owner import ClientOwners

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")
COMES = """
import socket, sys
family, kind, host, port = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET, *sys.argv[1:]
sock = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
sock.connect((host, int(port))) if kind == "tcp" else sock.sendto(b"x", (host, int(port)))
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["tcp", "udp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(host: str, kind: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as sock:
        sock.bind((host, 0))
        if kind == "tcp":
            sock.listen()
        yield sock


def test_a_process_of_an_app(server: socket.socket, host: str, kind: str) -> None:
    words = [sys.executable, "-c", COMES, kind, host, str(server.getsockname()[1])]
    environment = {**os.environ, "HOMEPORT_APP": "/our/home/web"}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, env=environment) as client:
        assert client.stdout is not None
        client.stdout.readline()
        where = server.recvfrom(1)[1] if kind == "udp" else _accepted(server)
        owners = ClientOwners("/our/home")
        for _ in range(2):  # the second time it is known
            owner = owners(where, server.getsockname(), udp=kind == "udp")
            assert owner is not None
            assert owner.pids[:2] == (client.pid, os.getpid())
            assert owner.program.startswith("python")
            assert owner.app == "web"
        other = ClientOwners("/another/home")(where, server.getsockname(), udp=kind == "udp")
        assert other is not None
        assert other.app == "", "a home knows its own apps alone"
        client.communicate()


def _accepted(server: socket.socket) -> object:
    visitor, where = server.accept()
    visitor.close()  # the client's end stays
    return where


def test_nobody() -> None:
    owners = ClientOwners()
    assert owners(("127.0.0.1", 1), ("127.0.0.1", 2)) is None
    assert owners(("127.0.0.1", 1), ("127.0.0.1", 2), udp=True) is None
    assert owners("", "/a/socket") is None
