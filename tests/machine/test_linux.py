"""The answers about real processes and sockets of this computer."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("asks Linux", allow_module_level=True)

from homeport.machine import Machine, this_machine
from homeport.machine.linux import Linux
from homeport.model.endpoint import Endpoint

PRINT_AND_WAIT = "import sys, os; print(os.getpid(), flush=True); sys.stdin.read()"


@pytest.fixture
def machine() -> Linux:
    return Linux()


@contextlib.contextmanager
def running(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A child with a pipe as its standard input: it ends with us in any case."""
    child = subprocess.Popen(
        list(words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 9)
        child.communicate()


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout
    return child.stdout.readline().strip()


def test_this_machine_is_it() -> None:
    machine: Machine = this_machine()
    assert isinstance(machine, Linux)
    assert len(machine.boot_id()) == 36


def test_the_tree_holds_children_of_children(machine: Linux) -> None:
    line = f"{sys.executable} -c '{PRINT_AND_WAIT}'; exit 0"
    with running("sh", "-c", f'sh -c "{line}"; exit 0') as child:
        grandchild = int(said(child))
        tree = machine.tree([child.pid], "")
    assert child.pid in tree
    assert grandchild in tree
    assert machine.tree([child.pid], "") == []


def test_a_process_is_known_by_its_pid_and_start(machine: Linux) -> None:
    with running("cat") as child:
        assert machine.start_time(child.pid) == machine.start_time(child.pid) is not None
        assert machine.command(child.pid) == "cat"
        os.killpg(child.pid, 9)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert machine.start_time(child.pid) is None, "a zombie does not run any more"
    assert machine.command(child.pid) == ""


def test_listeners_of_both_families_and_unix(machine: Linux, tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    others = {listener.endpoint for listener in machine.listeners([os.getpid()])}  # of other tests' fixtures
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket() as bound_only,
    ):
        bound_only.bind(("127.0.0.1", 0))
        unix.bind(path)
        unix.listen()
        found = {listener.endpoint: listener for listener in machine.listeners([os.getpid()])}
        assert Endpoint("127.0.0.1", four.getsockname()[1]) in found
        assert Endpoint(path=path) in found
        assert found[Endpoint("::1", six.getsockname()[1])].v6only
        assert not found[Endpoint("::", both.getsockname()[1])].v6only
        assert Endpoint("127.0.0.1", bound_only.getsockname()[1]) not in found
        assert {listener.pid for listener in found.values()} == {os.getpid()}
    assert {listener.endpoint for listener in machine.listeners([os.getpid()])} <= others


def test_proc_net_tells_the_same_as_sock_diag(machine: Linux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(port: int = 0) -> None:
        raise PermissionError

    with socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6):
        by_netlink = {listener.endpoint for listener in machine.listeners([os.getpid()])}
        monkeypatch.setattr("homeport.machine.sock_diag.tcp_listeners", refused)
        monkeypatch.setattr("homeport.machine.sock_diag.unix_listeners", refused)
        by_files = {listener.endpoint for listener in Linux().listeners([os.getpid()])}
    assert by_files == by_netlink


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_process_of_a_client(machine: Linux, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        script = (
            f"import socket, sys; s = socket.create_connection(({host!r}, {port})); "
            "print(s.getsockname()[1], flush=True); sys.stdin.read()"
        )
        with running(sys.executable, "-c", script) as client:
            process = machine.client_process(host, int(said(client)), port)
            assert process == f"{machine.command(client.pid)} ({client.pid})"
    assert machine.client_process(host, 1, port) is None
    assert machine.client_process("192.0.2.1", 1, port) is None


def test_an_orphan_is_adopted_found_by_its_marker_and_reaped() -> None:
    """In a process of its own: adopting is for life."""
    script = """
import os, subprocess, sys, time
from homeport.machine.linux import Linux
machine = Linux()
machine.adopt_orphans()
daemon = "import os, sys\\nif os.fork(): os._exit(0)\\nos.setsid()\\nprint(os.getpid(), flush=True)\\nsys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", daemon], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         env={**os.environ, "HOMEPORT_APP": "key/web"})
orphan = int(child.stdout.readline())
child.wait()
assert machine.tree([child.pid], "key/web") == [orphan], machine.tree([child.pid], "key/web")
assert machine.tree([child.pid], "key/other") == []
assert machine.marked("key/") == {orphan: "key/web"}
assert machine.reap(orphan) is None
machine.signal_processes({orphan: machine.start_time(orphan) + 1})
assert machine.start_time(orphan), "another start time is another process"
machine.signal_processes({orphan: machine.start_time(orphan)}, force=True)
os.waitid(os.P_PID, orphan, os.WEXITED | os.WNOWAIT)
assert machine.strays() == {orphan: "key/web"} and machine.tree([], "key/web") == []
assert machine.reap(orphan) == 137
assert machine.strays() == {}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_neither_we_nor_our_ancestors_are_signalled(machine: Linux) -> None:
    us = {pid: machine.start_time(pid) or 0.0 for pid in (os.getpid(), os.getppid(), 1)}
    machine.signal_processes(us, force=True)


def test_a_lock_has_one_owner_and_dies_with_it(machine: Linux, tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    script = (
        "import sys; from homeport.machine.linux import Linux; lock = Linux().lock_file(sys.argv[1]); "
        "print(bool(lock), flush=True); sys.stdin.read()"
    )
    with running(sys.executable, "-c", script, path) as owner:
        assert said(owner) == "True"
        assert machine.lock_file(path) is None
    lock = machine.lock_file(path)
    assert lock
    lock.release()
    lock.release()


def test_the_ephemeral_range_is_the_kernels(machine: Linux) -> None:
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert machine.ephemeral_range() == (int(text[0]), int(text[1]))


def test_a_half_closed_client_is_there_and_a_closed_one_is_gone(machine: Linux) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, (host, peer_port) = server.accept()
        port = server.getsockname()[1]
        client.shutdown(socket.SHUT_WR)
        assert accepted.recv(1) == b""
        assert not machine.client_is_gone(host, peer_port, port)
        client.close()
        assert machine.client_is_gone(host, peer_port, port)
        accepted.close()
