"""How loopback is tuned: Linux beside sysctl and ip, macOS by recorded output, and inside a namespace."""

from __future__ import annotations

import importlib
import socket
import subprocess
import sys

import pytest

from homeport.machine.loopback import Tuning, this_tuning
from homeport.machine.loopback_elsewhere import parse_sysctl, tuning_elsewhere
from tests.netns import network

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")

MACOS = """\
kern.ipc.somaxconn: 128
kern.ipc.maxsockbuf: 8388608
kern.num_files: 6144
kern.maxfiles: 245760
"""
FREEBSD = """\
kern.ipc.somaxconn: 128
net.inet.tcp.syncache.cachelimit: 15375
sysctl: unknown oid 'kern.num_files'
kern.maxfiles: 65536
"""


def read(path: str) -> str:
    with open(f"/proc/sys/{path}", encoding="ascii") as file:
        return file.read()


@linux
def test_linux_says_what_proc_says() -> None:
    tuning = this_tuning()
    assert tuning.accept_queue == int(read("net/core/somaxconn"))
    assert tuning.syn_queue == int(read("net/ipv4/tcp_max_syn_backlog"))
    with socket.socket() as fresh:
        assert tuning.receive_buffer == fresh.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert tuning.system_files
    assert 0 < tuning.system_files[0] < tuning.system_files[1]
    assert tuning.files_soft
    assert tuning.files_hard
    assert tuning.files_soft <= tuning.files_hard


@linux
@pytest.mark.counterpart("ip")
def test_the_mtu_is_that_of_our_own_namespace() -> None:
    words = ["ip", "-o", "link", "show", "lo"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert this_tuning().mtu == int(shown[shown.index("mtu") + 1])
    with network() as inside:
        inside.run("ip", "link", "set", "lo", "mtu", "1400")
        code = "from homeport.machine.loopback import this_tuning; print(this_tuning().mtu)"
        assert inside.run(sys.executable, "-c", code).stdout == "1400\n"


def test_macos_and_freebsd() -> None:
    assert parse_sysctl(MACOS) == {
        "accept_queue": 128,
        "receive_buffer_max": 8388608,
        "send_buffer_max": 8388608,
        "system_files": (6144, 245760),
    }
    assert parse_sysctl(FREEBSD) == {"accept_queue": 128, "syn_queue": 15375}
    assert parse_sysctl("kern.ipc.somaxconn = 256\n") == {"accept_queue": 256}
    assert parse_sysctl("") == parse_sysctl("garbage\n: \nx: y\n") == {}


def test_a_tool_that_is_missing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert set(tuning_elsewhere()) <= {"mtu"}


def test_windows_has_no_limits_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    tuning = this_tuning()
    assert tuning.files_soft is tuning.accept_queue is None
    assert tuning.receive_buffer


def test_every_file_can_be_imported_everywhere() -> None:
    for name in ("loopback", "loopback_elsewhere"):
        importlib.import_module(f"homeport.machine.{name}")
    assert Tuning().mtu is None
