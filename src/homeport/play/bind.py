"""The sockets of an echo server: TCP and UDP on the same port number, in both loopback families where that works.

Beyond loopback only where the caller says so; what somebody else holds is never taken from them.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Sequence

import msgspec

from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.streams.listen import bind_loopback, bind_one

_PICKS = 20  # of a port that is free for both TCP and UDP


class Bound(msgspec.Struct):
    """Open sockets, TCP and UDP apart. The first of them is the address that is told."""

    streams: list[socket.socket]
    datagrams: list[socket.socket]
    path: str = ""

    @property
    def endpoints(self) -> list[Endpoint]:
        """Each address once."""
        if self.path:
            return [Endpoint(path=self.path)]
        names = [sock.getsockname()[:2] for sock in (*self.streams, *self.datagrams)]
        return [Endpoint(host, port) for host, port in dict.fromkeys(names)]

    def close(self) -> None:
        for sock in (*self.streams, *self.datagrams):
            sock.close()
        if self.path:
            os.unlink(self.path)


def bind_echo(place: Endpoint, *, streams: bool, datagrams: bool, exposed: bool = False) -> Bound:
    """Bound sockets. Raises OSError where the address is taken, HomeportError("bad-usage") beyond loopback."""
    if place.is_unix:
        return Bound([_bind_unix(place.path)], [], place.path)
    if not place.is_loopback and not exposed:
        message = f"{place} may be reached from other computers"
        raise HomeportError("bad-usage", message, f"say --exposed as well if that is meant, or 127.0.0.1:{place.port}")
    for last in (False,) * (_PICKS - 1) + (True,):
        found = Bound(_bind_streams(place) if streams else [], [])
        try:
            if datagrams:
                found.datagrams = _bind_datagrams(_names(found.streams) or [(place.host, place.port)])
            return found
        except OSError as error:
            found.close()
            if last or place.port or not streams or error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError("unreachable")


def _bind_streams(place: Endpoint) -> list[socket.socket]:
    if place.is_loopback:
        return bind_loopback(place.host, place.port)
    return [bind_one(place.host, place.port)]


def _bind_datagrams(names: Sequence[tuple[str, int]]) -> list[socket.socket]:
    """One on each of these; for UDP alone on 127.0.0.1 also [::1], where the machine has it and it is free."""
    found: list[socket.socket] = []
    try:
        for host, port in names:
            found.append(bind_one("127.0.0.1" if host == "localhost" else host, port, socket.SOCK_DGRAM))
        if len(names) == 1 and found[0].getsockname()[0] == "127.0.0.1":
            try:
                found.append(bind_one("::1", found[0].getsockname()[1], socket.SOCK_DGRAM))
            except OSError:
                pass  # no IPv6 here, or somebody else's: 127.0.0.1 was asked for
    except OSError:
        for sock in found:
            sock.close()
        raise
    return found


def _names(sockets: Sequence[socket.socket]) -> list[tuple[str, int]]:
    return [sock.getsockname()[:2] for sock in sockets]


def _bind_unix(path: str) -> socket.socket:
    """Only its owner may connect. A socket that nobody listens on any more is replaced."""
    if not hasattr(socket, "AF_UNIX"):
        raise HomeportError("unsupported", "this system has no Unix sockets", "homeport echo 127.0.0.1:9000")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_abandoned(path):
            os.unlink(path)
        before = os.umask(0o177)
        try:
            sock.bind(path)
        finally:
            os.umask(before)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _is_abandoned(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        return False
