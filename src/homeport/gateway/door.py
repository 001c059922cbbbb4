"""The front listener: binds both loopback families, accepts, and keeps count of who is inside.

It never reads a byte of a visit; that is inbound.py. Deadlines are looked at once a second for all connections
together, which costs nothing on the road.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from ssl import SSLContext
from time import perf_counter
from typing import TYPE_CHECKING

from homeport.gateway.engine_pump import engine_pump
from homeport.gateway.exposure import Exposure
from homeport.gateway.forwarding import forwarded_fields
from homeport.gateway.gate import Gate
from homeport.gateway.inbound import Inbound
from homeport.gateway.outbound import Outbound
from homeport.gateway.pool import Pool
from homeport.gateway.routes import Route, Routes
from homeport.gateway.seams import Certificates, Owners, Tap
from homeport.gateway.upstream_dial import dial
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.net_client import Visitor
from homeport.streams.listen import bind_loopback

if TYPE_CHECKING:
    from homeport.gateway.h2_inbound import H2Inbound
    from homeport.gateway.h2_upstream import H2Upstream
    from homeport.gateway.visit import Visit

_SWEEP_S = 1.0
_CLOSE_S = 2.0


class Door:
    """Made and used on one event loop.

    `is_gone(client host, client port, door port)` tells whether a client that sent FIN has closed its socket wholly.
    """

    def __init__(
        self,
        routes: Routes,
        tap: Tap,
        is_gone: Callable[[str, int, int], bool] | None = None,
        certificates: Certificates | None = None,
        gate: Gate | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.routes = routes
        self.tap = tap
        self.pool = Pool()
        self.pump = engine_pump()  # of network conditions; it costs nothing before there are any
        self.loop_id = secrets.token_hex(6).encode()
        self.endpoints: list[Endpoint] = []
        self.certificates = certificates  # None: no TLS
        self.gate = gate or Gate()
        self.owners = owners  # None: processes are not told apart
        self._is_gone = is_gone
        self._making: dict[str, asyncio.Task[SSLContext | None]] = {}
        self._inside: set[Inbound | H2Inbound] = set()
        self._emptied = asyncio.Event()
        self._servers: dict[str | Exposure, list[asyncio.Server]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def open(self, endpoint: Endpoint) -> list[Endpoint]:
        """Listen on both loopback families of that port (0: one that the kernel picks).

        Raises HomeportError("port-taken").
        """
        sockets = _bind(endpoint)
        await self._listen("", sockets, None)
        self.endpoints = [_endpoint_of(sock) for sock in sockets]
        self._sweep = self.loop.call_later(_SWEEP_S, self._look_around)
        return self.endpoints

    async def open_for(self, route: Route, endpoint: Endpoint) -> list[Endpoint]:
        """A listener of the route's own: whoever comes in there goes to that route, by any name that we serve."""
        sockets = _bind(endpoint)
        await self._listen(route.name, sockets, route)
        return [_endpoint_of(sock) for sock in sockets]

    def close_for(self, owner: str | Exposure) -> None:
        for server in self._servers.pop(owner, []):
            server.close()

    async def open_exposure(self, exposure: Exposure, sock: socket.socket) -> None:
        """Let other computers reach a route, by a socket that is bound already. A route has one exposure at a time."""
        if exposure.route.exposure is not None:
            self.close_exposure(exposure.route.exposure)
        exposure.route.exposure = exposure
        await self._listen(exposure, [sock], exposure)
        if exposure.is_closed:  # in the meantime, with its route perhaps
            self.close_for(exposure)

    def close_exposure(self, exposure: Exposure) -> None:
        """Nobody else comes in, and who is inside is cut off."""
        exposure.is_closed = True
        exposure.route.exposure = None
        self.close_for(exposure)
        for inbound in list(exposure.inside):
            inbound.transport.abort()

    async def close(self) -> None:
        """Stop accepting, let answers under way finish for a moment, then end the rest."""
        if self._sweep is not None:
            self._sweep.cancel()
        for servers in self._servers.values():
            for server in servers:
                server.close()
        self._servers.clear()
        for inbound in list(self._inside):
            inbound.end()
        self._emptied.set() if not self._inside else self._emptied.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._emptied.wait(), _CLOSE_S)
        for inbound in list(self._inside):
            inbound.transport.abort()
        for pool in self._pools():
            pool.close()
        for making in self._making.values():
            making.cancel()
        self.pump.close()
        await asyncio.sleep(0)

    def revoke(self, token: str, why: str = "was revoked") -> None:
        """End what was let in with the token of that name, answers and tunnels under way included."""
        for visit in self._all_visits():
            if visit.token == token:
                visit.shut_out(f"the token {token} {why}")

    # For the visits inside

    def arrived(self, inbound: Inbound | H2Inbound) -> None:
        self._inside.add(inbound)
        if isinstance(inbound.only, Exposure):
            inbound.only.inside.add(inbound)

    def left(self, inbound: Inbound | H2Inbound) -> None:
        self._inside.discard(inbound)
        if isinstance(inbound.only, Exposure):
            inbound.only.inside.discard(inbound)
        if not self._inside:
            self._emptied.set()

    def visits(self, route: Route) -> list[Visit]:
        """Those under way."""
        return [visit for visit in self._all_visits() if visit.exchange.route == route.name]

    def _all_visits(self) -> list[Visit]:
        return [visit for inbound in self._inside for visit in inbound.visits()]

    def visitor(self, client: str, transport: asyncio.BaseTransport) -> Visitor:
        ends = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        return Visitor(client, lambda: None if self.owners is None else self.owners(*ends))

    def forwarded(self, client: str, host: bytes, scheme: bytes) -> bytes:
        return forwarded_fields(client, host, scheme, self.loop_id)

    def await_certificate(
        self, certificates: Certificates, name: str, then: Callable[[SSLContext | None], None]
    ) -> None:
        """Have it made, once however many wait for it."""
        making = self._making.get(name)
        if making is None:
            making = self._making[name] = self.loop.create_task(certificates.make(name))
            making.add_done_callback(lambda _: self._making.pop(name))
        making.add_done_callback(lambda made: None if made.cancelled() else then(made.result()))

    async def dial(self, address: Endpoint, route: Route, visit: Visit) -> Outbound:
        """Raises OSError, TimeoutError among them, and CutOff."""
        secure, client, head, entered = route.secure, visit.inbound, visit.head, None
        pool = self.pool if secure is None else secure.pool
        if route.conditions is not None and head is not None:
            entered = await route.conditions.enter(client, head)
        if entered is not None:
            pool = entered[0].pool(client.client)
        made = Outbound(address, pool)
        if secure is None:
            await dial(made, address)
        else:
            await dial(made, address, secure.context, secure.server_name)
        if entered is not None and head is not None:
            felt, pair = entered
            felt.hold(pair, made, client.visitor(), head.headers)
        return made

    async def _listen(self, owner: str | Exposure, sockets: list[socket.socket], only: Route | Exposure | None) -> None:
        self._servers[owner] = [
            await self.loop.create_server(lambda: Inbound(self, only), sock=sock, backlog=1024) for sock in sockets
        ]

    def _pools(self) -> list[Pool | H2Upstream]:
        """All of them, those of single routes and clients too."""
        found: list[Pool | H2Upstream] = [self.pool]
        for route in self.routes:
            if route.secure is not None:
                found.append(route.secure.pool)
            if route.h2 is not None:
                found.append(route.h2)
            if route.conditions is not None:
                found += route.conditions.pools()
        return found

    def _look_around(self) -> None:
        now_s = perf_counter()
        for inbound in list(self._inside):
            if inbound.deadline_s and now_s > inbound.deadline_s:
                inbound.overdue()
            elif inbound.is_half_closed and self._is_gone is not None:
                peer = inbound.transport.get_extra_info("peername")
                if peer and self._is_gone(peer[0], peer[1], inbound.server_port):
                    inbound.transport.abort()
        for token in self.gate.tokens_just_ended():
            self.revoke(token, "ran out")
        for pool in self._pools():
            pool.sweep(now_s)
        self._sweep = self.loop.call_later(_SWEEP_S, self._look_around)


def _bind(endpoint: Endpoint) -> list[socket.socket]:
    """A port whose [::1] is somebody else's is taken: browsers try that first, and a page from there would be a page of
    ours to them, which is given the dashboard's key."""
    try:
        return bind_loopback(endpoint.host, endpoint.port, needs_both=True)
    except OSError as error:
        raise HomeportError(
            "port-taken", f"cannot listen on {endpoint}: {error.strerror or error}", f"homeport who {endpoint.port}"
        ) from error


def _endpoint_of(sock: socket.socket) -> Endpoint:
    name = sock.getsockname()
    return Endpoint(str(name[0]), int(name[1]))
