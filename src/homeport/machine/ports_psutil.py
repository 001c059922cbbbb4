"""The ports of any system that psutil knows; macOS and Windows add what their own tools tell.

It tells no time left in TIME_WAIT and no control groups, and on macOS only our own processes without root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from homeport.model.endpoint import Endpoint
from homeport.model.ports import Bindable, Occupant, ProcessFact, SocketFact

if TYPE_CHECKING:
    import psutil


class PsutilPorts:
    """See Ports."""

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        import psutil

        rows = [(row, "tcp") for row in _rows("tcp") if row.status == psutil.CONN_LISTEN]
        rows += [(row, "udp") for row in _rows("udp") if not row.raddr] if udp else []
        found: dict[tuple[str, Endpoint], set[int]] = {}
        for row, protocol in rows:
            if row.laddr and port in (None, row.laddr.port):
                key = (protocol, Endpoint(row.laddr.ip, row.laddr.port))
                found.setdefault(key, set()).update({row.pid} if row.pid else ())
        return [
            SocketFact(protocol="udp" if protocol == "udp" else "tcp", endpoint=endpoint, pids=tuple(sorted(pids)))
            for (protocol, endpoint), pids in found.items()
        ]

    def occupants(self, port: int) -> list[Occupant]:
        import psutil

        return [
            Occupant(
                kind="time-wait" if row.status == psutil.CONN_TIME_WAIT else "connection",
                endpoint=Endpoint(row.laddr.ip, row.laddr.port),
                peer=Endpoint(row.raddr.ip, row.raddr.port) if row.raddr else None,
                pids=(row.pid,) if row.pid else (),
            )
            for row in _rows("tcp")
            if row.laddr and row.laddr.port == port and row.status != psutil.CONN_LISTEN
        ]

    def process(self, pid: int) -> ProcessFact | None:
        import psutil

        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return _fact(process)
        except (psutil.Error, OSError, ValueError):
            return None

    def parents(self, process: ProcessFact) -> list[ProcessFact]:
        found: list[ProcessFact] = []
        at: ProcessFact | None = process
        while at and at.parent > 0 and (at := self.process(at.parent)) and at not in found:
            found.append(at)
        return found

    def group(self, group: int) -> list[int]:
        import psutil

        return [pid for pid in psutil.pids() if _posix("getpgid", pid) == group]

    def bindable(self, port: int) -> dict[str, Bindable]:
        from homeport.machine.ports import try_binds

        return try_binds(port)

    def ephemeral_range(self) -> tuple[int, int]:
        from homeport.machine import this_machine

        return this_machine().ephemeral_range()

    def reserved(self) -> list[tuple[int, int]]:
        return []

    def unprivileged_from(self) -> int:
        return 0  # macOS since 10.14 on the wildcard address, and Windows, let everybody bind every port

    def repository(self, folder: str) -> tuple[str, str]:
        from homeport.machine import git

        return git.repository(folder)

    def namespaces_sockets(self, port: int) -> list[tuple[str, SocketFact]]:
        """Containers of macOS and Windows are in a virtual machine, where nothing can be seen."""
        return []

    def environment(self, pid: int) -> dict[str, str]:
        import psutil

        try:
            return dict(psutil.Process(pid).environ())
        except (psutil.Error, OSError):
            return {}

    def ask(self, words: Sequence[str]) -> str:
        from homeport.machine import ports_tools

        return ports_tools.ask(words)

    def run(self, words: Sequence[str], waiting: Callable[[float], None]) -> str:
        from homeport.machine import ports_tools

        return ports_tools.run(words, waiting)

    def has_tool(self, program: str) -> bool:
        from homeport.machine import ports_tools

        return ports_tools.is_installed(program)

    def protected(self) -> set[int]:
        from homeport.machine.by_psutil import ancestors

        return {0, 1, 4, *ancestors()}

    def end(self, process: ProcessFact, *, group: bool = False, force: bool = False) -> str:
        if os.name == "posix":
            from homeport.machine import ports_signal

            return ports_signal.end(
                process, lambda: self.process(process.pid), self.protected(), group=group, force=force
            )
        import psutil

        now = self.process(process.pid)
        if now is None or now.start != process.start or process.pid in self.protected():
            return f"pid {process.pid} is not the same process any more, or may not be ended"
        try:
            psutil.Process(process.pid).terminate()
        except psutil.AccessDenied:
            return f"it belongs to {process.user or 'another user'}"
        except psutil.Error:
            return ""
        return ""


def _rows(kind: str) -> list[Any]:
    """Every socket; on macOS without root only those of processes that we may look at."""
    import psutil

    try:
        return list(psutil.net_connections(kind=kind))
    except psutil.AccessDenied:
        pass
    found: list[Any] = []
    for process in psutil.process_iter():
        try:
            rows = process.net_connections(kind=kind)
        except (psutil.Error, OSError):
            continue
        found += [SimpleNamespace(laddr=row.laddr, raddr=row.raddr, status=row.status, pid=process.pid) for row in rows]
    return found


def _fact(process: psutil.Process) -> ProcessFact:
    import psutil

    def ask(question: str) -> Any:
        try:
            return getattr(process, question)()
        except (psutil.Error, OSError):
            return None

    started = process.create_time()
    marker = (ask("environ") or {}).get("HOMEPORT_APP", "")
    terminal = (ask("terminal") or "") if hasattr(process, "terminal") else ""
    return ProcessFact(
        pid=process.pid,
        start=started,
        started_s=started,
        name=ask("name") or "",
        command=tuple(ask("cmdline") or ()),
        user=ask("username") or "",
        folder=ask("cwd") or "",
        parent=ask("ppid") or 0,
        group=_posix("getpgid", process.pid),
        session=_posix("getsid", process.pid),
        terminal=terminal.removeprefix("/dev/"),
        app=marker.partition("/")[2],
    )


def _posix(call: str, pid: int) -> int:
    ask = getattr(os, call, None)
    try:
        return int(ask(pid)) if ask else 0
    except OSError:
        return 0
