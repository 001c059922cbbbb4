"""Datagram sockets: those that clients send to, and the one of each client towards its upstream. Nothing here waits."""

from __future__ import annotations

import socket
import sys
from typing import Any

from homeport.streams.listen import bind_loopback

LARGEST = 65_507  # bytes of payload over IPv4: 65,535 less 20 of IP and 8 of UDP (RFC 768)
# What waits while the relay is busy; the system gives what it allows (Debian: 416 KiB, about 250 small datagrams,
# because each one counts with its overhead of 768 bytes or more).
LISTENER_BUFFER_BYTES = 4 * 1024 * 1024
CLIENT_BUFFER_BYTES = 1024 * 1024


def bind_datagrams(host: str, port: int) -> list[socket.socket]:
    """Both loopback families for 127.0.0.1 and localhost. Raises OSError where it is taken, HomeportError beyond
    loopback: a wildcard socket does not know which address a reply has to come from."""
    if port:
        return bind_loopback(host, port, _bound)
    # A port that the system picked is lost when the socket is disconnected (gateway.udp_refusing): so it is asked for.
    picked = bind_loopback(host, 0, _bound)
    port = picked[0].getsockname()[1]
    for sock in picked:
        sock.close()
    return bind_loopback(host, port, _bound)


def connect_datagrams(family: int, where: Any) -> socket.socket:
    """A socket for one client: it hears its upstream alone, and of ICMP errors. Raises OSError."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CLIENT_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CLIENT_BUFFER_BYTES)
        sock.connect(where)
    except OSError:
        sock.close()
        raise
    return sock


def overflowed(sock: socket.socket) -> int:
    """How many datagrams the system threw away because this socket's queue was full; 0 where it does not tell."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        words = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * 9)
    except OSError:
        return 0
    return int.from_bytes(words[4 * _DROPS : 4 * _DROPS + 4], sys.byteorder)


_SO_MEMINFO, _DROPS = 55, 8  # linux/sock_diag.h


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LISTENER_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LISTENER_BUFFER_BYTES)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
