"""Which process is at the other end of a local connection, or sends datagrams from an address. It only looks.

Linux: an exact question names the socket (20 µs), then the processes are looked through for who holds it, those who
came before first: 0.1 ms for a client that comes again, some milliseconds for a new one. Elsewhere nobody is found.
"""

from __future__ import annotations

import sys

from homeport.machine import proc
from homeport.model.net_client import Owner

_REMEMBERED = 8  # processes that have come lately
_EVERYWHERE = frozenset({"0.0.0.0", "::"})
_DEPTH = 32  # of processes above one


class ClientOwners:
    """Called from several threads: what it remembers is replaced, never changed. `key` is that of the home, which
    stands before the route in HOMEPORT_APP."""

    def __init__(self, key: str = "") -> None:
        self._key = key
        self._lately: tuple[int, ...] = ()

    def __call__(self, client: object, server: object, *, udp: bool = False) -> Owner | None:
        """Both ends as the socket module names them. None where that is not known."""
        if not sys.platform.startswith("linux") or not (isinstance(client, tuple) and isinstance(server, tuple)):
            return None
        inode = _datagram_inode(client) if udp else _stream_inode(client, server)
        pid = self.pid_of(inode) if inode else None
        return self._told(pid) if pid is not None else None

    def pid_of(self, inode: int) -> int | None:
        """Newest first: a curl that lives for 20 ms was found in 10 of 10 trials so, and in 6 of 10 the other way
        round."""
        for pid in (*self._lately, *sorted(proc.all_pids(), reverse=True)):
            if inode in proc.socket_inodes(pid):
                self._lately = (pid, *(other for other in self._lately if other != pid))[:_REMEMBERED]
                return pid
        return None

    def _told(self, pid: int) -> Owner:
        pids = [pid]
        while len(pids) < _DEPTH and (status := proc.stat(pids[-1])) is not None and status.parent > 0:
            pids.append(status.parent)
        key, _, route = proc.marker(pid).rpartition("/")
        app = route if key and key == self._key else ""
        return Owner(pids=tuple(pids), program=proc.read(f"/proc/{pid}/comm").strip(), app=app)


def _stream_inode(client: tuple[object, ...], server: tuple[object, ...]) -> int:
    from homeport.machine import sock_diag

    try:
        row = sock_diag.tcp_connection(str(client[0]), _port(client), str(server[0]), _port(server))
    except (OSError, ValueError):  # the kernel does not tell, or it is no address
        return 0
    return row.inode if row is not None else 0


def _datagram_inode(client: tuple[object, ...]) -> int:
    from homeport.machine import sock_diag

    try:
        rows = sock_diag.udp_users(_port(client))
    except OSError:
        return 0
    wanted = str(client[0])
    fitting = [row for row in rows if row.host.removeprefix("::ffff:") == wanted]
    fitting += [row for row in rows if row.host in _EVERYWHERE]
    return fitting[0].inode if fitting else 0


def _port(end: tuple[object, ...]) -> int:
    return end[1] if isinstance(end[1], int) else 0
