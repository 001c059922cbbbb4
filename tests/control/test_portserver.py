"""portpicker's protocol: the real client, wrong questions, other users, and clients that ask nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import portpicker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.control import portserver
from homeport.control.portserver import Portserver, is_ours, parse_pid
from homeport.model.errors import HomeportError
from homeport.model.lease import LeaseSpec, LeaseState

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")


class Table:
    """Counts up; the pid 666 is dead."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def take(self, spec: LeaseSpec, *, by_portserver: bool) -> list[LeaseState]:
        assert by_portserver
        if spec.pid == 666:
            raise HomeportError("not-found", "no process has the pid 666")
        self.pids.append(spec.pid)
        return [LeaseState(port=20000 + len(self.pids))]


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
async def server(short_path: str, table: Table) -> AsyncIterator[Portserver]:
    made = Portserver(f"{short_path}/portserver.sock", table.take)
    await made.open()
    yield made
    await made.close()
    assert not os.path.exists(made.address)


async def ask(server: Portserver, *pieces: bytes, end: bool = False) -> bytes:
    reader, writer = await asyncio.open_unix_connection(server.address)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    if end:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return answer


def picked(server: Portserver, pid: int | None = None) -> int | None:
    port: int | None = portpicker.get_port_from_port_server(server.address, pid)
    return port


async def test_portpicker_leases_from_us(server: Portserver, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTSERVER_ADDRESS", server.address)
    assert await asyncio.to_thread(portpicker.pick_unused_port) == 20001
    assert await asyncio.to_thread(picked, server, 4711) == 20002
    assert table.pids == [os.getpid(), 4711]


@pytest.mark.parametrize("pid", [-1, 0, 1, 666])
async def test_pids_that_nothing_is_leased_to(server: Portserver, table: Table, pid: int) -> None:
    assert await asyncio.to_thread(picked, server, pid) == 0
    assert table.pids == []


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"12 34\n", b"9" * 40, b"\xff\n", b"-5\n", b"99999999999\n"])
async def test_what_is_no_pid_gets_no_port(server: Portserver, table: Table, line: bytes) -> None:
    assert await ask(server, line) == b"0\n"
    assert table.pids == []


async def test_a_question_may_come_in_pieces_and_without_its_end(server: Portserver, table: Table) -> None:
    assert await ask(server, b"4", b"7", b"1", b"1\n") == b"20001\n"
    assert await ask(server, b"4711", end=True) == b"20002\n"
    assert await ask(server, end=True) == b""
    assert table.pids == [4711, 4711]


async def test_more_than_a_question_is_one_question(server: Portserver, table: Table) -> None:
    assert await ask(server, b"4711\n4712\n") == b"20001\n"
    assert table.pids == [4711]


async def test_who_asks_nothing_is_not_kept(server: Portserver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portserver, "ASK_LIMIT_S", 0.01)
    assert await ask(server) == b""


async def test_a_hundred_at_once(server: Portserver, table: Table) -> None:
    answers = await asyncio.gather(*(ask(server, b"%d\n" % pid) for pid in range(1000, 1100)))
    assert len(set(answers)) == 100
    assert sorted(table.pids) == [*range(1000, 1100)]


@pytest.mark.skipif(sys.platform != "linux", reason="SO_PEERCRED")
def test_the_process_at_the_other_end_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert is_ours(ours)
        monkeypatch.setattr("os.getuid", lambda: 12345)
        assert is_ours(ours) is (os.geteuid() == 0)  # root may ask for anybody


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root to be somebody else")
async def test_other_users_are_sent_away(short_path: str, table: Table) -> None:
    os.chmod(short_path, 0o711)
    server = Portserver(f"{short_path}/portserver.sock", table.take)
    await server.open()
    os.chmod(server.address, 0o666)  # as if somebody had opened it up
    code = (
        "import contextlib, os, socket, sys\n"
        "os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "with contextlib.suppress(BrokenPipeError):\n"  # it may be sent away before it has asked
        "    s.sendall(b'4711\\n')\n"
        "print(s.recv(99))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, server.address, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    await server.close()
    assert (out.strip(), table.pids) == (b"b'0\\n'", [])


async def test_the_socket_is_its_owners_alone(server: Portserver) -> None:
    assert os.stat(server.address).st_mode & 0o777 == 0o600
    assert Path(server.address).is_socket()


@given(st.binary(max_size=40))
def test_garbage_is_no_pid_or_a_number(line: bytes) -> None:
    assert 0 <= parse_pid(line) < 10**10


def test_without_unix_sockets_there_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("socket.AF_UNIX")
    take: Callable[..., list[LeaseState]] = Table().take
    assert Portserver("/x", take).address == ""
