"""Tries connections and says how each ended. It sends no byte on them.

As root a connection can also be tried as another user: a firewall may have rules for users.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time

import msgspec

from homeport.doctor.facts import Outcome, Reach
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


def reach(endpoint: Endpoint, limit_s: float = LIMIT_S) -> Reach:
    """Connect and hang up."""
    started = time.perf_counter()
    try:
        with open_to(endpoint, limit_s):
            code = 0
    except TimeoutError:
        code = errno.ETIMEDOUT
    except OSError as error:
        code = error.errno or -1
    outcome = _OUTCOMES.get(code, "failed") if code else "connected"
    name = errno.errorcode.get(code, "") if code else ""
    return Reach(endpoint=endpoint, outcome=outcome, error=name, ms=(time.perf_counter() - started) * 1000)


def open_to(endpoint: Endpoint, limit_s: float) -> socket.socket:
    """A connected socket. Raises OSError."""
    if endpoint.is_unix:
        if not hasattr(socket, "AF_UNIX"):
            raise OSError(errno.EAFNOSUPPORT, "this system has no Unix sockets")
        client = socket.socket(socket.AF_UNIX)
    else:
        client = socket.socket(socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET)
    try:
        client.settimeout(limit_s)
        client.connect(endpoint.path or (endpoint.host, endpoint.port))
    except BaseException:
        client.close()
        raise
    return client


def reach_as(endpoint: Endpoint, uid: int, limit_s: float = LIMIT_S) -> Reach | None:
    """The same as another user; None where we may not.

    A socket belongs to the filesystem user of the thread that made it: that is what rules for users compare, and it can
    be changed for one thread alone (setfsuid(2)).
    """
    if sys.platform != "linux" or os.geteuid() != 0 or endpoint.is_unix:
        return None
    found: list[Reach] = []
    thread = threading.Thread(target=lambda: found.append(_as_user(endpoint, uid, limit_s)), name=f"reach as {uid}")
    thread.start()
    thread.join()
    return found[0] if found and found[0].user else None


def _as_user(endpoint: Endpoint, uid: int, limit_s: float) -> Reach:
    """In a thread that ends afterwards, and its user with it. No user: it could not become that one."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.setfsuid(uid)
    is_that_user = libc.setfsuid(-1) == uid  # an impossible user changes nothing, and tells who it is
    tried = reach(endpoint, limit_s)
    return msgspec.structs.replace(tried, user=_user(uid) if is_that_user else "")


def other_users(listener_user: str) -> list[int]:
    """Whom else to try as: whoever called sudo, the listener's own user, and somebody without any rights."""
    if sys.platform == "win32":
        return []
    import pwd

    wanted = [os.environ.get("SUDO_UID", "")]
    for name in (listener_user, "nobody"):
        try:
            wanted.append(str(pwd.getpwnam(name).pw_uid))
        except KeyError:
            continue
    own = str(os.geteuid())
    return [int(uid) for uid in dict.fromkeys(wanted) if uid.isdigit() and uid != own]


def _user(uid: int) -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
