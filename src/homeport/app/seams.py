"""What the use cases need from the movers, as small protocols. build.py hands over the real parts.

Nothing here does anything; a method that is not listed is not used by the use cases. Tests use app/fake.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from homeport.conditions.settings import Conditions
from homeport.model.app import AppSpec, AppState
from homeport.model.exchange import ExchangeDetail, ExchangeSummary
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.lease import LeaseSpec, LeaseState
from homeport.model.log import LogLine
from homeport.model.route import RouteSpec, RouteState
from homeport.model.status import RecordingState

Side = Literal["request", "response"]


class Apps(Protocol):
    """The supervisor, with every app reachable through a route of the gateway. Unknown routes raise "not-found"."""

    async def start(self, specs: list[AppSpec]) -> list[AppState]: ...

    async def stop(self, route: str) -> AppState: ...

    async def restart(self, route: str) -> AppState: ...

    async def wait(self, route: str) -> AppState: ...

    def states(self) -> list[AppState]: ...


class Roads(Protocol):
    """The gateway's table of routes, extra ones (`homeport route`) and those of apps alike."""

    async def add(self, spec: RouteSpec) -> RouteState: ...

    async def remove(self, name: str) -> RouteState: ...

    def enter_link(self, name: str) -> str: ...

    def states(self) -> list[RouteState]: ...


class Conditioned(Protocol):
    """The network of each route, as the gateway plays it."""

    def set(self, route: str, conditions: Conditions | None, client: str = "") -> None:
        """From the next byte on; None for the network as it is. Raises HomeportError("unsupported")."""

    def called(self, client: str) -> str:
        """A client as it is called: `[::1]` is `::1`. Raises HomeportError("not-found", "bad-usage")."""

    def client_changed(self, name: str) -> None:
        """Other words tell it from now on."""

    def all(self) -> list[tuple[str, str, Conditions, dict[str, int]]]:
        """Route, client ("" for every one), conditions, and how often each decision was made."""


class Exposures(Protocol):
    """Routes that other computers reach. Raise "not-found" for unknown routes and for what is not exposed."""

    async def open(self, name: str, spec: ExposeSpec) -> Exposed: ...

    def close(self, name: str) -> Exposed | None: ...

    def link(self, name: str) -> str: ...


class Recording(Protocol):
    """The recorder, as the engine sees it."""

    async def search(self, filter: str, limit: int, before: int | None) -> list[ExchangeSummary]: ...  # noqa: A002

    async def detail(self, exchange_id: int) -> ExchangeDetail: ...

    async def body(self, exchange_id: int, side: Side) -> tuple[bytes, str]: ...

    async def logs(self, app: str | None, limit: int, after: int | None) -> list[LogLine]: ...

    async def clear(self) -> None: ...

    def state(self) -> RecordingState: ...


class LeaseBook(Protocol):
    """The table of leases. Without a `pid` (0) a lease is nobody's. Processes that are gone raise "not-found"."""

    def take(self, spec: LeaseSpec) -> list[LeaseState]: ...

    def states(self) -> list[LeaseState]: ...

    def release(self, port: int, pid: int | None) -> None: ...

    def welcome(self, pid: int) -> None: ...


# Tell about exchanges that match a filter from now on, and how many more there were; the answer ends it. Raises
# HomeportError("bad-usage") at once for a filter that is not understood.
Heard = Callable[[list[ExchangeSummary], int], None]
Watch = Callable[[str, Heard], Callable[[], None]]


class Keys(Protocol):
    """Where one-time keys come from (control/auth.py)."""

    def one_time(self) -> str: ...


class Pages(Protocol):
    """Opens the dashboard on a port of its own and says its address, "127.0.0.1:41234"."""

    async def open_port(self) -> str: ...


class Doors(Protocol):
    """What the door is bound to."""

    def addresses(self) -> list[str]: ...
