"""The ports of macOS: psutil for the processes that we may look at, and netstat for every other socket.

netstat's columns change with nearly every macOS, and whoever takes the wrong one ends the wrong process. So the pid of
a process of ours never comes from netstat, and any other pid by the name of its column only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from homeport.machine import ports_tools
from homeport.machine.ports_psutil import PsutilPorts
from homeport.model.endpoint import Endpoint
from homeport.model.fact import Fact, replace
from homeport.model.ports import Occupant, SocketFact

_LISTEN, _TIME_WAIT = "LISTEN", "TIME_WAIT"


class Row(Fact):
    """A line of `netstat -anv`: "tcp46" is `::` that takes IPv4 as well. `pid` is 0 where no column says it."""

    protocol: str
    own: Endpoint
    peer: Endpoint | None = None
    state: str = ""
    pid: int = 0

    @property
    def is_open(self) -> bool:
        """Anybody may come in."""
        return self.state == _LISTEN if self.protocol.startswith("tcp") else self.peer is None


class MacPorts(PsutilPorts):
    """See Ports. `ask` is how netstat is asked."""

    def __init__(self, ask: Callable[[Sequence[str]], str] = ports_tools.ask) -> None:
        self._ask = ask

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        seen = {(one.protocol, one.endpoint): one for one in super().sockets(port, udp=udp)}
        told = [row for row in self._rows(udp) if row.is_open and port in (None, row.own.port) and row.own.port]
        found = {}
        for row in told:
            key = (row.protocol[:3], row.own)
            fact = seen.pop(key, None) or self._hidden(row)  # type: ignore[arg-type]
            found[key] = replace(fact, v6only=row.protocol.endswith("6") and not row.protocol.endswith("46"))
        return [*found.values(), *seen.values()]

    def occupants(self, port: int) -> list[Occupant]:
        seen = super().occupants(port)
        pairs = {(one.endpoint, one.peer) for one in seen}
        rows = [row for row in self._rows(False) if row.own.port == port and not row.is_open]
        return seen + [
            Occupant(
                kind="time-wait" if row.state == _TIME_WAIT else "connection" if row.peer else "bound",
                endpoint=row.own,
                peer=row.peer,
                pids=self._foreign(row.pid),
                user=self._user(row.pid),
            )
            for row in rows
            if (row.own, row.peer) not in pairs
        ]

    def _rows(self, udp: bool) -> list[Row]:
        said = [self._ask(("netstat", "-anvW", "-p", protocol)) for protocol in (("tcp", "udp") if udp else ("tcp",))]
        return [row for text in said for row in parse_netstat(text.splitlines())]

    def _hidden(self, row: Row) -> SocketFact:
        protocol = "udp" if row.protocol.startswith("udp") else "tcp"
        pids, user = self._foreign(row.pid), self._user(row.pid)
        return SocketFact(protocol=protocol, endpoint=row.own, pids=pids, user=user)  # type: ignore[arg-type]

    def _foreign(self, pid: int) -> tuple[int, ...]:
        """A process of somebody else. One of ours psutil would have told: then the column was misread."""
        process = self.process(pid) if pid else None
        me = self.process(os.getpid())
        return (pid,) if process and me and process.user != me.user else ()

    def _user(self, pid: int) -> str:
        process = self.process(pid) if self._foreign(pid) else None
        return process.user if process else ""


def parse_netstat(lines: Iterable[str]) -> Iterator[Row]:
    """The pid stands in the column `pid`, from macOS 26 on in `process:pid`, whose names may hold blanks: both are
    counted from the right, where no column is ever empty."""
    behind = 0
    for line in lines:
        words = line.split()
        if words[:1] == ["Proto"]:
            at = next((number for number, word in enumerate(words) if word in ("pid", "process:pid")), len(words))
            behind = len(words) - at
        elif words and words[0].rstrip("46") in ("tcp", "udp") and len(words) >= 5:
            own, peer = _endpoint(words[3], words[0]), _endpoint(words[4], words[0])
            if own is None:
                continue
            state = words[5] if len(words) > 5 and words[5].isupper() and words[5].replace("_", "").isalpha() else ""
            pid = words[-behind].rpartition(":")[2] if 0 < behind < len(words) - 4 else ""
            yield Row(
                protocol=words[0],
                own=own,
                peer=peer if peer and peer.port else None,
                state=state,
                pid=int(pid) if pid.isdigit() else 0,
            )


def _endpoint(text: str, protocol: str) -> Endpoint | None:
    """`127.0.0.1.3000`, `*.3000`, `fe80::1%lo0.3000`, `*.*`."""
    host, dot, port = text.rpartition(".")
    if not dot or not (port.isdigit() or port == "*"):
        return None
    anywhere = "::" if protocol.endswith("6") else "0.0.0.0"
    return Endpoint(anywhere if host == "*" else host.partition("%")[0], 0 if port == "*" else int(port))
