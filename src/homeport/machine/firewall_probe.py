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
    with _as_user(uid):
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
def _as_user(uid: int | None) -> Iterator[None]:
    """A socket belongs to the file-system uid of the thread that makes it, and setfsuid(2) changes only this thread."""
    if uid is None or not hasattr(os, "geteuid") or uid == os.geteuid() or os.geteuid() != 0:
        yield
        return
    import ctypes

    setfsuid = getattr(ctypes.CDLL(None), "setfsuid", None)
    if setfsuid is None:
        yield
        return
    setfsuid(uid)
    try:
        yield
    finally:
        setfsuid(os.geteuid())
