"""What the commands need from the engine. `homeport.control.client.Client` is it in life, a fake in the tests."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from typing import Protocol

from homeport.model.app import AppSpec, AppState
from homeport.model.exchange import ExchangeDetail, ExchangeSummary
from homeport.model.lease import LeaseSpec, LeaseState
from homeport.model.log import LogLine
from homeport.model.route import RouteSpec, RouteState
from homeport.model.status import EngineState, Lost, Status

Event = AppState | RouteState | ExchangeSummary | LogLine | EngineState | Lost


class Apps(Protocol):
    def start(self, specs: builtins.list[AppSpec]) -> builtins.list[AppState]: ...
    def list(self) -> builtins.list[AppState]: ...
    def stop(self, route: str) -> AppState: ...
    def restart(self, route: str) -> AppState: ...
    def wait(self, route: str) -> AppState: ...


class Routes(Protocol):
    def add(self, spec: RouteSpec) -> RouteState: ...
    def list(self) -> builtins.list[RouteState]: ...
    def remove(self, name: str) -> None: ...


class Traffic(Protocol):
    def list(self, filter: str = "", limit: int = 50, before: int | None = None) -> builtins.list[ExchangeSummary]: ...  # noqa: A002
    def show(self, id: int) -> ExchangeDetail: ...  # noqa: A002
    def body(self, id: int, side: str) -> tuple[bytes, str]: ...  # noqa: A002
    def clear(self) -> None: ...


class Logs(Protocol):
    def list(self, app: str | None = None, limit: int = 200, after: int | None = None) -> builtins.list[LogLine]: ...


class Leases(Protocol):
    def take(self, spec: LeaseSpec) -> builtins.list[LeaseState]: ...
    def list(self) -> builtins.list[LeaseState]: ...
    def release(
        self, *, port: int = 0, name: str = "", folder: str = "", every: bool = False, pid: int | None = None
    ) -> builtins.list[LeaseState]: ...
    def portserver(self, pid: int) -> str: ...


class EngineControl(Protocol):
    """`notices` are told once: what the engine found when it started after a crash."""

    notices: builtins.list[str]

    def status(self) -> Status: ...
    def stop(self) -> None: ...
    def enter_link(self) -> str: ...
    def dashboard_port(self) -> str: ...


class Engine(Protocol):
    """The use cases, grouped by noun."""

    @property
    def apps(self) -> Apps: ...
    @property
    def routes(self) -> Routes: ...
    @property
    def traffic(self) -> Traffic: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def engine(self) -> EngineControl: ...

    def events(self, filter: str = "", apps: Sequence[str] = (), kinds: Sequence[str] = ()) -> Iterator[Event]:  # noqa: A002
        """Connects before it returns: nothing that happens afterwards is missed. Ends when the engine does."""
