"""The namespace harness itself: what happens inside stays inside, and nothing is left."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.netns import network


def test_what_listens_inside_is_not_seen_outside() -> None:
    with network() as net:
        port, server = net.listen("127.0.0.1:0", "::1:0")
        assert net.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; echo >&3; cat <&3").stdout.endswith("hello")
        with socket.socket() as outside:
            assert outside.connect_ex(("127.0.0.1", port)) != 0
    assert server.returncode is not None


def test_lo_and_files_are_its_own() -> None:
    hosts = Path("/etc/hosts").read_text()
    with network(lo=False, files={"/etc/hosts": "127.0.0.1 made-up\n"}) as net:
        assert "DOWN" in net.run("ip", "link", "show", "lo").stdout
        assert net.run("cat", "/etc/hosts").stdout == "127.0.0.1 made-up\n"
    assert Path("/etc/hosts").read_text() == hosts


def test_a_thread_of_the_test_may_go_in() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        with net.entered(), socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hi")
            assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_the_command_line_runs_inside() -> None:
    with network() as net:
        port, server = net.listen("127.0.0.1:0")
        done = net.homeport("who", str(port), "--json")
        assert done.returncode == 0
        assert f'"pid": {server.pid}' in done.stdout
