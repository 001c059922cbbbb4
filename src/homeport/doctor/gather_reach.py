"""Tries connections and says how each ended. It sends no byte on them.

As root a connection can also be tried as another user: a firewall may have rules for users.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import time

from homeport.doctor.facts import Outcome, Reach
from homeport.machine.firewall_probe import as_user
from homeport.model.endpoint import Endpoint

# A connection on loopback takes 0.1 ms; the first SYN is repeated after 1 s. Windows asks a closed port for 2 s.
LIMIT_S = 3.0 if sys.platform == "win32" else 1.5
_OUTCOMES: dict[int, Outcome] = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EPERM: "forbidden",
    errno.EACCES: "forbidden",
    errno.EADDRNOTAVAIL: "exhausted",
    errno.ETIMEDOUT: "timeout",
    errno.ENOENT: "refused",
}


def reach(endpoint: Endpoint, limit_s: float = LIMIT_S, uid: int | None = None) -> Reach:
    """Connect and hang up; as another user, where that is told and we may."""
    started = time.perf_counter()
    try:
        with open_to(endpoint, limit_s, uid):
            code = 0
    except TimeoutError:
        code = errno.ETIMEDOUT
    except OSError as error:
        code = error.errno or -1
    outcome = _OUTCOMES.get(code, "failed") if code else "connected"
    name = errno.errorcode.get(code, "") if code else ""
    ms = (time.perf_counter() - started) * 1000
    return Reach(endpoint=endpoint, outcome=outcome, error=name, ms=ms, user=_user(uid) if uid is not None else "")


def open_to(endpoint: Endpoint, limit_s: float, uid: int | None = None) -> socket.socket:
    """A connected socket, of user `uid` where we may make one: rules of firewalls compare it. Raises OSError."""
    if endpoint.is_unix and not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, "this system has no Unix sockets")
    with as_user(uid):
        client = _socket_for(endpoint)
    try:
        client.settimeout(limit_s)
        client.connect(endpoint.path or (endpoint.host, endpoint.port))
    except BaseException:
        client.close()
        raise
    return client


def _socket_for(endpoint: Endpoint) -> socket.socket:
    if endpoint.is_unix:
        return socket.socket(socket.AF_UNIX)
    return socket.socket(socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET)


def reach_as(endpoint: Endpoint, uid: int, limit_s: float = LIMIT_S) -> Reach | None:
    """The same as another user; None where we may not, and on a Unix socket, where rules of a firewall do not count."""
    with as_user(uid) as may:
        pass
    return reach(endpoint, limit_s, uid) if may and not endpoint.is_unix else None


def other_users(listener_user: str, asking: int | None = None) -> list[int]:
    """Whom else to try as than who asks: ourselves, the listener's own user, and somebody without any rights."""
    if sys.platform == "win32":
        return []
    import pwd

    own = os.geteuid()
    wanted = [own]
    for name in (listener_user, "nobody"):
        try:
            wanted.append(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    return [uid for uid in dict.fromkeys(wanted) if uid != (own if asking is None else asking)]


def _user(uid: int) -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
