"""TCP routes that need more than moving bytes: TLS that ends here, or that is passed on by the name in it.

They live on the engine's loop, one protocol per side; routes without TLS stay with tcp.py, which is faster. A port may
be shared by several routes, told apart by the name that a client asks for: NAME.localhost. What a connection does is
in stream_link.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from homeport.conditions.settings import Conditions
from homeport.gateway.engine_pump import engine_pump
from homeport.gateway.routes import PLAIN_HOSTS, Route
from homeport.gateway.seams import Owners, StreamCertificates, Tap, Target
from homeport.gateway.stream_side import MakeFlow
from homeport.gateway.tcp_bind import BACKLOG, bound_endpoint, listen_on, stop_answering
from homeport.gateway.tcp_conditions import TcpConditions, TcpConditionsState
from homeport.gateway.tcp_link import RETRY_S
from homeport.gateway.tcp_route import WhyNot
from homeport.gateway.underway import Room
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.net_client import Match, Owner, Visitor
from homeport.model.route import Tls

if TYPE_CHECKING:
    from homeport.gateway.conditioned_flow import StreamConditions
    from homeport.gateway.stream_link import StreamLink

_SWEEP_S = 1.0
_STOP_S = 2.0


class StreamRoute:
    """A route as its port sees it; it keeps the counts of the Route up."""

    def __init__(
        self,
        route: Route,
        tls: Tls,
        client_ca: str,
        why_not: WhyNot | None,
        make_flow: MakeFlow | None,
        conditions: StreamConditions,
    ) -> None:
        self.route = route
        self.tls = tls
        self.client_ca = client_ca
        self.why_not = why_not  # None: everybody may connect
        self.conditions = conditions
        self.make_flow = make_flow or conditions.make_flow

    @property
    def name(self) -> str:
        return self.route.name

    @property
    def target(self) -> Target:
        return self.route.target


class StreamPort:
    """One address with its listeners, and the routes behind it."""

    def __init__(self, listeners: list[socket.socket]) -> None:
        self.listeners = listeners
        self.endpoints = [bound_endpoint(listener) for listener in listeners]
        self.number = self.endpoints[0].port
        self.servers: list[asyncio.Server] = []
        self.routes: dict[str, StreamRoute] = {}
        self.refusing: list[socket.socket] = []  # that hold the port while nobody listens: an outage

    @property
    def only_route(self) -> StreamRoute | None:
        """Where everybody goes who comes in here."""
        return next(iter(self.routes.values())) if len(self.routes) == 1 else None

    @property
    def refuses_all(self) -> bool:
        return all(route.conditions.refuses_all for route in self.routes.values())

    @property
    def terminates_all(self) -> bool:
        return all(route.tls == "terminate" for route in self.routes.values())

    def choose(self, server_name: str) -> StreamRoute | None:
        """Who names nobody gets the only route there is; a name that is not ours gets none."""
        if not server_name or server_name in PLAIN_HOSTS:
            return next(iter(self.routes.values())) if len(self.routes) == 1 else None
        label, _, rest = server_name.rpartition(".")
        return self.routes.get(label) if rest == "localhost" else None


class StreamRelay:
    """`is_gone(client host, client port, our port)`: whether a client that sent FIN has closed its socket wholly."""

    def __init__(
        self,
        tap: Tap,
        certificates: StreamCertificates,
        is_gone: Callable[[str, int, int], bool] | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.tap = tap
        self.certificates = certificates
        self.is_gone = is_gone
        self._owners = owners  # None: processes are not told apart
        self._ports: list[StreamPort] = []
        self._links: set[StreamLink] = set()
        self._pump = engine_pump()
        self._room = Room()
        self._emptied = asyncio.Event()
        self._sweep: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None  # a port again

    async def open(
        self,
        route: Route,
        listen: Endpoint,
        tls: Tls,
        *,
        client_ca: str = "",
        why_not: WhyNot | None = None,
        make_flow: MakeFlow | None = None,
        conditions: Conditions | None = None,
    ) -> Endpoint:
        """Listen for `route`, on a port that others of this kind may have already. `conditions` hold from the first
        visitor on. Answers with the address really bound. Raises HomeportError (name-taken, port-taken, bad-usage)."""
        if listen.is_unix:
            raise HomeportError(
                "bad-usage", "a route with TLS listens on a port, not on a Unix socket", "--listen 62900"
            )
        if self._port_of(route.name) is not None:
            raise HomeportError("name-taken", f"a TCP route {route.name} is already there", "homeport status")
        port = next((port for port in self._ports if listen.port and listen in port.endpoints), None)
        from homeport.gateway.conditioned_flow import StreamConditions  # an engine starts sooner without

        network = StreamConditions(self._pump, self._room)
        network.set(conditions)
        made = StreamRoute(route, tls, client_ca, why_not, make_flow, network)
        if port is None:
            port = StreamPort(listen_on(listen))
            self._ports.append(port)
            port.routes[route.name] = made
            await self._listen(port)
        port.routes[route.name] = made
        self._set_refusing(port)
        return port.endpoints[0]

    def condition(
        self, name: str, settings: Conditions | None, client: str = "", matches: tuple[Match, ...] = ()
    ) -> None:
        """Set, change or clear the network conditions of a route, or of one client whom any of `matches` tells: for its
        next visitors, and for the next byte of those that are there. Raises KeyError."""
        self._route(name).conditions.set(settings, client, matches)
        port = self._port_of(name)
        if port is not None:
            self._set_refusing(port)

    def conditions(self, name: str, client: str = "") -> TcpConditionsState:
        """What they decided so far. Raises KeyError."""
        return self._route(name).conditions.state(client)

    def visitor(self, name: str, transport: asyncio.BaseTransport) -> Visitor:
        return Visitor(name, lambda: self._owner_of(transport))

    def _owner_of(self, transport: asyncio.BaseTransport) -> Owner | None:
        if self._owners is None:
            return None
        return self._owners(transport.get_extra_info("peername"), transport.get_extra_info("sockname"))

    def conditioned(self) -> dict[str, TcpConditions]:
        return {name: route.conditions.of_route for port in self._ports for name, route in port.routes.items()}

    def _route(self, name: str) -> StreamRoute:
        route = self.find(name)
        if route is None:
            raise KeyError(name)
        return route

    def find(self, name: str) -> StreamRoute | None:
        port = self._port_of(name)
        return port.routes[name] if port is not None else None

    def is_alone(self, name: str) -> bool:
        """Whether it has its port to itself, so that clients need not name it."""
        port = self._port_of(name)
        return port is not None and len(port.routes) == 1

    def close(self, name: str) -> None:
        """End the connections of `name`, and stop listening where it was the last of its port. Unknown names are
        ignored."""
        port = self._port_of(name)
        if port is None:
            return
        del port.routes[name]
        for link in list(self._links):
            if link.route is not None and link.route.name == name:
                link.break_off("the route was removed")
        if not port.routes:
            self._close_port(port)

    async def stop(self) -> None:
        """End every connection."""
        for port in list(self._ports):
            self._close_port(port)
        for link in list(self._links):
            link.break_off("the engine stopped")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                while self._links:
                    self._emptied.clear()
                    await self._emptied.wait()
        if self._sweep is not None:
            self._sweep.cancel()
        self._pump.close()

    # For the links

    def arrived(self, link: StreamLink) -> None:
        self._links.add(link)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_SWEEP_S, self._look_around)

    def admitted(self, link: StreamLink) -> None:
        """It is a visit of its route from here on."""
        assert link.route is not None
        route = link.route.route
        route.active += 1
        route.visits += 1
        route.last_s = perf_counter()

    def left(self, link: StreamLink, *, was_admitted: bool) -> None:
        self._links.discard(link)
        if was_admitted and link.route is not None:
            link.route.route.active -= 1
            link.route.route.last_s = perf_counter()
        self._emptied.set()

    def _look_around(self) -> None:
        self._sweep = None
        now_s = perf_counter()
        for link in list(self._links):
            link.look_around(now_s)
        if self._links:
            self._sweep = asyncio.get_running_loop().call_later(_SWEEP_S, self._look_around)

    def _port_of(self, name: str) -> StreamPort | None:
        return next((port for port in self._ports if name in port.routes), None)

    async def _listen(self, port: StreamPort) -> None:
        from homeport.gateway.stream_link import StreamLink

        loop = asyncio.get_running_loop()
        for listener in port.listeners:
            server = await loop.create_server(lambda: StreamLink(self, port).client, sock=listener, backlog=BACKLOG)
            port.servers.append(server)

    def _set_refusing(self, port: StreamPort) -> None:
        """Close the port, or open it again. It stays ours: a copy of its socket is kept."""
        if port.refuses_all == bool(port.refusing):
            return
        if port.refusing:
            port.listeners, port.refusing = port.refusing, []
            self._opening = asyncio.get_running_loop().create_task(self._listen_again(port))
            return
        copies = [listener.dup() for listener in port.listeners]
        if not all(stop_answering(copy) for copy in copies):  # not this system: who comes in is reset
            for copy in copies:
                copy.close()
            return
        for server in port.servers:
            server.close()
        port.servers, port.refusing = [], copies

    async def _listen_again(self, port: StreamPort) -> None:
        while port in self._ports and not port.refusing:
            try:
                await self._listen(port)
            except OSError:  # somebody took the port, and may go again
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _close_port(self, port: StreamPort) -> None:
        self._ports.remove(port)
        for held in port.refusing:
            held.close()
        for server in port.servers:
            server.close()
        for link in list(self._links):
            if link.port is port and link.route is None:
                link.break_off("the route was removed")
