"""Tries connections and says how each ended. It sends no byte on them, except a proxy's or a page's own gatherers do.

As root a connection can also be tried as another user: a firewall may have rules for users.
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time

from homeport.doctor.facts import Outcome, Reach
from homeport.model.endpoint import Endpoint

LIMIT_S = 1.5  # a connection on loopback takes 0.1 ms; the first SYN is repeated after 1 s
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
# In a process of its own: the user of a connection cannot be changed for one thread only.
_AS_USER = """
import errno, socket, sys
client = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
client.settimeout(float(sys.argv[3]))
try:
    client.connect((sys.argv[1], int(sys.argv[2])))
except TimeoutError:
    print(errno.ETIMEDOUT)
except OSError as error:
    print(error.errno)
else:
    print(0)
"""


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
    return _reach(endpoint, code, (time.perf_counter() - started) * 1000)


def open_to(endpoint: Endpoint, limit_s: float) -> socket.socket:
    """A connected socket. Raises OSError."""
    if endpoint.is_unix:
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
    """The same as another user; None where we may not, or it could not be tried."""
    if sys.platform == "win32" or os.geteuid() != 0 or endpoint.is_unix:
        return None
    words = [sys.executable, "-S", "-E", "-c", _AS_USER, endpoint.host, str(endpoint.port), str(limit_s)]
    started = time.perf_counter()
    try:
        done = subprocess.run(words, user=uid, capture_output=True, timeout=limit_s + 5, cwd="/", check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    text = done.stdout.decode().strip()
    if not text.isdigit():
        return None
    return _reach(endpoint, int(text), (time.perf_counter() - started) * 1000, _user(uid))


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


def _reach(endpoint: Endpoint, code: int, ms: float, user: str = "") -> Reach:
    outcome = _OUTCOMES.get(code, "failed") if code else "connected"
    return Reach(
        endpoint=endpoint, outcome=outcome, error=errno.errorcode.get(code, "") if code else "", ms=ms, user=user
    )


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
