"""How each kind of client resolves a name: by what is built into it, or by asking the system. It connects to nothing.

Browsers and curl answer `localhost` and names below it themselves (RFC 6761, section 6.3); whoever asks the system gets
what the hosts file and the resolver say. The system is asked in a thread that may be left behind: it can take minutes.
"""

from __future__ import annotations

import queue
import socket
import threading
from pathlib import Path

from homeport.doctor.facts import Resolved

LIMIT_S = 2.0
_BUILT_IN = ("::1", "127.0.0.1")


def is_address(host: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def resolve(host: str, limit_s: float = LIMIT_S) -> tuple[Resolved, ...]:
    """Nothing for an address: everybody takes it as it is."""
    if is_address(host):
        return ()
    system = ask_system(host, limit_s)
    node = Resolved(
        client="node", addresses=system.addresses, why=system.why, is_known=system.is_known, tries_all=False
    )
    if host != "localhost" and not host.endswith(".localhost"):
        others = [
            Resolved(client=one, addresses=system.addresses, why=system.why, is_known=system.is_known)
            for one in ("browser", "curl")
        ]
        return (*others, system, node)
    return (
        Resolved(client="browser", addresses=_BUILT_IN, why="built in"),
        Resolved(client="curl", addresses=_BUILT_IN, why="built in since 7.85"),
        system,
        node,
    )


def ask_system(host: str, limit_s: float = LIMIT_S) -> Resolved:
    """getaddrinfo(3), with the order that it answers in."""
    answers: queue.Queue[Resolved] = queue.Queue()
    threading.Thread(target=lambda: answers.put(_getaddrinfo(host)), name=f"resolve {host}", daemon=True).start()
    try:
        return answers.get(timeout=limit_s)
    except queue.Empty:
        why = f"the system's resolver did not answer within {limit_s:g} s"
        return Resolved(client="getaddrinfo", why=why, is_known=False)


def hosts_lines(path: str) -> tuple[tuple[str, str], ...]:
    """What the hosts file says about localhost and names below it: (address, name)."""
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError:
        return ()
    found = []
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        found += [(address, name.lower()) for name in names if name.lower().split(".")[-1] == "localhost"]
    return tuple(found)


def _getaddrinfo(host: str) -> Resolved:
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no such name can exist"
        return Resolved(client="getaddrinfo", why=str(why))
    return Resolved(client="getaddrinfo", addresses=tuple(dict.fromkeys(str(row[4][0]) for row in rows)))
