"""Linux: everything from /proc and sock_diag, without psutil (its import alone costs more than a look at an app)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection, Mapping

from homeport.machine import git, posix, proc, proc_net, sock_diag
from homeport.machine.client_owner import ClientOwners
from homeport.machine.interface import Listener, Lock
from homeport.machine.ports_linux import tcp_listeners
from homeport.machine.sock_diag import Row
from homeport.model.endpoint import Endpoint

_PR_SET_CHILD_SUBREAPER = 36
_CACHED = 64  # apps whose listeners are remembered


class Linux:
    """See Machine."""

    def __init__(self) -> None:
        self._markers: dict[tuple[int, float], str] = {}
        self._listeners: dict[frozenset[int], tuple[frozenset[int], list[Listener]]] = {}
        self._clients = ClientOwners()

    def boot_id(self) -> str:
        return proc.read("/proc/sys/kernel/random/boot_id").strip()

    def start_time(self, pid: int) -> float | None:
        found = proc.stat(pid)
        return found.started if found and found.state not in "ZX" else None

    def tree(self, root_pids: Collection[int], marker: str) -> list[int]:
        roots = list(root_pids)
        roots += [pid for pid, theirs in self.strays().items() if marker and theirs == marker]
        found: dict[int, bool] = {}
        while roots:
            pid = roots.pop()
            status = proc.stat(pid) if pid not in found else None
            if status:
                found[pid] = status.state not in "ZX"
                roots += proc.children(pid)
        return [pid for pid, lives in found.items() if lives]

    def session(self, session_id: int) -> list[int]:
        seen = ((pid, proc.stat(pid)) for pid in proc.all_pids())
        return [pid for pid, status in seen if status and status.session == session_id and status.state not in "ZX"]

    def strays(self) -> dict[int, str]:
        session = os.getsid(0)
        seen = {pid: status for pid in proc.children(os.getpid()) if (status := proc.stat(pid))}
        if len(self._markers) > 4 * _CACHED:
            self._markers = {key: marker for key, marker in self._markers.items() if key[0] in seen}
        markers = {pid: self._marker(pid, status) for pid, status in seen.items() if status.session != session}
        return {pid: marker for pid, marker in markers.items() if marker != proc.NOT_AN_APPS}

    def marked(self, prefix: str) -> dict[int, str]:
        found = {pid: proc.marker(pid) for pid in proc.all_pids() if pid != os.getpid()}
        return {pid: marker for pid, marker in found.items() if marker.startswith(prefix)}

    def command(self, pid: int) -> str:
        return proc.read(f"/proc/{pid}/comm").strip()

    def listeners(self, pids: Collection[int]) -> list[Listener]:
        rows = {row.inode: row for row in (*tcp_listeners(), *_unix_listeners())}
        key, inodes = frozenset(pids), frozenset(rows)
        known = self._listeners.get(key)
        if known and known[0] == inodes:
            return known[1]  # the same processes, the same sockets in the whole system: nothing to look for
        found = [
            Listener(endpoint=_endpoint(rows[inode]), pid=pid, v6only=rows[inode].v6only)
            for pid in pids
            for inode in proc.socket_inodes(pid)
            if inode in rows
        ]
        if len(self._listeners) >= _CACHED:
            self._listeners.clear()
        self._listeners[key] = (inodes, found)
        return found

    def client_process(self, client_host: str, client_port: int, server_port: int) -> str | None:
        if client_host not in ("::1", "127.0.0.1"):
            return None
        try:
            row = sock_diag.tcp_connection(client_host, client_port, client_host, server_port)
        except OSError:
            return None
        if row is None or not row.inode:
            return None
        pid = self._clients.pid_of(row.inode)
        return f"{self.command(pid)} ({pid})" if pid is not None else None

    def client_is_gone(self, client_host: str, client_port: int, server_port: int) -> bool:
        try:
            row = sock_diag.tcp_connection(client_host, client_port, client_host, server_port)
        except OSError:
            return False
        return row is None or not row.inode

    def ephemeral_range(self) -> tuple[int, int]:
        fields = proc.read("/proc/sys/net/ipv4/ip_local_port_range").split()
        return (int(fields[0]), int(fields[1])) if len(fields) == 2 else (32768, 60999)

    def adopt_orphans(self) -> None:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def reap(self, pid: int) -> int | None:
        return posix.reap(pid)

    def signal_processes(self, identities: Mapping[int, float], *, force: bool = False) -> None:
        protected = proc.ourselves_and_ancestors()
        posix.signal_processes(identities, force=force, start_time=self.start_time, protected=protected)

    def lock_file(self, path: str) -> Lock | None:
        return posix.lock_file(path)

    def git_branch_of_worktree(self, folder: str) -> str:
        return git.branch_of_worktree(folder)

    def _marker(self, pid: int, status: proc.Stat) -> str:
        """What its environment says; remembered, since it may be overwritten (and a zombie has none)."""
        key = (pid, status.started)
        marker = self._markers.get(key) or proc.marker(pid)
        if marker:
            self._markers[key] = marker
        return marker


def _unix_listeners() -> list[Row]:
    try:
        return sock_diag.unix_listeners()
    except OSError:
        return proc_net.unix_listeners(proc.rows("/proc/net/unix"))


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(path=row.path) if row.path else Endpoint(row.host, row.port)
