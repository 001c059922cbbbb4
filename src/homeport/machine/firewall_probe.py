"""One connection to a local address, by a socket that belongs to a given user, so that rules about users see that user.

It sends nothing but what opens a connection (over UDP one empty datagram), and waits a bounded time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from homeport.model.endpoint import Endpoint

WAITS_S = 1.5  # a refusal by ICMP reaches a local client with its second SYN, 1 s after the first
SILENCE = -1


@dataclass(frozen=True, slots=True)
class Probed:
    """`error`: 0 when it was connected (over UDP: answered), an errno, or SILENCE."""

    client_port: int
    error: int

    @property
    def is_connected(self) -> bool:
        return self.error == 0


def probe(endpoint: Endpoint, protocol: str = "tcp", uid: int | None = None, waits_s: float = WAITS_S) -> Probed:
    """Another `uid` than ours needs root; without it, it is ours."""
    host = "127.0.0.1" if endpoint.host in ("localhost", "") else endpoint.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with as_user(uid):
        client = socket.socket(family, kind)
    with client:
        client.settimeout(waits_s)
        error = _connect(client, host, endpoint.port, is_udp=protocol == "udp")
        return Probed(client.getsockname()[1], error)


def _connect(client: socket.socket, host: str, port: int, *, is_udp: bool) -> int:
    try:
        client.connect((host, port))
        if is_udp:
            client.send(b"")
            client.recv(1)
    except TimeoutError:
        return SILENCE
    except OSError as error:
        return error.errno or SILENCE
    return 0


@contextmanager
def as_user(uid: int | None) -> Iterator[bool]:
    """Sockets made inside belong to that user; False where they are ours instead. None: ours.

    A socket belongs to the file-system uid of the thread that makes it, and setfsuid(2) changes only this thread.
    """
    own = os.geteuid() if hasattr(os, "geteuid") else None
    if uid is None or uid == own or own != 0:
        yield uid in (None, own)
        return
    import ctypes

    setfsuid = getattr(ctypes.CDLL(None), "setfsuid", None)
    if setfsuid is None:
        yield False
        return
    setfsuid(uid)
    try:
        yield setfsuid(-1) == uid  # an impossible user changes nothing, and tells who it is
    finally:
        setfsuid(own)
