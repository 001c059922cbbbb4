"""Ports: who listens, which process that is and why it runs, and what else is in the way.

The facts that a computer tells (`SocketFact`, `ProcessFact`, `Occupant`), the story made of them (`PortStory`), and the
classes of port numbers. Never asks a computer anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from homeport.model.fact import Fact

TYPE_CHECKING = False  # see homeport.model.fact
if TYPE_CHECKING:
    from typing import Literal

    from homeport.model.endpoint import Endpoint

    PortClass = Literal["well-known", "registered", "dynamic"]
    Bindable = Literal["free", "taken", "denied", "absent"]  # denied: we may not · absent: no such address here
    OccupantKind = Literal["time-wait", "connection", "bound"]
    LinkKind = Literal[
        "homeport",
        "container",
        "package",
        "unit",
        "supervisor",
        "tmux",
        "screen",
        "shell",
        "script",
        "ssh",
        "login",
        "cron",
        "init",
        "parent",
    ]
else:
    PortClass = Bindable = OccupantKind = LinkKind = str

BIND_ADDRESSES = ("127.0.0.1", "::1", "0.0.0.0", "::")

# Habits of developers' tools that no list of services names.
_HABITS = {
    3000: "web development",
    4200: "Angular",
    5173: "Vite",
    6006: "Storybook",
    8000: "web development",
    8080: "http-alt",
    8888: "Jupyter",
    9229: "Node inspector",
    11434: "Ollama",
    62893: "homeport",
}


class SocketFact(Fact):
    """One listening socket (UDP: one that anybody may send to). `pids` is empty where no holder may be seen."""

    protocol: Literal["tcp", "udp"] = "tcp"
    endpoint: Endpoint
    user: str = ""
    pids: tuple[int, ...] = ()
    v6only: bool = False  # `::` that does not take IPv4 as well

    @property
    def exposed(self) -> bool:
        """Reachable from other computers, as far as the address decides that."""
        return not self.endpoint.is_loopback


class ProcessFact(Fact):
    """One process. Fields that may not be seen are empty; `start` with the pid is its identity."""

    pid: int
    start: float = 0.0  # on the clock of Machine.start_time
    started_s: float = 0.0  # seconds since 1970
    name: str = ""
    command: tuple[str, ...] = ()
    user: str = ""
    folder: str = ""
    parent: int = 0
    group: int = 0
    session: int = 0
    terminal: str = ""  # "pts/3"
    cgroup: str = ""
    login: str = ""  # the user who had logged in, which survives sudo and a double fork
    app: str = ""  # the homeport app that it belongs to, by its environment
    is_deleted: bool = False  # its program was deleted or replaced since it started


class Occupant(Fact):
    """A socket that uses a port without listening on it."""

    kind: OccupantKind
    endpoint: Endpoint
    peer: Endpoint | None = None
    seconds_left: float | None = None
    pids: tuple[int, ...] = ()
    user: str = ""


class Link(Fact):
    """One answer to "why does it run": the nearest comes first."""

    kind: LinkKind
    text: str
    name: str = ""  # of the unit, the container, the app
    pid: int = 0
    tool: tuple[str, ...] = ()  # the command that stops what it keeps running
    again: str = ""  # the timer that would start it again


class ProcessStory(Fact):
    """A process that holds the port, where it comes from, and why it runs."""

    process: ProcessFact
    repository: str = ""
    branch: str = ""
    why: tuple[Link, ...] = ()


class Inside(Fact):
    """A listener in another network namespace: it is in nobody's way here, and reached by nobody from here."""

    label: str  # what people know the namespace by: "the container 3f2a… (Docker)"
    socket: SocketFact


class PortStory(Fact):
    """All about one port. With a `host`, `listening` answers there and `elsewhere` listens on other addresses."""

    port: int
    host: str = ""
    kind: PortClass
    service: str = ""
    ephemeral: tuple[int, int] = (0, 0)
    is_ephemeral: bool = False
    is_reserved: bool = False
    is_privileged: bool = False  # and we may not bind it
    listening: tuple[SocketFact, ...] = ()
    elsewhere: tuple[SocketFact, ...] = ()
    holders: tuple[ProcessStory, ...] = ()
    inside: tuple[Inside, ...] = ()
    datagrams: tuple[SocketFact, ...] = ()  # UDP: in nobody's way who wants the port for TCP
    sees_all: bool = False  # asked by root: a process that is not seen here is none of this pid namespace
    occupants: tuple[Occupant, ...] = ()
    others: tuple[ProcessFact, ...] = ()  # the processes behind the occupants
    bindable: Mapping[str, Bindable] = MappingProxyType({})
    next: str = ""


def port_class(port: int) -> PortClass:
    """IANA's classes (RFC 6335, section 6)."""
    return "well-known" if port < 1024 else "registered" if port < 49152 else "dynamic"


def usual_use(port: int) -> str:
    """What developers mostly meet there, where no list of services names it."""
    return _HABITS.get(port, "")


def parse_ranges(text: str) -> list[tuple[int, int]]:
    """`8080,9000-9010` as ranges, both ends included; what is not understood is left out."""
    found = []
    for part in text.replace("\n", ",").split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and (not high or high.isdigit()):
            found.append((int(low), int(high or low)))
    return found


def answering(sockets: Iterable[SocketFact], host: str) -> list[SocketFact]:
    """Those that a client of `host` reaches: the kernel prefers the exact address to a wildcard."""
    every = list(sockets)
    if not host:
        return every
    wanted = ("127.0.0.1", "::1") if host == "localhost" or host.endswith(".localhost") else (host,)
    found = []
    for address in wanted:
        exact = [socket for socket in every if socket.endpoint.host == address]
        found += exact or [socket for socket in every if _takes(socket, address)]
    return [socket for socket in every if socket in found]


def _takes(socket: SocketFact, address: str) -> bool:
    if socket.endpoint.host == "0.0.0.0":
        return ":" not in address
    return socket.endpoint.host == "::" and (":" in address or not socket.v6only)
