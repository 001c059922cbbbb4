"""One UDP route: its listening sockets, its clients, their number and their end. It never waits for an upstream."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from homeport.conditions.settings import Conditions
from homeport.gateway.client_choice import ClientNetworks
from homeport.gateway.pump import Pump
from homeport.gateway.seams import Owners, Target
from homeport.gateway.tcp_dial import Address, known_addresses
from homeport.gateway.udp_client import BUFFER, KEPT_DATAGRAMS, UdpClient
from homeport.gateway.udp_counts import Counts
from homeport.gateway.udp_lane import Room
from homeport.gateway.udp_refusing import IsBound, Refusing
from homeport.model.endpoint import Endpoint
from homeport.model.net_client import Match, Owner
from homeport.streams.udp_listen import overflowed
from homeport.streams.udp_segments import can_cut

if TYPE_CHECKING:
    from homeport.gateway.tcp_loop import RelayLoop

TURN = 64  # datagrams in a row of a listener, before the upstreams get their turn
MAX_CLIENTS = 4096  # each is a socket
QUIET_S = 5.0  # where there is no room, who was silent for so long makes it for newcomers
LARGEST_SWEEP_S = 1.0  # the recording shows what runs that often
_Clients = dict[Any, UdpClient]


class UdpRoute:
    """Made in the caller's thread, then owned by the relay's; the counts may be read from anywhere."""

    def __init__(
        self,
        loop: RelayLoop,
        name: str,
        target: Target,
        listeners: list[socket.socket],
        keep_bytes: int,
        idle_s: float,
        clock: Callable[[], float] = time.monotonic,
        is_bound: IsBound | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.loop = loop
        self.name = name
        self.target = target
        self.listeners = listeners
        self.keep_bytes = keep_bytes
        self.clock = clock
        self.clients: dict[socket.socket, _Clients] = {listener: {} for listener in listeners}
        self.active = 0
        self.visits = 0
        self.turned_away = 0
        self.refused = 0
        self.last_s = clock()
        self.gone_up, self.gone_down = Counts(), Counts()  # of clients that left
        self.closed = False
        self._is_sweeping = False
        self.pump = Pump(loop)
        self.up_room, self.down_room = Room(), Room()
        self.cuts = can_cut(listeners[0])  # the system takes several datagrams in one send
        self.networks = ClientNetworks()
        self._owners = owners  # None: processes are not told apart
        self._idle_s = idle_s
        self._is_bound = is_bound
        self._refusing = Refusing(loop, listeners, is_bound)
        self._endpoint: Endpoint | None = None
        self._addresses: list[Address] | None = None

    def begin(self) -> None:
        for listener in self.listeners:
            handler = partial(self._heard, listener, listener.recvfrom, self.clients[listener])
            self.loop.watch(listener, handler, reading=True, writing=False)

    def close(self) -> None:
        """Stop listening and forget every client."""
        self.closed = True
        for client in self.everybody():
            client.end()
        for listener in self.listeners:
            self.loop.release(listener)
        self._refusing.end()
        self.pump.close()

    def set_conditions(self, conditions: Conditions | None, client: str = "", matches: tuple[Match, ...] = ()) -> None:
        """How the network behaves, from the next datagram on: for everybody, or for one client whom any of `matches`
        tells. None: it is as everybody again, and for everybody there are no faults."""
        self.networks.set(conditions, client, matches)
        self._refusing.hold(closed=self.networks.refuse_all)
        for one in self.everybody():
            one.set_conditions()

    def decisions(self, client: str | None = None) -> Counter[str]:
        """About those who feel the conditions of a client; None: about all."""
        networks = self.networks.all() if client is None else [self.networks.called(client)]
        running = [one.decisions() for one in self.everybody() if one.network in networks]
        return sum([*running, *(network.gone_up for network in networks)], Counter())

    def owner_of(self, where: object, listener: socket.socket) -> Owner | None:
        return self._owners(where, listener.getsockname(), udp=True) if self._owners is not None else None

    def everybody(self) -> list[UdpClient]:
        return [client for clients in list(self.clients.values()) for client in list(clients.values())]

    def overflowed(self) -> int:
        return 0 if self.closed else sum(map(overflowed, self.listeners))

    def addresses_of(self, endpoint: Endpoint) -> list[Address] | None:
        """None for a name that must be looked up. Remembers the last answer."""
        if endpoint is not self._endpoint:
            self._endpoint = endpoint
            self._addresses = known_addresses(endpoint)
        return self._addresses

    def text_of(self, endpoint: Endpoint) -> str:
        return str(endpoint)

    def was_answered(self) -> None:
        """The upstream is there, be it that we do not see it."""
        is_bound, endpoint = self._is_bound, self._endpoint
        if self.refused and is_bound is not None and endpoint is not None and not is_bound(endpoint):
            self._refusing.never_again()

    def was_refused(self, error: OSError) -> None:
        self.refused += 1
        if isinstance(error, ConnectionRefusedError) and self._endpoint is not None:
            self._refusing.upstream_refused(self._endpoint)

    def left(self, client: UdpClient, error: OSError | None) -> None:
        self.active -= 1
        if client.network is not None:
            client.network.gone_up += client.decisions()
        self.gone_up.merge(client.up)
        self.gone_down.merge(client.down)
        for clients in self.clients.values():
            if clients.get(client.where) is client:
                del clients[client.where]
        self.loop.reports.closed(client.exchange, self.target if error is not None else None, error)

    def sweep(self) -> None:
        """Forget who was silent for too long, and tell the recording how much the others said."""
        now_s = self.clock()
        for client in self.everybody():
            client.tell_bytes()
            if now_s - client.last_s >= self._idle_s and not client.has_held:
                client.end()

    def _heard(
        self, listener: socket.socket, receive: Callable[[int], tuple[bytes, Any]], clients: _Clients, _events: int
    ) -> None:
        now_s = self.clock()
        last: UdpClient | None = None
        more: list[bytes] = []  # what came in a row from one client goes together, behind the first of it
        for _ in range(TURN):
            try:
                data, where = receive(BUFFER)
            except BlockingIOError:
                break
            except OSError:
                continue  # Windows tells here that an earlier reply found nobody
            client = clients.get(where)
            if client is None:
                client = self._newcomer(listener, clients, where, now_s, data)
                if client is None:
                    self.turned_away += 1
                    continue
            client.last_s = now_s
            up = client.up
            up.datagrams += 1
            up.bytes += len(data)
            if client.kept < KEPT_DATAGRAMS:
                client.keep(True, data)
            if client.up_lane is not None:
                client.up_lane.feed(data)
                continue
            if client is last and self.cuts:
                more.append(data)
                continue
            if more and last is not None:
                last.to_upstream_together(more)
                more = []
            last = client
            try:
                client.send(data)
            except OSError as error:
                client.not_sent(data, error)
        if more and last is not None:
            last.to_upstream_together(more)

    def _newcomer(
        self, listener: socket.socket, clients: _Clients, where: Any, now_s: float, first: bytes
    ) -> UdpClient | None:
        if self.closed or (self.active >= MAX_CLIENTS and not self._make_room(now_s)):
            return None
        client = clients[where] = UdpClient(self, listener, where, now_s, first)
        self.active += 1
        self.visits += 1
        self.last_s = now_s
        if not self._is_sweeping:
            self._sweep_later()
        self.loop.reports.opened(client.exchange)
        client.set_conditions(ran_already=False)
        client.begin()
        return client

    def _make_room(self, now_s: float) -> bool:
        """An eighth of all in one go: sorting them costs a millisecond."""
        quiet = sorted(
            (client for client in self.everybody() if now_s - client.last_s >= QUIET_S), key=lambda one: one.last_s
        )
        for client in quiet[: MAX_CLIENTS // 8]:
            client.end()
        return bool(quiet)

    def _sweep_later(self) -> None:
        """While there is nobody, nobody wakes up."""
        self._is_sweeping = not self.closed and self.active > 0
        if not self._is_sweeping:
            return
        self.loop.later(min(self._idle_s / 4, LARGEST_SWEEP_S), self._sweep_and_again)

    def _sweep_and_again(self) -> None:
        if not self.closed:
            self.sweep()
            self._sweep_later()
