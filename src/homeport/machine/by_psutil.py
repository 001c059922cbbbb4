"""What psutil tells alike on macOS and Windows (and on Linux, where the tests compare it with our own answers).

Orphans are not adopted there: they are found by HOMEPORT_APP in their environment. psutil is imported when it is first
needed. "Access denied" and "gone" are both "nothing".
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from homeport.machine import git
from homeport.machine.interface import Listener
from homeport.model.endpoint import Endpoint

if TYPE_CHECKING:
    import psutil

_TABLE_LASTS_S = 0.02  # asking for every process takes about as long; several apps are looked at in one go


class ByPsutil:
    """The parts of Machine that need nothing of the system's own."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._parents_at_s = 0.0
        self._markers: dict[tuple[int, float], str] = {}

    def start_time(self, pid: int) -> float | None:
        import psutil

        def question(process: psutil.Process) -> float | None:
            return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()

        found: float | None = _ask(pid, question)
        return found

    def tree(self, root_pids: Collection[int], marker: str) -> list[int]:
        parents = self._table()
        found = {pid for pid in root_pids if pid in parents}
        found |= {pid for pid in self._orphans(parents) if marker and self._marker(pid) == marker}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return [pid for pid in sorted(found) if self.start_time(pid) is not None]

    def session(self, session_id: int) -> list[int]:
        get_session: Callable[[int], int] | None = getattr(os, "getsid", None)
        if get_session is None:
            return []
        found = []
        for pid in self._table():
            try:
                if get_session(pid) == session_id and self.start_time(pid) is not None:
                    found.append(pid)
            except OSError:
                continue
        return found

    def strays(self) -> dict[int, str]:
        return {}

    def marked(self, prefix: str) -> dict[int, str]:
        found = {pid: self._marker(pid) for pid in self._table() if pid != os.getpid()}
        return {pid: marker for pid, marker in found.items() if marker.startswith(prefix)}

    def command(self, pid: int) -> str:
        return _ask(pid, lambda process: process.name()) or ""

    def listeners(self, pids: Collection[int]) -> list[Listener]:
        return [Listener(endpoint=endpoint, pid=pid) for pid in pids for endpoint in _listening(pid)]

    def git_branch_of_worktree(self, folder: str) -> str:
        return git.branch_of_worktree(folder)

    def _table(self) -> dict[int, int]:
        """pid -> the pid of its parent."""
        import psutil

        if time.monotonic() - self._parents_at_s > _TABLE_LASTS_S:
            self._parents = {
                process.pid: process.info["ppid"] or 0 for process in psutil.process_iter(["ppid"], ad_value=0)
            }
            self._parents_at_s = time.monotonic()
        return self._parents

    def _orphans(self, parents: dict[int, int]) -> Iterator[int]:
        """Whose parent ended: launchd is theirs on macOS; on Windows they keep the pid of one that is gone."""
        return (pid for pid, parent in parents.items() if pid > 1 and (parent == 1 or parent not in parents))

    def _marker(self, pid: int) -> str:
        started = self.start_time(pid)
        if started is None:
            return ""
        key = (pid, started)
        if key not in self._markers:
            self._markers = {known: marker for known, marker in self._markers.items() if known[0] in self._parents}
            self._markers[key] = (_ask(pid, lambda process: process.environ()) or {}).get("HOMEPORT_APP", "")
        return self._markers[key]


def ancestors() -> set[int]:
    """Ourselves and those above us."""
    above = _ask(os.getpid(), lambda process: [parent.pid for parent in process.parents()]) or []
    return {os.getpid(), *above}


def _listening(pid: int) -> list[Endpoint]:
    import psutil

    found = _ask(pid, lambda process: process.net_connections(kind="all")) or []
    endpoints = []
    for connection in found:
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            if connection.status == psutil.CONN_LISTEN:
                endpoints.append(Endpoint(connection.laddr.ip, connection.laddr.port))
        elif isinstance(connection.laddr, str) and os.path.isabs(connection.laddr) and not connection.raddr:
            endpoints.append(Endpoint(path=connection.laddr))  # whether it listens is not told
    return endpoints


def _ask(pid: int, question: Callable[[psutil.Process], Any]) -> Any:
    import psutil

    try:
        return question(psutil.Process(pid))
    except (psutil.Error, OSError, ValueError):
        return None
