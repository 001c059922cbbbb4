"""UDP routes: each has a port of its own, and every datagram goes through as it came, to the right client.

This is the face of the relay towards the asyncio side: every method returns at once. The work is done by one thread
(the loop of tcp_loop, a second one), which is started with the first route; until then there is none. asyncio is no
place for it: timers of uvloop ring up to 1.4 ms early, and those of asyncio break down at 50,000 datagrams a second.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable

from homeport.conditions.plan import SharedPair
from homeport.conditions.settings import Conditions
from homeport.gateway.seams import Owners, Tap, Target
from homeport.gateway.tcp_loop import RelayLoop
from homeport.gateway.tcp_reports import Reports
from homeport.gateway.udp_client import UdpClient
from homeport.gateway.udp_counts import total
from homeport.gateway.udp_refusing import IsBound
from homeport.gateway.udp_route import UdpRoute
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.net_client import Match
from homeport.model.udp import UdpClientState, UdpState
from homeport.streams.poller import Poller
from homeport.streams.udp_listen import bind_datagrams
from homeport.streams.udp_poller import new_datagram_poller

SHOWN_CLIENTS = 20
CLOSING_S = 1.0  # to wait at most for the thread to close a port; it takes it less than a millisecond


class UdpRelay:
    """`tap` sees one exchange per client, with its first datagrams; `idle_s` after its last one it is forgotten.

    `is_bound` says whether anybody receives at an address; without it nobody is refused when the upstream is down.
    """

    def __init__(
        self,
        tap: Tap,
        idle_s: float = 300.0,  # RFC 4787 section 4.3: two minutes at least, five recommended
        make_poller: Callable[[], Poller] = new_datagram_poller,
        clock: Callable[[], float] = time.monotonic,
        is_bound: IsBound | None = None,
        owners: Owners | None = None,
    ) -> None:
        self._tap = tap
        self._idle_s = idle_s
        self._make_poller = make_poller
        self._clock = clock
        self._is_bound = is_bound
        self._owners = owners
        self._routes: dict[str, UdpRoute] = {}
        self._loop: RelayLoop | None = None
        self._asyncio_loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Remember the running loop: the tap and the targets are only ever called there."""
        self._asyncio_loop = asyncio.get_running_loop()

    def open(self, name: str, listen: Endpoint, target: Target) -> Endpoint:
        """Listen for `name`, and answer with the address really bound. `target.address` must be callable from any
        thread. Raises HomeportError (name-taken, port-taken, bad-usage)."""
        if name in self._routes:
            raise HomeportError("name-taken", f"a UDP route {name} is already there", f"homeport route --remove {name}")
        listeners = _listen_on(listen)
        host, port = listeners[0].getsockname()[:2]
        loop = self._running_loop()
        keep_bytes = self._tap.body_limit_bytes
        route = UdpRoute(
            loop, name, target, listeners, keep_bytes, self._idle_s, self._clock, self._is_bound, self._owners
        )
        self._routes[name] = route
        loop.post(route.begin)
        return Endpoint(host, port)

    def close(self, name: str) -> None:
        """Stop listening and forget the clients of `name`; the port is free when this returns. Unknown names are
        ignored."""
        route = self._routes.pop(name, None)
        if route is not None and self._loop is not None:
            free = threading.Event()
            self._loop.post(route.close)
            self._loop.once_closed(free.set)
            free.wait(CLOSING_S)

    def set_conditions(
        self, name: str, conditions: Conditions | None, client: str = "", matches: tuple[Match, ...] = ()
    ) -> None:
        """How the network behaves on the route, from the next datagram on; for one client where any of `matches` tells
        it. None: it is as everybody again, and for everybody there are no faults."""
        route = self._routes[name]
        self._running_loop().post(lambda: route.set_conditions(conditions, client, matches))

    def decisions(self, name: str, client: str = "") -> dict[str, int]:
        """How often each was made about those who feel the conditions of a client, or everybody's."""
        return dict(self._routes[name].decisions(client))

    def names(self) -> list[str]:
        return list(self._routes)

    def state(self, name: str) -> UdpState:
        """What passed so far. Clients come and go meanwhile, so that the sums may be a datagram apart."""
        route, now_s = self._routes[name], self._clock()
        clients = route.everybody()
        busiest = sorted(clients, key=lambda one: one.up.datagrams + one.down.datagrams, reverse=True)
        return UdpState(
            active=len(clients),
            visits=route.visits,
            idle_s=round(max(0.0, now_s - max([route.last_s, *(client.last_s for client in clients)])), 3),
            up=total([route.gone_up, *(client.up for client in clients)]).state(),
            down=total([route.gone_down, *(client.down for client in clients)]).state(),
            turned_away=route.turned_away,
            overflowed=route.overflowed(),
            refused=route.refused,
            decisions=dict(route.decisions()),
            clients=[_client_state(client, now_s) for client in busiest[:SHOWN_CLIENTS]],
        )

    def shared(self, name: str) -> list[SharedPair]:
        """What clients share under the same conditions."""
        return [network.shared for network in self._routes[name].networks.all()]

    def bytes_passed(self, name: str) -> tuple[int, int]:
        """What came through from clients and from the upstream so far: light enough to be asked twice a second."""
        route = self._routes[name]
        clients = route.everybody()
        up = sum((client.up.passed_bytes for client in clients), route.gone_up.passed_bytes)
        return up, sum((client.down.passed_bytes for client in clients), route.gone_down.passed_bytes)

    def stop(self) -> None:
        """Forget every client and end the thread. The last reports reach the tap in the next rounds of the loop."""
        loop, self._loop = self._loop, None
        routes, self._routes = list(self._routes.values()), {}
        if loop is not None:
            for route in routes:
                loop.post(route.close)
            loop.stop()

    def _running_loop(self) -> RelayLoop:
        if self._loop is None:
            if self._asyncio_loop is None:
                raise RuntimeError("start() comes first")
            reports = Reports(self._tap, self._asyncio_loop)
            self._loop = RelayLoop(self._make_poller(), reports, self._asyncio_loop, "udp-relay")
            self._loop.start()
        return self._loop


def _listen_on(endpoint: Endpoint) -> list[socket.socket]:
    if endpoint.is_unix:
        raise HomeportError("bad-usage", "a udp route cannot listen on a Unix socket", "--listen 62901")
    try:
        return bind_datagrams(endpoint.host, endpoint.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise HomeportError("port-taken", f"{endpoint} is taken", "choose another one with --listen") from error
        if error.errno == errno.EACCES:
            hint = "take a port above 1023"
            raise HomeportError("port-taken", f"{endpoint} may not be opened by this user", hint) from error
        raise HomeportError("bad-usage", f"cannot listen on {endpoint}: {error.strerror or error}") from error


def _client_state(client: UdpClient, now_s: float) -> UdpClientState:
    return UdpClientState(
        client=client.exchange.client,
        idle_s=round(max(0.0, now_s - client.last_s), 3),
        up=client.up.state(),
        down=client.down.state(),
    )
