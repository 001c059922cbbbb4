"""One connection to a local address, made by a user's own process, so that rules about users see that user.

It sends nothing but what opens a connection (over UDP one empty datagram), and waits a bounded time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from homeport.model.endpoint import Endpoint

WAITS_S = 1.5  # a refusal by ICMP reaches a local client with its second SYN, 1 s after the first
_LIMIT_S = 10.0
_CODE = """
import os, socket, sys
kind, host, port, wait = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
probe = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
probe.settimeout(wait)
code = 0
try:
    probe.connect((host, port))
    if kind == "udp":
        probe.send(b"")
        probe.recv(1)
except TimeoutError:
    code = -1
except OSError as error:
    code = error.errno or -2
print(probe.getsockname()[1], code)
"""
SILENCE = -1


@dataclass(frozen=True, slots=True)
class Probed:
    """`error`: 0 when it was connected, an errno, or SILENCE."""

    client_port: int
    error: int

    @property
    def is_connected(self) -> bool:
        return self.error == 0


def probe(endpoint: Endpoint, protocol: str = "tcp", uid: int | None = None, waits_s: float = WAITS_S) -> Probed | None:
    """None when it could not be made: no such user, no such address. Another `uid` needs root."""
    host = "127.0.0.1" if endpoint.host in ("localhost", "") else endpoint.host
    words = [sys.executable, "-I", "-S", "-c", _CODE, protocol, host, str(endpoint.port), str(waits_s)]
    other = {"user": uid, "extra_groups": []} if uid is not None and uid != _our_uid() else {}
    try:
        done = subprocess.run(words, capture_output=True, timeout=_LIMIT_S, stdin=subprocess.DEVNULL, cwd="/", **other)  # type: ignore[call-overload]
        client_port, error = done.stdout.split()
        return Probed(int(client_port), int(error))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _our_uid() -> int | None:
    return os.geteuid() if hasattr(os, "geteuid") else None
