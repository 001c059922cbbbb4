"""Listening sockets. `bind_loopback` refuses every other address, so that nobody opens one by accident; what somebody
means to open is bound by `bind_beyond`, one address at a time.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Callable

from homeport.model.errors import HomeportError

_PICKS = 20  # of a port that is free in both families


def bind_loopback(
    host: str, port: int, bind: Callable[[str, int], socket.socket] | None = None, *, needs_both: bool = False
) -> list[socket.socket]:
    """Bind, without listening yet. For 127.0.0.1 and localhost also [::1] on the same port, where the machine has it
    and nobody else holds it there: the caller sees by the length of the list whether it got both.

    Port 0 picks one. `bind` makes one socket, for TCP unless told otherwise. Raises OSError when the address itself is
    taken, or with `needs_both` the other one by somebody; HomeportError("bad-usage") beyond loopback.
    """
    bind = bind or bind_one
    name = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise HomeportError(
            "bad-usage", f"{host} is not a loopback address; homeport listens on loopback only", "127.0.0.1"
        )
    if name != "127.0.0.1":
        return [bind(name, port)]
    for _ in range(_PICKS if port == 0 else 1):
        first = bind(name, port)
        try:
            return [first, bind("::1", first.getsockname()[1])]
        except OSError as error:
            if port and not (needs_both and error.errno == errno.EADDRINUSE):
                return [first]
            first.close()
            if port:
                raise
    return [bind(name, 0)]


def bind_beyond(host: str, port: int) -> socket.socket:
    """One address of this computer on one of its networks, as it was named. Raises OSError where it is not ours or
    taken, HomeportError("bad-usage") for loopback, for every address at once, and for what is no address.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise HomeportError("bad-usage", f"{host!r} is not an address of this computer", "ip address") from error
    if address.is_unspecified or address.is_loopback or address.is_multicast:
        raise HomeportError("bad-usage", f"{host} is not one address of a network", "ip address")
    return bind_one(host, port)


def do_not_pace(sock: socket.socket) -> None:
    """Where the system's congestion control is BBR, it sets a timer between any two segments, which on loopback is
    a third of the CPU of a bulk transfer (and more on a virtual machine). Reno has no timer and is always there."""
    option = getattr(socket, "TCP_CONGESTION", None)
    if option is not None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, option, b"reno")
        except OSError:
            pass  # it is only slower


def bind_one(host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """One address, whatever it is, and nobody else's: with SO_REUSEADDR two sockets for datagrams would share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            do_not_pace(sock)  # what is accepted inherits it
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
