"""The network of each route: conditions go to the part of the gateway that carries it, and their counts come back.

It decides nothing about bytes; what a condition means is in homeport.conditions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from homeport.app.client_book import ClientBook
from homeport.conditions.settings import Conditions
from homeport.gateway.door import Door
from homeport.gateway.routes import Route
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.udp import UdpRelay
from homeport.model.errors import HomeportError
from homeport.model.net_client import OF_REQUESTS, Match


class Networks:
    """See homeport.app.seams.Conditioned. Routes are looked up by name, so one that is gone has no conditions."""

    def __init__(
        self, door: Door, tcp: TcpRelay, streams: StreamRelay, udp: UdpRelay, clients: ClientBook | None = None
    ) -> None:
        self._door, self._tcp, self._streams, self._udp = door, tcp, streams, udp
        self._clients = clients or ClientBook()
        self._set: dict[tuple[str, str], tuple[Route, Conditions]] = {}

    def set(self, route: str, conditions: Conditions | None, client: str = "") -> None:
        found = self._door.routes.get(route)
        if found is None:
            raise HomeportError("not-found", f"no route is called {route!r}", "homeport status")
        matches = self._matches(found, client) if conditions is not None else ()
        if found.kind == "udp":
            self._udp.set_conditions(route, conditions, client, matches)
        elif found.kind == "tcp":
            self._carrier(route).condition(route, conditions, client, matches)
        elif found.kind == "control":
            raise HomeportError("unsupported", "the network of the dashboard cannot be changed so far")
        else:
            self._set_http(found, conditions, client, matches)
        if conditions is None:
            self._set.pop((route, client), None)
        else:
            self._set[route, client] = found, conditions

    def all(self) -> list[tuple[str, str, Conditions, dict[str, int]]]:
        self._set = {key: one for key, one in self._set.items() if self._door.routes.get(key[0]) is one[0]}
        return [
            (name, client, conditions, dict(self._counts(route, client)))
            for (name, client), (route, conditions) in self._set.items()
        ]

    def called(self, client: str) -> str:
        return self._clients.plain(client)

    def client_changed(self, name: str) -> None:
        for (route, client), (_, conditions) in list(self._set.items()):
            if client == name:
                self.set(route, conditions, client)

    def _matches(self, route: Route, client: str) -> tuple[Match, ...]:
        """What tells the client on this route."""
        matches = self._clients.matches(client)
        if route.kind not in ("tcp", "udp"):
            return matches
        fitting = tuple(match for match in matches if match.kind not in OF_REQUESTS)
        if matches and not fitting:
            why = f"a {route.kind} route has no requests that could tell {client!r}"
            raise HomeportError("bad-usage", why, "an address, pid=, app= or program=")
        return fitting

    def _set_http(self, route: Route, conditions: Conditions | None, client: str, matches: tuple[Match, ...]) -> None:
        if route.conditions is None:
            from homeport.gateway.route_conditions import RouteConditions  # loads the planners, which many never need

            route.conditions = RouteConditions(None, self._door.pump)
        route.conditions.set(conditions, client, matches, self._door.visits(route))

    def _carrier(self, route: str) -> TcpRelay | StreamRelay:
        """Routes with TLS of their own are carried elsewhere."""
        return self._tcp if route in self._tcp.names() else self._streams

    def _counts(self, route: Route, client: str) -> Mapping[str, int]:
        if route.kind == "udp":
            return self._udp.decisions(route.name, client)
        if route.kind == "tcp":
            state = self._carrier(route.name).conditions(route.name, client)
            return Counter(state.up) + Counter(state.down) if state is not None else {}
        return route.conditions.total(client) if route.conditions is not None else {}
