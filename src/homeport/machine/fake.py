"""A computer made of dictionaries, for tests: processes and listeners are put in by hand, signals are written down."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from homeport.machine.interface import Listener, Lock
from homeport.model.endpoint import Endpoint


class FakeProcess(msgspec.Struct):
    """`adopted`: its parent ended and we became its parent."""

    parent: int = 0
    session: int = 0
    started: float = 0.0
    marker: str = ""
    name: str = "app"
    adopted: bool = False
    ignores_requests: bool = False  # to end; force still ends it


class FakeLock:
    def __init__(self, machine: FakeMachine, path: str) -> None:
        self._machine, self._path = machine, path

    def release(self) -> None:
        self._machine.locked.discard(self._path)


class FakeMachine:
    """See Machine."""

    def __init__(self) -> None:
        self.boot = "boot"
        self.processes: dict[int, FakeProcess] = {}
        self.listening: list[Listener] = []
        self.clients: dict[tuple[str, int], str] = {}
        self.gone: set[tuple[str, int]] = set()
        self.branches: dict[str, str] = {}
        self.locked: set[str] = set()
        self.signalled: list[tuple[int, bool]] = []
        self.adopts = False

    def listen(self, pid: int, host: str, port: int, *, v6only: bool = False) -> None:
        self.listening.append(Listener(endpoint=Endpoint(host, port), pid=pid, v6only=v6only))

    def end(self, pid: int) -> None:
        self.processes.pop(pid, None)
        self.listening = [listener for listener in self.listening if listener.pid != pid]

    def boot_id(self) -> str:
        return self.boot

    def start_time(self, pid: int) -> float | None:
        process = self.processes.get(pid)
        return process.started if process else None

    def tree(self, root_pids: Collection[int], marker: str) -> list[int]:
        found = {pid for pid in root_pids if pid in self.processes}
        found |= {pid for pid, theirs in self.strays().items() if marker and theirs == marker}
        while more := {pid for pid, process in self.processes.items() if process.parent in found} - found:
            found |= more
        return sorted(found)

    def session(self, session_id: int) -> list[int]:
        return [pid for pid, process in self.processes.items() if process.session == session_id]

    def strays(self) -> dict[int, str]:
        return {pid: process.marker for pid, process in self.processes.items() if process.adopted}

    def marked(self, prefix: str) -> dict[int, str]:
        return {pid: process.marker for pid, process in self.processes.items() if process.marker.startswith(prefix)}

    def command(self, pid: int) -> str:
        process = self.processes.get(pid)
        return process.name if process else ""

    def listeners(self, pids: Collection[int]) -> list[Listener]:
        return [listener for listener in self.listening if listener.pid in pids]

    def client_process(self, client_host: str, client_port: int, server_port: int) -> str | None:
        return self.clients.get((client_host, client_port))

    def client_is_gone(self, client_host: str, client_port: int, server_port: int) -> bool:
        return (client_host, client_port) in self.gone

    def ephemeral_range(self) -> tuple[int, int]:
        return 32768, 60999

    def adopt_orphans(self) -> None:
        self.adopts = True

    def reap(self, pid: int) -> int | None:
        return None

    def signal_processes(self, identities: Mapping[int, float], *, force: bool = False) -> None:
        for pid, started in identities.items():
            process = self.processes.get(pid)
            if process and process.started == started:
                self.signalled.append((pid, force))
                if force or not process.ignores_requests:
                    self.end(pid)

    def lock_file(self, path: str) -> Lock | None:
        if path in self.locked:
            return None
        self.locked.add(path)
        return FakeLock(self, path)

    def git_branch_of_worktree(self, folder: str) -> str:
        return self.branches.get(folder, "")
