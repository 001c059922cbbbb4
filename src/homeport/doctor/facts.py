"""What the doctor knows: facts about one path to an endpoint, and about the machine. Frozen, and only facts.

"Not known" is a value: None or nothing, with `why` beside it. The sentences are made in `doctor/checks/`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from homeport.machine.network import Loopback, Queue
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding
from homeport.model.firewall import Deciding, FirewallState
from homeport.model.ports import PortStory, ProcessFact, SocketFact, answering

Client = Literal["browser", "curl", "getaddrinfo", "node"]
# connected · refused (RST) · timeout (silence) · unreachable (an ICMP answer, or no way there) · forbidden (the system
# says no before a packet leaves) · exhausted (no own port left) · no-address (not one of this computer) · failed
Outcome = Literal["connected", "refused", "timeout", "unreachable", "forbidden", "exhausted", "no-address", "failed"]
State = Literal["ok", "bad", "unknown", "skipped"]
_OWN = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where a connection to a wildcard ends


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked about. `scheme` is '' where only an endpoint was named; a path means that it is a Unix socket."""

    text: str
    scheme: Literal["", "http", "https"] = ""
    host: str = ""
    port: int = 0
    path: str = "/"
    unix: str = ""
    everywhere: str = ""  # for a name: another URL of the same, which needs no name
    asks_host: str = ""  # the Host header, where it differs from the address: a route asked for through the door

    @property
    def is_local_name(self) -> bool:
        return self.host == "localhost" or self.host.endswith(".localhost")


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of client resolves the name. `is_known` False: `why` says why that is not known."""

    client: Client
    addresses: tuple[str, ...] = ()
    why: str = ""
    is_known: bool = True
    tries_all: bool = True  # False: it takes the first address and no other


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """One connection that was tried. `error` is the system's own name, "ECONNREFUSED". `user`: tried as that user."""

    endpoint: Endpoint
    outcome: Outcome
    error: str = ""
    ms: float = 0.0
    user: str = ""


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """A listening socket on the port, who holds it, and how many connections wait for that one to accept them."""

    socket: SocketFact
    process: ProcessFact | None = None
    queue: Queue | None = None
    files: tuple[int, int] | None = None  # open files of the process, and how many it may have

    @property
    def is_docker(self) -> bool:
        """Docker's own process, which stands for a published port of a container."""
        return self.process is not None and self.process.name == "docker-proxy"

    @property
    def may_be_docker(self) -> bool:
        """Whether to ask Docker: its processes are root's, whom others may not see, and dockerd may publish itself."""
        return self.process is None or self.process.name in ("docker-proxy", "dockerd")


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """What the TLS handshake showed. `trouble` is '' where a client that checks everything is content."""

    ms: float = 0.0
    version: str = ""
    trouble: Literal["", "not-tls", "untrusted", "self-signed", "expired", "not-yet-valid", "wrong-name", "failed"] = ""
    why: str = ""  # in the words of the library
    names: tuple[str, ...] = ()
    subject: str = ""
    issuer: str = ""
    not_before_s: float | None = None  # seconds since 1970
    not_after_s: float | None = None
    now_s: float = 0.0
    is_clock_synchronised: bool | None = None


class StoreTrust(msgspec.Struct, frozen=True, kw_only=True):
    """Whether programs that read this store trust homeport's CA. `is_trusted` None: not known, because of `why`."""

    name: str
    kind: str = ""
    is_trusted: bool | None = None
    why: str = ""


class OwnAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """homeport's CA has issued the certificate. `is_current` False: an earlier one, or another user's; then no stores
    are known."""

    name: str
    is_current: bool = True
    stores: tuple[StoreTrust, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back on a GET. `is_http` False: something else did. `end` says how it ended without an answer."""

    status: int = 0
    reason: str = ""
    server: str = ""
    type: str = ""
    location: str = ""
    body: str = ""  # its beginning
    is_http: bool = True
    end: Literal["", "closed", "timeout", "reset", "unreachable"] = ""
    ms: float = 0.0
    host: str = ""  # the Host that was asked for


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy of the environment. `answer` is what came through it, where it was asked."""

    variable: str
    value: str
    no_proxy: str = ""
    is_bypassed: bool = False
    answer: Answer | None = None
    why: str = ""  # why the proxy gave no answer


class MachineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """This computer, as far as its loopback goes."""

    loopback: Loopback = Loopback()
    localhost: Resolved | None = None
    hosts: tuple[tuple[str, str], ...] = ()  # what the hosts file says about localhost and names below it
    ephemeral: tuple[int, int] = (0, 0)
    time_wait: int | None = None
    open_files: tuple[int, int] | None = None
    proxies: tuple[Proxy, ...] = ()
    is_clock_synchronised: bool | None = None
    clock_behind_s: float = 0.0  # how far the clock is behind files that lie here already


class PathFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One walk from a client to an endpoint."""

    target: Target
    names: tuple[Resolved, ...] = ()
    reached: tuple[Reach, ...] = ()  # one for each address that the name or the address leads to
    listening: tuple[Listening, ...] = ()  # every socket on the port, whatever its address
    siblings: tuple[str, ...] = ()  # other addresses that the same app listens on
    container: str = ""  # of Docker, which publishes the port
    namespaces: tuple[tuple[str, SocketFact], ...] = ()  # label of the container or namespace, and its listener
    as_others: tuple[Reach, ...] = ()  # the same connection, tried as another user
    deciding: Deciding | None = None
    firewalls: tuple[FirewallState, ...] = ()
    story: PortStory | None = None  # of the port, where nobody listens on it
    tls: Tls | None = None
    authority: OwnAuthority | None = None
    answer: Answer | None = None
    answers: tuple[Answer, ...] = ()  # the same GET with other headers, to tell one cause from another
    speaks_tls: bool = False  # it hung up on http, and a handshake was made
    proxies: tuple[Proxy, ...] = ()
    machine: MachineFacts = MachineFacts()
    app_finding: Finding | None = None  # what the engine says about the app of this name

    @property
    def connected(self) -> Reach | None:
        return next((reach for reach in self.reached if reach.outcome == "connected"), None)

    def listeners_at(self, host: str) -> list[Listening]:
        """Those that a client of this address reaches: the kernel prefers the exact address to a wildcard."""
        found = answering((one.socket for one in self.listening), _OWN.get(host, host))
        return [one for one in self.listening if one.socket in found]


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the walk, for the waterfall. `ms` None: it took no time that could be measured."""

    name: str
    text: str
    state: State = "ok"
    start_ms: float = 0.0
    ms: float | None = None


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """One path, step by step, with what is wrong on it."""

    title: str
    phases: tuple[Phase, ...]
    facts: PathFacts
    findings: tuple[Finding, ...] = ()
    was_tried: bool = True  # False: nothing was sent, so that nobody can say that it answers


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of `homeport doctor`. `findings` are those of the machine and of a pasted text."""

    said: str = ""  # what a pasted text means, in one sentence
    findings: tuple[Finding, ...] = ()
    walks: tuple[Walk, ...] = ()
    machine: MachineFacts | None = None
    looked_at: int = 0  # apps and routes, where everything was asked about

    @property
    def every(self) -> tuple[Finding, ...]:
        return (*self.findings, *(finding for walk in self.walks for finding in walk.findings))
