"""An engine in memory with the seam that the commands need: it notes what was asked and says what a test wants."""

from __future__ import annotations

import builtins
import io
import itertools
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from homeport.app.fake import FakeLeases as FakeTable
from homeport.cli.entry import run
from homeport.cli.seams import Engine, Event
from homeport.cli.session import Session
from homeport.cli.terminal import Terminal
from homeport.model.access import NewToken, TokenSpec, TokenState
from homeport.model.app import AppSpec, AppState, State
from homeport.model.errors import HomeportError
from homeport.model.exchange import Body, ExchangeDetail, ExchangeSummary, Head, Timings
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.lease import LeaseSpec, LeaseState
from homeport.model.log import LogLine
from homeport.model.net_client import NetClient, NetClientSpec
from homeport.model.network import ConditionsSpec, ConditionsState
from homeport.model.route import RouteSpec, RouteState
from homeport.model.status import EngineState, RecordingState, Status

DOOR = "http://127.0.0.1:62893"


def app(name: str = "web", state: State = "ready", **more: object) -> AppState:
    """A running app with the addresses that the engine would give it."""
    values: dict[str, object] = {
        "name": name,
        "project": "shop",
        "folder": "/code/shop",
        "route": name,
        "kind": "process",
        "pid": 4242 if state in ("ready", "starting") else None,
        "port": 21345,
        "url": f"http://{name}.localhost:62893",
        "urls": [f"http://{name}.localhost:62893", f"{DOOR}/@{name}"],
    }
    return AppState(**{**values, "state": state, **more})  # type: ignore[arg-type]


def exchange(number: int = 1, **more: object) -> ExchangeSummary:
    values: dict[str, object] = {
        "id": number,
        "kind": "http",
        "route": "web",
        "client": "127.0.0.1:53211",
        "started": "2026-11-22T12:01:03.123456+00:00",
        "method": "GET",
        "host": "web.localhost:62893",
        "path": "/users?id=1",
        "status": 200,
        "type": "application/json",
        "duration_ms": 12.3,
        "response_bytes": 1234,
        "ending": "complete",
    }
    return ExchangeSummary(**{**values, **more})  # type: ignore[arg-type]


def detail(summary: ExchangeSummary | None = None, **more: object) -> ExchangeDetail:
    values: dict[str, object] = {
        "summary": summary or exchange(),
        "upstream": "127.0.0.1:21345",
        "request": Head(line="GET /users?id=1 HTTP/1.1", headers=[("Host", "web.localhost:62893")]),
        "request_body": Body(),
        "response": Head(line="HTTP/1.1 200 OK", headers=[("Content-Type", "application/json")]),
        "response_body": Body(bytes_on_wire=13, kept=13, type="application/json", text='{"name":"Åsa"}'),
        "timings": Timings(receive_head=0.2, connect=0.0, send=0.1, wait=11.0, receive=1.0),
    }
    return ExchangeDetail(**{**values, **more})  # type: ignore[arg-type]


KINDS: dict[type, str] = {AppState: "app", LogLine: "log", ExchangeSummary: "exchange"}


class FakeApps:
    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.all: dict[str, AppState] = {}
        self.started: builtins.list[AppSpec] = []
        self.stopped: builtins.list[str] = []
        self.restarted: builtins.list[str] = []
        self.on_start: Callable[[], None] = lambda: None

    def start(self, specs: builtins.list[AppSpec]) -> builtins.list[AppState]:
        self.started += specs
        states = [app(spec.name, "starting", folder=spec.folder) for spec in specs]
        self.all |= {state.route: state for state in states}
        for spec in specs:
            if spec.expose is not None:
                self._engine.routes.expose(spec.name, spec.expose)
        self.on_start()
        return states

    def list(self) -> builtins.list[AppState]:
        return [*self.all.values()]

    def stop(self, route: str) -> AppState:
        self.stopped.append(route)
        state = app(route, "stopped", exit_code=143)
        self._engine.emit(state)
        return state

    def restart(self, route: str) -> AppState:
        self.restarted.append(route)
        return self.all[route]

    def wait(self, route: str) -> AppState:
        if self.all[route].state == "starting":
            self.all[route] = app(route)
        return self.all[route]


class FakeRoutes:
    def __init__(self) -> None:
        self.all: dict[str, RouteState] = {}
        self.added: builtins.list[RouteSpec] = []
        self.exposed: builtins.list[tuple[str, ExposeSpec]] = []

    def add(self, spec: RouteSpec) -> RouteState:
        self.added.append(spec)
        kind = "tcp" if spec.target.startswith("tcp:") else "http"
        url = "" if kind == "tcp" else f"http://{spec.name}.localhost:62893"
        listen = f"127.0.0.1:{spec.listen}" if spec.listen else ""
        state = RouteState(
            name=spec.name, kind="tcp" if kind == "tcp" else "http", target=spec.target, url=url, listen=listen
        )
        state.access, state.cross_site = str(spec.access), spec.cross_site
        self.all[spec.name] = state
        if spec.expose is not None:
            self.expose(spec.name, spec.expose)
        return state

    def list(self) -> builtins.list[RouteState]:
        return [*self.all.values()]

    def remove(self, name: str) -> None:
        if name not in self.all:
            raise HomeportError("not-found", f"no route is called {name!r}", "homeport status")
        del self.all[name]

    def link(self, name: str) -> str:
        return f"http://{name}.localhost:62893/.homeport/enter?key=KEY"

    def expose(self, name: str, spec: ExposeSpec) -> Exposed:
        """Opens whatever is asked for, apps too."""
        self.exposed.append((name, spec))
        state = self.all.setdefault(name, RouteState(name=name, kind="app", target="", url=""))
        where = f"{spec.address}:62893"
        state.exposed = Exposed(
            address=where,
            url=f"https://{where}/",
            access=str(spec.access or "token"),
            since="2026-01-01T10:00:00Z",
            ends="2026-01-01T12:00:00Z" if spec.lasts_s else "",
            root="/home/root.pem",
            fingerprint="ab" * 32,
        )
        return state.exposed

    def unexpose(self, name: str) -> Exposed:
        state = self.all.get(name)
        if state is None or state.exposed is None:
            raise HomeportError("not-found", f"{name} is not exposed", "homeport expose")
        closed, state.exposed = state.exposed, None
        return closed

    def exposed_link(self, name: str) -> str:
        exposed = self.all[name].exposed
        assert exposed
        return exposed.url if exposed.access == "public" else f"{exposed.url}.homeport/enter?key=KEY"


class FakeTokens:
    def __init__(self) -> None:
        self.made: builtins.list[TokenSpec] = []
        self.all: dict[str, TokenState] = {}

    def new(self, spec: TokenSpec) -> NewToken:
        self.made.append(spec)
        ends = "" if spec.lasts_s is None else "2027-01-01T00:00:00Z"
        self.all[spec.name] = TokenState(name=spec.name, route=spec.route, ends=ends)
        return NewToken(token="hp_secret", state=self.all[spec.name])

    def list(self) -> builtins.list[TokenState]:
        return [*self.all.values()]

    def revoke(self, name: str) -> None:
        if name not in self.all:
            raise HomeportError("not-found", f"no token is called {name!r}", "homeport token")
        del self.all[name]


class FakeConditions:
    def __init__(self) -> None:
        self.asked: builtins.list[ConditionsSpec] = []
        self.replayed: builtins.list[int] = []
        self.all: builtins.list[ConditionsState] = []

    def set(self, spec: ConditionsSpec) -> ConditionsState:
        if spec.route == "nope":
            raise HomeportError("unsupported", "the network of 'nope' cannot be changed")
        self.asked.append(spec)
        words = ["each way: 500 kbit/s, 200 ms later"]
        state = ConditionsState(route=spec.route, client=spec.client, profile="3g", text="latency=200ms", words=words)
        self.all.append(state)
        return state

    def list(self) -> builtins.list[ConditionsState]:
        return [*self.all]

    def clear(self, route: str = "", client: str = "") -> builtins.list[ConditionsState]:
        gone = [one for one in self.all if route in ("", one.route)]
        self.all = [one for one in self.all if one not in gone]
        return gone

    def replay(self, exchange: int) -> ConditionsState:
        self.replayed.append(exchange)
        return ConditionsState(route="web", text="latency=200ms seed=7 first=4", words=["each way: 200 ms later"])


class FakeClients:
    def __init__(self) -> None:
        self.all: dict[str, NetClient] = {}

    def name(self, spec: NetClientSpec) -> NetClient:
        self.all[spec.name] = NetClient(name=spec.name, words=spec.words or ["127.64.0.1"])
        return self.all[spec.name]

    def list(self) -> builtins.list[NetClient]:
        return [*self.all.values()]

    def forget(self, name: str) -> None:
        del self.all[name]


class FakeTraffic:
    def __init__(self) -> None:
        self.found: builtins.list[ExchangeSummary] = []
        self.detail = detail()
        self.bodies: dict[str, bytes] = {}
        self.asked: builtins.list[tuple[str, int]] = []
        self.is_cleared = False

    def list(self, filter: str = "", limit: int = 50, before: int | None = None) -> builtins.list[ExchangeSummary]:  # noqa: A002
        self.asked.append((filter, limit))
        return self.found[::-1][:limit]

    def show(self, id: int) -> ExchangeDetail:  # noqa: A002
        if id != self.detail.summary.id:
            raise HomeportError("not-found", f"no exchange has the number {id}", "homeport requests")
        return self.detail

    def body(self, id: int, side: str) -> tuple[bytes, str]:  # noqa: A002
        return self.bodies[side], "application/octet-stream"

    def clear(self) -> None:
        self.is_cleared = True


class FakeLogs:
    def __init__(self) -> None:
        self.lines: builtins.list[LogLine] = []

    def list(self, app: str | None = None, limit: int = 200, after: int | None = None) -> builtins.list[LogLine]:
        found = [line for line in self.lines if app in (None, line.app) and line.id > (after or 0)]
        return found[:limit] if after is not None else found[-limit:]


class FakeLeases:
    """The ports of homeport.app.fake. `asked` are the questions."""

    def __init__(self) -> None:
        self.table = FakeTable()
        self.asked: builtins.list[LeaseSpec] = []

    def take(self, spec: LeaseSpec) -> builtins.list[LeaseState]:
        self.asked.append(spec)
        return self.table.take(spec)

    def list(self) -> builtins.list[LeaseState]:
        return self.table.states()

    def release(
        self, *, port: int = 0, name: str = "", folder: str = "", every: bool = False, pid: int | None = None
    ) -> builtins.list[LeaseState]:
        found = [s for s in self.table.states() if every or s.port == port or (s.name, s.folder) == (name, folder)]
        for state in found:
            self.table.release(state.port, pid)
        return found

    def portserver(self, pid: int) -> str:
        self.table.welcome(pid)
        return "/home/me/it's/portserver.sock"


class FakeControl:
    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.notices: list[str] = []
        self.warnings: list[str] = []
        self.is_stopped = False

    def status(self) -> Status:
        state = EngineState(
            version="0.1.0",
            pid=4100,
            home="/home/me/.local/state/homeport",
            started="2026-11-22T12:00:00+00:00",
            doors=["127.0.0.1:62893", "[::1]:62893"],
            url=DOOR,
            dashboard="http://homeport.localhost:62893",
            warnings=self.warnings,
            recording=RecordingState(exchanges=3, bytes=40960),
        )
        return Status(engine=state, apps=self._engine.apps.list(), routes=self._engine.routes.list())

    def stop(self) -> None:
        self.is_stopped = True

    def enter_link(self) -> str:
        return "http://homeport.localhost:62893/#enter=KEY"

    def dashboard_port(self) -> str:
        return "http://127.0.0.1:41234/#enter=KEY"


class FakeEngine:
    """`emit` what subscribers shall see; `end` is the engine's end."""

    def __init__(self, *apps: AppState) -> None:
        self.apps = FakeApps(self)
        self.apps.all = {state.route: state for state in apps}
        self.routes, self.traffic, self.logs = FakeRoutes(), FakeTraffic(), FakeLogs()
        self.leases, self.conditions = FakeLeases(), FakeConditions()
        self.tokens, self.clients = FakeTokens(), FakeClients()
        self.engine = FakeControl(self)
        self.subscriptions: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self._queues: dict[str, queue.Queue[Event | None]] = {}

    def emit(self, *events: Event) -> None:
        for event in events:
            if isinstance(event, LogLine):
                event.id = event.id or len(self.logs.lines) + 1
                if event not in self.logs.lines:
                    self.logs.lines.append(event)
            self._queue(KINDS[type(event)]).put(event)

    def end(self) -> None:
        for kind in set(KINDS.values()):
            self._queue(kind).put(None)

    def events(self, filter: str = "", apps: Sequence[str] = (), kinds: Sequence[str] = ()) -> Iterator[Event]:  # noqa: A002
        """Like the engine's, a subscription to apps begins with how they are; what was emitted before comes as well."""
        self.subscriptions.append((filter, tuple(apps), tuple(kinds)))
        current = [*self.apps.all.values()] if "app" in kinds else []
        shared: queue.Queue[Event | None] = self._queue(kinds[0])
        for kind in kinds[1:]:
            while not (other := self._queue(kind)).empty():
                shared.put(other.get())
            self._queues[kind] = shared
        return itertools.chain(current, iter(shared.get, None))

    def _queue(self, kind: str) -> queue.Queue[Event | None]:
        return self._queues.setdefault(kind, queue.Queue())


@dataclass
class FakeConnect:
    """`is_new`: no engine runs until somebody needs one."""

    fake: FakeEngine | None
    is_new: bool = False
    left: list[str] = field(default_factory=list)

    def running(self) -> Engine | None:
        return None if self.is_new else self.fake

    def ensure(self) -> Engine:
        assert self.fake is not None
        return self.fake

    def wait_until_ended(self) -> None:
        assert self.fake is not None
        assert self.fake.engine.is_stopped

    def leftovers(self, *, forget: bool) -> list[str]:
        return self.left


class FakeScreen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Outcome:
    status: int
    out: str
    err: str


def invoke(
    words: str | list[str], engine: FakeEngine | None = None, *, screen: bool = False, new: bool = False
) -> Outcome:
    """Run one command line against a fake engine; `screen`: stdout and stderr are a terminal of 80 columns."""
    out, err = (FakeScreen(), FakeScreen()) if screen else (io.StringIO(), io.StringIO())
    session = Session(FakeConnect(engine, is_new=new or engine is None), Terminal(out, err))
    status = run(words.split() if isinstance(words, str) else words, session)
    return Outcome(status, out.getvalue(), err.getvalue())
