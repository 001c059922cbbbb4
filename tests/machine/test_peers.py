"""Whose process is at the other end: what Linux says of real connections in every state, and what it does not know."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from homeport.machine.peers import own_uid, peer_of, uid_of, why_not_ours
from homeport.model.access import Peer
from homeport.model.errors import HomeportError

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems tell nothing")


class Connection:
    """A client, and the socket that a server accepted for it."""

    def __init__(self, family: socket.AddressFamily) -> None:
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        with socket.create_server((host, 0), family=family) as server:
            self.client = socket.create_connection(server.getsockname()[:2])
            self.accepted, self.where = server.accept()

    def peer(self) -> Peer:
        return peer_of(self.where, self.accepted.getsockname())


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    made = Connection(request.param)
    yield made
    made.client.close()
    made.accepted.close()


@linux
def test_our_own(connection: Connection) -> None:
    assert connection.peer() == Peer(uid=os.getuid())
    assert why_not_ours(connection.where, connection.accepted.getsockname()) == ""


@linux
def test_a_half_closed_one_is_still_whose_it_is(connection: Connection) -> None:
    connection.client.shutdown(socket.SHUT_WR)
    assert connection.accepted.recv(1) == b""  # it is in FIN_WAIT2 now
    assert connection.peer() == Peer(uid=os.getuid())


@linux
@pytest.mark.parametrize(("code", "can_tell"), [(errno.EMFILE, True), (errno.EPROTONOSUPPORT, False)])
def test_out_of_descriptors_nobody_is_known(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, code: int, can_tell: bool
) -> None:
    """A crowd of connections brings that about: it must not open what is open where the system never tells."""

    def refuse(*ends: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("homeport.machine.sock_diag.tcp_connection", refuse)
    peer = connection.peer()
    assert (peer.uid, peer.can_tell) == (None, can_tell)
    assert bool(why_not_ours(connection.where, connection.accepted.getsockname())) is can_tell


@linux
def test_a_closed_one_is_nobodys(connection: Connection) -> None:
    """Its row says uid 0, whoever it was: /proc and ss show the same."""
    connection.client.close()
    assert connection.accepted.recv(1) == b""
    peer = connection.peer()
    assert (peer.uid, peer.can_tell) == (None, True)
    assert peer.why
    assert why_not_ours(connection.where, connection.accepted.getsockname()) == peer.why


@linux
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to be another user")
def test_the_uid_is_that_of_who_made_the_socket() -> None:
    os.seteuid(65534)
    try:
        made = Connection(socket.AF_INET)
    finally:
        os.seteuid(0)
    assert made.peer() == Peer(uid=65534)
    assert why_not_ours(made.where, made.accepted.getsockname()) == "it is a process of another user"
    made.client.close()
    made.accepted.close()


@linux
@pytest.mark.parametrize(
    ("client", "server"),
    [
        (("127.0.0.1", 1), ("127.0.0.1", 2)),  # nobody's
        (("192.0.2.1", 53211), ("192.0.2.2", 62893)),  # elsewhere
        (("fe80::1%lo", 1, 0, 1), ("fe80::2", 2, 0, 1)),
        (("::1", 1), ("127.0.0.1", 2)),
        (("not an address", 1), ("127.0.0.1", 2)),
        ("", ""),  # a Unix socket
        (None, None),
    ],
)
def test_what_is_not_known_is_said_and_never_root(client: object, server: object) -> None:
    peer = peer_of(client, server)
    assert (peer.uid, peer.can_tell) == (None, True)
    assert peer.why


def test_systems_that_never_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    peer = peer_of(("127.0.0.1", 1), ("127.0.0.1", 2))
    assert (peer.uid, peer.can_tell) == (None, False)
    assert why_not_ours(("127.0.0.1", 1), ("127.0.0.1", 2)) == ""


@linux
def test_a_sandbox_without_sock_diag(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("homeport.machine.sock_diag.tcp_connection", refuse)
    assert peer_of(("127.0.0.1", 1), ("127.0.0.1", 2)).can_tell is False

    def hang(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("homeport.machine.sock_diag.tcp_connection", hang)
    assert peer_of(("127.0.0.1", 1), ("127.0.0.1", 2)).can_tell is True


@pytest.mark.skipif(sys.platform == "win32", reason="has no uids")
def test_accounts() -> None:
    assert own_uid() == os.getuid()
    assert [uid_of("root"), uid_of(0), uid_of(4711)] == [0, 0, 4711]
    with pytest.raises(HomeportError, match="no user 'nobody-at-all'"):
        uid_of("nobody-at-all")
