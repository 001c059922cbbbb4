"""macOS and Windows as far as they can be tried here: recorded output, fakes, and psutil compared with /proc."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from homeport.machine.by_psutil import ByPsutil, ancestors
from homeport.machine.interface import Machine
from homeport.machine.macos import MacOS, parse_sysctl
from homeport.machine.windows import Windows, parse_netsh

NETSH = """
Protocol tcp Dynamic Port Range
---------------------------------
Start Port      : 49152
Number of Ports : 16384

"""
NETSH_GERMAN = """
Protokoll tcp Dynamischer Portbereich
---------------------------------
Startport        : 1024
Anzahl von Ports : 64511
"""


def test_every_system_offers_the_whole_interface() -> None:
    machines: list[Machine] = [MacOS(), Windows()]
    assert len(machines) == 2


def test_every_file_can_be_imported_everywhere() -> None:
    for name in ("macos", "windows", "by_psutil", "fake", "leases", "home", "git", "interface"):
        importlib.import_module(f"homeport.machine.{name}")


def test_port_ranges() -> None:
    assert parse_sysctl("49152\n65535\n") == (49152, 65535)
    assert parse_sysctl("sysctl: unknown oid") == (49152, 65535)
    assert parse_netsh(NETSH) == (49152, 65535)
    assert parse_netsh(NETSH_GERMAN) == (1024, 65534)
    assert parse_netsh("") == (49152, 65535)


def test_a_tool_that_is_missing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert MacOS().ephemeral_range() == (49152, 65535)
    assert Windows().ephemeral_range() == (49152, 65535)


def test_the_clients_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = SimpleNamespace(laddr=SimpleNamespace(ip="127.0.0.1", port=3000), raddr=(), status="LISTEN", pid=77)
    client = SimpleNamespace(
        laddr=SimpleNamespace(ip="127.0.0.1", port=50001),
        raddr=SimpleNamespace(ip="127.0.0.1", port=3000),
        status="ESTABLISHED",
        pid=os.getpid(),
    )
    monkeypatch.setattr("psutil.net_connections", lambda kind: [listening, client])
    machine = Windows()
    assert machine.client_process("127.0.0.1", 50001, 3000) == f"{machine.command(os.getpid())} ({os.getpid()})"
    assert machine.client_process("127.0.0.1", 50002, 3000) is None


@pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc")
def test_psutil_tells_the_same_as_proc(tmp_path: Path) -> None:
    from homeport.machine.linux import Linux

    ours, theirs = Linux(), ByPsutil()
    path = str(tmp_path / "s.sock")
    with (
        socket.create_server(("127.0.0.1", 0)),
        socket.create_server(("::1", 0), family=socket.AF_INET6),
        socket.socket(socket.AF_UNIX) as unix,
        subprocess.Popen(
            ["sh", "-c", "sleep 600 & echo ready; wait"],
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "HOMEPORT_APP": "key/web"},
        ) as child,
    ):
        unix.bind(path)
        unix.listen()
        assert child.stdout
        child.stdout.readline()
        try:
            assert sorted(theirs.tree([child.pid], "")) == sorted(ours.tree([child.pid], ""))
            assert sorted(theirs.session(child.pid)) == sorted(ours.session(child.pid))
            assert theirs.marked("key/") == ours.marked("key/")
            assert len(theirs.marked("key/")) == 2
            assert theirs.command(child.pid) == ours.command(child.pid) != ""
            assert {listener.endpoint for listener in theirs.listeners([os.getpid()])} == {
                listener.endpoint for listener in ours.listeners([os.getpid()])
            }
        finally:
            os.killpg(child.pid, 9)
    assert theirs.start_time(child.pid) is None
    assert theirs.tree([child.pid], "key/web") == []
    assert {os.getpid(), os.getppid()} <= ancestors()


@pytest.mark.skipif(sys.platform == "win32", reason="a process that Unix can end")
def test_requests_to_end_reach_only_the_very_process() -> None:
    machine = MacOS()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        started = machine.start_time(child.pid)
        assert started is not None
        machine.signal_processes({child.pid: started + 1, os.getpid(): machine.start_time(os.getpid()) or 0.0})
        assert machine.start_time(child.pid) == started
        machine.signal_processes({child.pid: started})
        assert child.wait() == -15


def test_windows_ends_by_force_where_nothing_else_is_possible() -> None:
    machine = Windows()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        machine.signal_processes({child.pid: machine.start_time(child.pid) or 0.0}, force=True)
        assert child.wait() != 0
