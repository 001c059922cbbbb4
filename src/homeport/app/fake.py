"""Stand-ins for the movers, kept in memory: what tests of the use cases, the API and the client run on.

They keep the promises of homeport.app.seams and start, listen to and record nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Literal

import msgspec

from homeport.app.apps import AppsUseCases
from homeport.app.client_book import ClientBook
from homeport.app.clients import ClientsUseCases
from homeport.app.conditions import ConditionsUseCases
from homeport.app.engine import EngineUseCases
from homeport.app.events import Hub
from homeport.app.leases import LeasesUseCases
from homeport.app.logs import LogsUseCases
from homeport.app.routes import RoutesUseCases
from homeport.app.seams import Heard, Keys, Side
from homeport.app.service import Service
from homeport.app.token_book import TokenBook
from homeport.app.tokens import TokensUseCases
from homeport.app.traffic import TrafficUseCases
from homeport.conditions.settings import Conditions
from homeport.model.app import AppSpec, AppState
from homeport.model.conditions_felt import ConditionsFelt
from homeport.model.errors import HomeportError
from homeport.model.exchange import Body, ExchangeDetail, ExchangeSummary, Head, Timings
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.lease import LeaseOwner, LeaseSpec, LeaseState
from homeport.model.log import LogLine
from homeport.model.measured import Measured
from homeport.model.route import RouteSpec, RouteState
from homeport.model.status import RecordingState


class FakeApps:
    """Apps that are starting until `become` says otherwise."""

    def __init__(self, changed: Callable[[AppState], None] = lambda state: None) -> None:
        self.all: dict[str, AppState] = {}
        self.changed = changed
        self._moved = asyncio.Event()

    async def start(self, specs: list[AppSpec]) -> list[AppState]:
        for spec in specs:
            self.all[spec.name] = AppState(
                name=spec.name,
                project=spec.project,
                folder=spec.folder,
                route=spec.name,
                kind="process",
                state="starting",
                pid=os.getpid(),
            )
            self.changed(self.all[spec.name])
        return [self.all[spec.name] for spec in specs]

    def become(self, route: str, state: AppState) -> None:
        self.all[route] = state
        self.changed(state)
        self._moved.set()
        self._moved = asyncio.Event()

    async def stop(self, route: str) -> AppState:
        self.all[route].state = "stopped"
        self.changed(self.all[route])
        return self.all[route]

    async def restart(self, route: str) -> AppState:
        self.all[route].restarts += 1
        return self.all[route]

    async def wait(self, route: str) -> AppState:
        while self.all[route].state == "starting":
            await self._moved.wait()
        return self.all[route]

    def states(self) -> list[AppState]:
        return list(self.all.values())


class FakeRoads:
    def __init__(self) -> None:
        self.all: dict[str, RouteState] = {}

    async def add(self, spec: RouteSpec) -> RouteState:
        if spec.name in self.all:
            raise HomeportError("name-taken", f"there is a route {spec.name!r} already")
        kind: Literal["tcp", "udp", "http"] = "http"
        if spec.target.startswith(("tcp:", "udp:")):
            kind = "tcp" if spec.target.startswith("tcp:") else "udp"
        state = RouteState(name=spec.name, kind=kind, target=spec.target, url="", listen=spec.listen)
        self.all[spec.name] = state
        return state

    async def remove(self, name: str) -> RouteState:
        return self.all.pop(name)

    def enter_link(self, name: str) -> str:
        return f"http://{name}.localhost:4711/.homeport/enter?key=one"

    def states(self) -> list[RouteState]:
        return list(self.all.values())


class FakeExposures:
    """Opens whatever is asked for."""

    def __init__(self, roads: FakeRoads) -> None:
        self._roads = roads

    async def open(self, name: str, spec: ExposeSpec) -> Exposed:
        state = self._of(name)
        url = f"https://{spec.address}:4711/"
        state.exposed = Exposed(address=f"{spec.address}:4711", url=url, access="token", since="2026-01-01T00:00:00Z")
        return state.exposed

    def close(self, name: str) -> Exposed | None:
        state = self._roads.all.get(name)
        closed = state.exposed if state is not None else None
        if state is not None:
            state.exposed = None
        return closed

    def follow(self, state: AppState) -> AppState:
        return state

    def link(self, name: str) -> str:
        exposed = self._of(name).exposed
        if exposed is None:
            raise HomeportError("not-found", f"{name} is not exposed")
        return f"{exposed.url}.homeport/enter?key=one"

    def _of(self, name: str) -> RouteState:
        if name not in self._roads.all:
            raise HomeportError("not-found", f"no route is called {name!r}")
        return self._roads.all[name]


class FakeConditioned:
    """Every route can be conditioned but those in `stubborn`."""

    def __init__(self) -> None:
        self.now: dict[tuple[str, str], Conditions] = {}
        self.stubborn: set[str] = set()
        self.changed: list[str] = []  # clients

    def set(self, route: str, conditions: Conditions | None, client: str = "") -> None:
        if route in self.stubborn:
            raise HomeportError("unsupported", f"the network of {route!r} cannot be changed")
        if conditions is None:
            self.now.pop((route, client), None)
        else:
            self.now[route, client] = conditions

    def called(self, client: str) -> str:
        return client

    def client_changed(self, name: str) -> None:
        self.changed.append(name)

    def all(self) -> list[tuple[str, str, Conditions, dict[str, int]]]:
        return [(*key, conditions, {"came": 3}) for key, conditions in self.now.items()]


class FakeRecording:
    """Answers with what was put into `exchanges`, `bodies` and `lines`."""

    def __init__(self) -> None:
        self.exchanges: list[ExchangeSummary] = []
        self.bodies: dict[tuple[int, str], tuple[bytes, str]] = {}
        self.lines: list[LogLine] = []
        self.felt: dict[int, ConditionsFelt] = {}  # by the number of the exchange
        self.asked: list[tuple[str, int, int | None]] = []
        self.watches: dict[int, tuple[Callable[[ExchangeSummary], bool], Heard]] = {}

    def watch(self, filter: str, heard: Heard) -> Callable[[], None]:  # noqa: A002
        wants, key = fake_filter(filter), id(heard)
        self.watches[key] = (wants, heard)
        return lambda: self.watches.pop(key, None) and None

    def passed(self, summary: ExchangeSummary) -> None:
        """An exchange went by."""
        self.exchanges.append(summary)
        for wants, heard in self.watches.values():
            if wants(summary):
                heard([summary], 0)

    async def search(self, filter: str, limit: int, before: int | None) -> list[ExchangeSummary]:  # noqa: A002
        self.asked.append((filter, limit, before))
        wants = fake_filter(filter)
        found = [one for one in self.exchanges if wants(one) and (before is None or one.id < before)]
        return found[::-1][:limit]

    async def detail(self, exchange_id: int) -> ExchangeDetail:
        for summary in self.exchanges:
            if summary.id == exchange_id:
                return ExchangeDetail(
                    summary=summary,
                    request=Head(line=f"{summary.method} {summary.path} HTTP/1.1", headers=[("Host", summary.host)]),
                    request_body=Body(),
                    response=Head(line=f"HTTP/1.1 {summary.status} OK"),
                    response_body=Body(),
                    timings=Timings(),
                    conditions=self.felt.get(exchange_id),
                )
        raise HomeportError("not-found", f"no exchange has the number {exchange_id}", "homeport requests")

    async def body(self, exchange_id: int, side: Side) -> tuple[bytes, str]:
        if (exchange_id, side) not in self.bodies:
            raise HomeportError("not-found", f"no exchange has the number {exchange_id}", "homeport requests")
        return self.bodies[exchange_id, side]

    async def logs(self, app: str | None, limit: int, after: int | None) -> list[LogLine]:
        return [line for line in self.lines if app in (None, line.app) and line.id > (after or 0)][-limit:]

    async def clear(self) -> None:
        self.exchanges.clear()

    def state(self) -> RecordingState:
        return RecordingState(exchanges=len(self.exchanges))


class FakeLeases:
    """Counts ports up from 20001; every process but those in `dead` lives."""

    def __init__(self) -> None:
        self.all: list[LeaseState] = []
        self.dead: set[int] = set()
        self.guests: list[int] = []

    def take(self, spec: LeaseSpec) -> list[LeaseState]:
        self._check(spec.pid)
        known = [state for state in self.all if spec.name and (state.name, state.folder) == (spec.name, spec.folder)]
        if known:
            return [msgspec.structs.replace(state, again=True) for state in known]
        owners = (LeaseOwner(pid=spec.pid, process="sh"),) if spec.pid else ()
        first = max((state.port for state in self.all), default=20000) + 1
        new = [
            LeaseState(port=first + step, name=spec.name, number=step + 1, folder=spec.folder, owners=owners)
            for step in range(spec.count)
        ]
        self.all += new
        return new

    def states(self) -> list[LeaseState]:
        return list(self.all)

    def release(self, port: int, pid: int | None) -> None:
        self.all = [state for state in self.all if state.port != port]

    def welcome(self, pid: int) -> None:
        self._check(pid)
        self.guests.append(pid)

    def _check(self, pid: int) -> None:
        if pid in self.dead:
            raise HomeportError("not-found", f"no process has the pid {pid}")


def fake_filter(text: str) -> Callable[[ExchangeSummary], bool]:
    """Understands `method:NAME` and nothing else."""
    key, _, method = text.partition(":")
    if text and key != "method":
        raise HomeportError("bad-usage", f"there is no filter {key!r}", "did you mean method?")
    return lambda summary: not method or summary.method == method


class FakeDoors:
    def addresses(self) -> list[str]:
        return ["127.0.0.1:4711", "[::1]:4711"]


class FakePages:
    async def open_port(self) -> str:
        return "127.0.0.1:4712"


class FakeHouse:
    """Every fake, and the service on top of them."""

    def __init__(self, keys: Keys) -> None:
        self.touched = 0
        self.stops = 0
        self.recording, self.roads, self.leases = FakeRecording(), FakeRoads(), FakeLeases()
        self.conditioned = FakeConditioned()
        self.apps = FakeApps(lambda state: self.hub.publish("app", state))
        self.hub = Hub(
            self.recording.watch,
            lambda: [
                *self.service.engine.current(),
                *(("conditions", state) for state in self.service.conditions.current()),
            ],
            self.touch,
            self.measure,
        )
        self.measured: list[Callable[[Measured], None]] = []
        engine = EngineUseCases(
            "/home", self.apps, self.roads, self.recording, FakeDoors(), keys, FakePages(), self._stop
        )
        conditions = ConditionsUseCases(
            self.roads,
            self.conditioned,
            changed=lambda state: self.hub.publish("conditions", state),
            recording=self.recording,
        )
        self.service = Service(
            AppsUseCases(self.apps),
            RoutesUseCases(self.roads, self.conditioned, FakeExposures(self.roads)),
            TrafficUseCases(self.recording),
            LogsUseCases(self.recording),
            LeasesUseCases(self.leases, "/home/portserver.sock"),
            TokensUseCases(TokenBook(""), lambda name: None),
            conditions,
            ClientsUseCases(ClientBook("linux"), conditions, self.conditioned),
            engine,
            self.hub,
        )

    def touch(self) -> None:
        self.touched += 1

    def measure(self, heard: Callable[[Measured], None]) -> Callable[[], None]:
        """Call what is in `measured` to say that something was."""
        self.measured.append(heard)
        return lambda: self.measured.remove(heard)

    def _stop(self) -> None:
        self.stops += 1
        self.service.engine.apps_stopped()
