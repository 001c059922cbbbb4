"""The sockets behind a lease: those that hold its port, those that ask whether it is free, and the name that keeps
other engines off. They are bound and never listen; nothing here knows whose lease it is.
"""

from __future__ import annotations

import errno
import socket
import sys

LOOPBACK = ("127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::")


def hold(port: int) -> list[socket.socket] | None:
    """Sockets on both loopback addresses, or None when anybody listens on the port in a way that matters.

    Who blocks whom differs by address and family, so "is it free" is four questions; two of the sockets only ask.
    """
    held: list[socket.socket] = []
    try:
        for host in (*LOOPBACK, *EVERYWHERE):
            bound = _bind(host, port)
            if bound and host in LOOPBACK:
                held.append(bound)
            elif bound:
                bound.close()
    except OSError:
        for bound in held:
            bound.close()
        return None
    return held


def is_free(port: int, *, for_any_bind: bool) -> bool:
    """Whether a bind would succeed now, on TCP and UDP, on both families. Nothing stays bound.

    `for_any_bind`: one without SO_REUSEADDR as well, which connections in TIME_WAIT refuse for 60 s.
    """
    if sys.platform != "linux":
        for_any_bind = True  # elsewhere SO_REUSEADDR shares with, or steals from, a listener, and so answers nothing
    questions = [(host, socket.SOCK_STREAM, not for_any_bind) for host in (*LOOPBACK, *EVERYWHERE)]
    questions += [(host, socket.SOCK_DGRAM, False) for host in EVERYWHERE]
    try:
        for host, kind, reuse in questions:
            if bound := _bind(host, port, kind, reuse=reuse):
                bound.close()
    except OSError:
        return False
    return True


def mutex(port: int) -> socket.socket | None:
    """Neither shared nor missing sockets keep two engines apart, so a name in Linux' abstract namespace does.

    That namespace belongs to the same network namespace as the ports do, and its names vanish with their owner.
    """
    assert sys.platform != "win32"  # it is called on Linux alone
    try:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        return None  # no descriptors left: nothing can be leased
    try:
        made.bind(f"\0homeport-lease-{port}")
    except OSError:
        made.close()
        return None
    return made


def _bind(
    host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM, *, reuse: bool = True
) -> socket.socket | None:
    """A bound socket; None where there is no such address or we may not bind it. Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.socket(family, kind)
    except OSError:
        return None  # a kernel without IPv6
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would take a port away from its listener.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif reuse:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
            return None  # ports below 1024 need a privilege that the child may have (setcap, a setuid starter)
        raise
    return bound
