"""Ports as Linux tells them: sock_diag and /proc/net give the same, and identities are kept."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("asks Linux", allow_module_level=True)

from homeport.machine import sock_diag
from homeport.machine.ports import Ports, this_computer
from homeport.machine.ports_fake import FakePorts
from homeport.machine.ports_linux import LinuxPorts
from homeport.machine.ports_psutil import PsutilPorts
from homeport.model.fact import plain, replace
from homeport.model.ports import Occupant, SocketFact


@pytest.fixture
def sleeper() -> Iterator[int]:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)
    yield child.pid
    child.communicate()


@pytest.fixture
def without_netlink(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object, **options: object) -> None:
        raise PermissionError

    monkeypatch.setattr(sock_diag, "_ask", refuse)


def test_every_computer_offers_the_whole_interface() -> None:
    computers: list[Ports] = [this_computer(), LinuxPorts(), PsutilPorts(), FakePorts()]
    assert isinstance(computers[0], LinuxPorts)


def around(ports: Ports) -> tuple[list[SocketFact], list[SocketFact], list[Occupant]]:
    """A listener, a UDP socket and the near end of a connection, as `ports` sees them."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver,
        socket.create_connection(listener.getsockname()) as near,
    ):
        receiver.bind(("::1", 0))
        far, _ = listener.accept()
        with far:
            there = ports.sockets(listener.getsockname()[1])
            udp = [one for one in ports.sockets(receiver.getsockname()[1], udp=True) if one.protocol == "udp"]
            # The kernel gives one local port to connections with different peers.
            every = ports.occupants(near.getsockname()[1])
            busy = [one for one in every if one.peer and one.peer.port == listener.getsockname()[1]]
    return there, udp, busy


def check(there: list[SocketFact], udp: list[SocketFact], busy: list[Occupant]) -> None:
    here = (os.getpid(),)
    assert [(one.endpoint.host, one.pids) for one in there] == [("127.0.0.1", here)]
    assert [(one.endpoint.host, one.pids) for one in udp] == [("::1", here)]
    assert [(one.kind, one.pids) for one in busy] == [("connection", here)]
    assert there[0].user


def test_by_sock_diag() -> None:
    check(*around(LinuxPorts()))


@pytest.mark.usefixtures("without_netlink")
def test_by_the_files_of_proc() -> None:
    check(*around(LinuxPorts()))


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_a_process_that_may_not_be_seen_has_a_user_still() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        LinuxPorts().sockets(port)  # so that everything is imported: the other user may not read the files
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            listener.close()
            os.setuid(65534)
            os.write(writing, json.dumps(plain(LinuxPorts().sockets(port))).encode())
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as answer:
            (found,) = json.load(answer)
        os.waitpid(child, 0)
    assert (found["pids"], found["user"]) == ([], "root")


def test_by_psutil_as_elsewhere() -> None:
    there, udp, busy = around(PsutilPorts())
    check([replace(there[0], user="-")], udp, busy)


def time_wait(ports: Ports) -> Occupant:
    """The near end, which closed first."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
        far, _ = listener.accept()
        port = near.getsockname()[1]
        near.close()
        assert far.recv(1) == b""
        far.close()
        every = ports.occupants(port)
        return next(one for one in every if one.peer and one.peer.port == listener.getsockname()[1])


def test_seconds_of_time_wait() -> None:
    found = time_wait(LinuxPorts())
    assert found.kind == "time-wait"
    assert 30 < (found.seconds_left or 0) <= 60


@pytest.mark.usefixtures("without_netlink")
def test_seconds_of_time_wait_by_the_files_of_proc() -> None:
    found = time_wait(LinuxPorts())
    assert found.kind == "time-wait"
    assert 30 < (found.seconds_left or 0) <= 60


def test_what_binds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = LinuxPorts().bindable(listener.getsockname()[1])
    assert found == {"127.0.0.1": "taken", "::1": "free", "0.0.0.0": "taken", "::": "free"}


def test_a_process(sleeper: int) -> None:
    for ports in (LinuxPorts(), PsutilPorts()):
        found = ports.process(sleeper)
        assert found
        assert (found.name, found.command, found.parent) == ("cat", ("cat",), os.getpid())
        assert (found.group, found.session) == (sleeper, sleeper)
        assert abs(found.started_s - time.time()) < 60
        assert ports.parents(found)[0].pid == os.getpid()
        assert ports.group(sleeper) == [sleeper]


def test_another_start_time_is_another_process(sleeper: int) -> None:
    ports = LinuxPorts()
    found = ports.process(sleeper)
    assert found
    earlier = replace(found, start=found.start - 1)
    assert ports.end(earlier) == f"pid {sleeper} is not the same process any more"
    assert (still := ports.process(sleeper))
    assert still.start == found.start
    assert ports.end(found, group=True) == ""
    assert os.waitid(os.P_PID, sleeper, os.WEXITED | os.WNOWAIT).si_status == signal.SIGTERM  # type: ignore[union-attr]
    assert ports.process(sleeper) is None


def test_we_and_those_above_us_are_never_signalled() -> None:
    ports = LinuxPorts()
    for pid in (1, os.getpid(), os.getppid()):
        if process := ports.process(pid):
            assert ports.end(process, force=True).endswith("homeport itself, its ancestor or the first process")
