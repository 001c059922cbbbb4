"""Ports made of lists, for tests: sockets and processes are put in by hand, signals are written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homeport.model.ports import BIND_ADDRESSES, Bindable, Occupant, ProcessFact, SocketFact


class FakePorts:
    """See Ports. Processes in `stubborn` end by force only; `respawns` gives what listens after somebody ended."""

    def __init__(self) -> None:
        self.listening: list[SocketFact] = []
        self.using: list[Occupant] = []
        self.processes: dict[int, ProcessFact] = {}
        self.binds: dict[str, Bindable] = dict.fromkeys(BIND_ADDRESSES, "free")
        self.repositories: dict[str, tuple[str, str]] = {}
        self.kept: list[tuple[int, int]] = []
        self.ours: set[int] = {1}
        self.stubborn: set[int] = set()
        self.respawns: dict[int, SocketFact] = {}
        self.namespaces: list[tuple[str, SocketFact]] = []
        self.environments: dict[int, dict[str, str]] = {}
        self.answers: dict[tuple[str, ...], str] = {}  # of tools that are asked
        self.tools: dict[str, Callable[[FakePorts], str]] = {}  # what a tool does when it is run
        self.ran: list[tuple[str, ...]] = []
        self.signalled: list[tuple[int, bool, bool]] = []

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        every = (socket for socket in self.listening if port in (None, socket.endpoint.port))
        return [socket for socket in every if udp or socket.protocol == "tcp"]

    def occupants(self, port: int) -> list[Occupant]:
        return [occupant for occupant in self.using if occupant.endpoint.port == port]

    def process(self, pid: int) -> ProcessFact | None:
        return self.processes.get(pid)

    def parents(self, process: ProcessFact) -> list[ProcessFact]:
        found: list[ProcessFact] = []
        at: ProcessFact | None = process
        while at and (at := self.processes.get(at.parent)):
            found.append(at)
        return found

    def group(self, group: int) -> list[int]:
        return [pid for pid, process in self.processes.items() if process.group == group]

    def bindable(self, port: int) -> dict[str, Bindable]:
        return dict(self.binds)

    def ephemeral_range(self) -> tuple[int, int]:
        return 32768, 60999

    def reserved(self) -> list[tuple[int, int]]:
        return self.kept

    def unprivileged_from(self) -> int:
        return 1024

    def repository(self, folder: str) -> tuple[str, str]:
        return self.repositories.get(folder, ("", ""))

    def namespaces_sockets(self, port: int) -> list[tuple[str, SocketFact]]:
        return [(label, socket) for label, socket in self.namespaces if socket.endpoint.port == port]

    def environment(self, pid: int) -> dict[str, str]:
        return self.environments.get(pid, {})

    def ask(self, words: Sequence[str]) -> str:
        return self.answers.get(tuple(words), "")

    def run(self, words: Sequence[str], waiting: Callable[[float], None]) -> str:
        self.ran.append(tuple(words))
        return self.tools[words[0]](self) if words[0] in self.tools else f"{words[0]} is not installed"

    def has_tool(self, program: str) -> bool:
        return program in self.tools

    def protected(self) -> set[int]:
        return self.ours

    def end(self, process: ProcessFact, *, group: bool = False, force: bool = False) -> str:
        now = self.processes.get(process.pid)
        if now is None or now.start != process.start:
            return f"pid {process.pid} is not the same process any more"
        self.signalled.append((process.pid, group, force))
        for pid in self.group(process.pid) if group else [process.pid]:
            if force or pid not in self.stubborn:
                self.forget(pid)
        return ""

    def forget(self, pid: int) -> None:
        self.processes.pop(pid, None)
        left = (
            SocketFact(endpoint=socket.endpoint, user=socket.user, pids=tuple(p for p in socket.pids if p != pid))
            for socket in self.listening
        )
        self.listening = [socket for socket in left if socket.pids]
        if pid in self.respawns:
            self.listening.append(self.respawns.pop(pid))
