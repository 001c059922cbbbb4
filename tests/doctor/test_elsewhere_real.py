"""What keeps a port or a server busy: other namespaces, outgoing connections, open files. Built for real."""

from __future__ import annotations

import os
import sys

import pytest

from tests.doctor.real import connect, examine
from tests.netns import network

# Has as many files open as it may when its first client comes, so accept() fails for good.
FULL = """
import os, resource, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
kept = []
try:
    while True:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    os.write(1, b"%d\\n" % listener.getsockname()[1])
sys.stdin.read()
"""


def test_it_listens_in_another_namespace() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root sees the namespaces of others")
    with network() as outer, network() as inner:
        port, _ = inner.listen("127.0.0.1:0")
        verdict = examine(outer, f"127.0.0.1:{port}")
        assert (verdict.status, verdict.codes) == (2, ["listens-in-namespace"])


def test_an_outgoing_connection_has_the_port() -> None:
    with network() as net:
        net.run("sysctl", "-w", "net.ipv4.ip_local_port_range=40000 40001")
        port, _ = net.listen("127.0.0.1:9000", answer="")
        own = connect(net, port, 1)
        verdict = examine(net, f"127.0.0.2:{own}")
        assert (verdict.status, verdict.codes) == (2, ["port-in-use-by-connection"])
        assert "from 40000 to 40001" in verdict.said("port-in-use-by-connection")


def test_a_server_has_no_file_left() -> None:
    with network() as net:
        server = net.start(sys.executable, "-c", FULL)
        assert server.stdout
        port = int(server.stdout.readline())
        verdict = examine(net, f"http://127.0.0.1:{port}/")
        assert (verdict.status, verdict.codes) == (2, ["files-exhausted"])
        assert "all of its 20 files" in verdict.said("files-exhausted")


def test_a_server_that_is_healthy_with_queue_and_files() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        verdict = examine(net, f"http://127.0.0.1:{port}/")
        assert (verdict.status, verdict.findings) == (0, [])
        (one,) = verdict.report["walks"][0]["facts"]["listening"]
        assert one["queue"]["waiting"] == 0
        assert one["files"][0] < one["files"][1]
