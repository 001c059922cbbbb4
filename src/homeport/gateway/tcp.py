"""Raw TCP routes: each has a port of its own, and every byte, end and reset goes through as it came.

This is the face of the relay towards the asyncio side: every method returns at once. The work is done by one thread
(tcp_loop), which is started with the first route; until then there is none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from homeport.conditions.settings import Conditions
from homeport.gateway.pump import Pump
from homeport.gateway.seams import Owners, Tap, Target
from homeport.gateway.tcp_bind import bound_endpoint, listen_on, stop_listening
from homeport.gateway.tcp_conditions import TcpConditions, TcpConditionsState
from homeport.gateway.tcp_loop import RelayLoop
from homeport.gateway.tcp_reports import Reports
from homeport.gateway.tcp_route import TcpRoute, WhyNot
from homeport.gateway.underway import Room
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.net_client import Match
from homeport.streams.poller import Poller, new_poller


class TcpActivity(msgspec.Struct, frozen=True):
    """What passes on a route: connections now, connections ever, seconds since one last came or went."""

    active: int
    visits: int
    idle_s: float


class TcpRelay:
    """`tap` sees one exchange per connection, with the first `tap.body_limit_bytes` of each direction kept."""

    def __init__(self, tap: Tap, make_poller: Callable[[], Poller] = new_poller, owners: Owners | None = None) -> None:
        self._tap = tap
        self._owners = owners
        self._make_poller = make_poller
        self._routes: dict[str, TcpRoute] = {}
        self._room = Room()
        self._loop: RelayLoop | None = None
        self._pump: Pump | None = None
        self._asyncio_loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Remember the running loop: the tap and the targets are only ever called there."""
        self._asyncio_loop = asyncio.get_running_loop()

    def open(
        self,
        name: str,
        listen: Endpoint,
        target: Target,
        why_not: WhyNot | None = None,
        conditions: Conditions | None = None,
    ) -> Endpoint:
        """Listen for `name`, and answer with the address really bound. `target.address` and `why_not` must be
        callable from any thread; `conditions` hold from the first visitor on. Raises HomeportError (name-taken,
        port-taken, bad-usage)."""
        if name in self._routes:
            raise HomeportError("name-taken", f"a TCP route {name} is already there", f"homeport route --remove {name}")
        listeners = listen_on(listen)
        bound = bound_endpoint(listeners[0])
        loop = self._running_loop()
        route = TcpRoute(loop, name, target, listeners, self._tap.body_limit_bytes, why_not, self._owners)
        self._routes[name] = route
        self.condition(name, conditions)
        loop.post(route.begin)
        return bound

    def condition(
        self, name: str, settings: Conditions | None, client: str = "", matches: tuple[Match, ...] = ()
    ) -> None:
        """Set, change or clear the network conditions of a route, or of one client whom any of `matches` tells: for its
        next visitors, and for the next byte of those that are there. Raises KeyError."""
        route, loop, pump = self._routes[name], self._loop, self._pump
        if loop is not None and pump is not None and (settings is not None or route.conditions is not None):
            route.conditions = conditions = route.conditions or TcpConditions(pump, self._room)
            loop.post(lambda: route.condition(conditions, settings, client, matches))

    def conditions(self, name: str, client: str = "") -> TcpConditionsState | None:
        """What they decided so far; None for a route that never had any. Raises KeyError."""
        conditions = self._routes[name].conditions
        return conditions.state(client) if conditions is not None else None

    def conditioned(self) -> dict[str, TcpConditions]:
        """The routes that have, or had, conditions."""
        return {name: route.conditions for name, route in self._routes.items() if route.conditions is not None}

    def close(self, name: str) -> None:
        """Stop listening and end the connections of `name`; the port is free when this returns. Unknown names are
        ignored."""
        route = self._routes.pop(name, None)
        if route is not None and self._loop is not None:
            self._retire(self._loop, route, "the route was removed")

    def names(self) -> list[str]:
        return list(self._routes)

    def activity(self, name: str) -> TcpActivity:
        route = self._routes[name]
        return TcpActivity(len(route.links), route.visits, time.monotonic() - route.last_s)

    def stop(self) -> None:
        """End every connection and the thread. The last reports reach the tap in the next rounds of the loop."""
        loop, self._loop = self._loop, None
        routes, self._routes = list(self._routes.values()), {}
        if loop is not None:
            for route in routes:
                self._retire(loop, route, "the engine stopped")
            if self._pump is not None:
                loop.post(self._pump.close)
            loop.stop()

    @staticmethod
    def _retire(loop: RelayLoop, route: TcpRoute, why: str) -> None:
        for listener in list(route.listeners):
            stop_listening(listener)
        loop.post(lambda: route.close(why))

    def _running_loop(self) -> RelayLoop:
        if self._loop is None:
            if self._asyncio_loop is None:
                raise RuntimeError("start() comes first")
            reports = Reports(self._tap, self._asyncio_loop)
            self._loop = RelayLoop(self._make_poller(), reports, self._asyncio_loop)
            self._pump = Pump(self._loop)
            self._loop.start()
        return self._loop
