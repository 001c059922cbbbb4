"""One client of a UDP route: its socket towards the upstream, what passed each way, and how it ended.

A conversation is an exchange: its first datagrams are kept. Nothing here waits, and a datagram that cannot go on is
dropped and counted, as networks do.
"""

from __future__ import annotations

import socket
import time
from collections import Counter, deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from homeport.conditions.plan import Pair
from homeport.gateway.client_choice import ClientNetwork
from homeport.gateway.tcp_dial import Address
from homeport.gateway.udp_counts import Counts
from homeport.gateway.udp_lane import UdpLane
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import COMPLETE, UNREACHABLE, Exchange
from homeport.model.finding import Unavailable
from homeport.model.net_client import Visitor
from homeport.streams.udp_listen import connect_datagrams
from homeport.streams.udp_segments import CANNOT_CUT, runs, send_run

if TYPE_CHECKING:
    from homeport.gateway.udp_route import UdpRoute

TURN = 32  # datagrams in a row of one client, before the others get their turn
WAITING_DATAGRAMS = 64  # while the upstream is being started or looked up
KEPT_DATAGRAMS = 256  # of one conversation
BUFFER = 65536


class UdpClient:
    """Its owner is the relay's thread; the counts may be read from anywhere."""

    __slots__ = (
        "_addresses", "_first", "_kept_bytes", "_listener", "_luck", "_pair", "_pending", "_receive", "_reply",
        "_waiting", "down", "down_lane", "error", "exchange", "is_answered", "kept", "last_s", "network", "over",
        "route", "send", "up", "up_lane", "upstream", "visitor", "where",
    )  # fmt: skip

    def __init__(self, route: UdpRoute, listener: socket.socket, where: Any, now_s: float, first: bytes) -> None:
        self.route = route
        self.up, self.down = Counts(), Counts()
        self.upstream: socket.socket | None = None
        self.send = self._wait
        self.up_lane: UdpLane | None = None
        self.down_lane: UdpLane | None = None
        self._pair: Pair | None = None
        self._luck: tuple[str, int, int] | None = None  # whose, of which seed, and what was counted from
        self.network: ClientNetwork | None = None  # whose conditions it feels, once it has felt any
        self.over = False
        self.is_answered = False
        self.last_s = now_s
        self.error: OSError | None = None
        self._listener = listener
        self._reply = listener.sendto
        self.where = where
        self._waiting: deque[bytes] = deque()
        self._pending: Future[tuple[Endpoint, list[Address]]] | None = None
        self._addresses: list[Address] = []  # to try after this one
        self._first: bytes | None = first  # to send again, should nobody be at the first address
        self.kept = 0 if route.keep_bytes else KEPT_DATAGRAMS
        self._kept_bytes = 0
        self.exchange = Exchange(
            0,
            kind="udp",
            route=route.name,
            client=f"[{where[0]}]:{where[1]}" if ":" in where[0] else f"{where[0]}:{where[1]}",
            opened_s=time.perf_counter(),
            scheme="",
            server_port=listener.getsockname()[1],
        )
        self.visitor = Visitor(self.exchange.client, lambda: route.owner_of(where, listener))

    def begin(self) -> None:
        """Find out where to send; on the way there the first datagrams wait."""
        endpoint = self.route.target.address()
        addresses = self.route.addresses_of(endpoint) if endpoint is not None else None
        if endpoint is not None and addresses is not None:
            self._dial(endpoint, addresses)
        else:
            self._pending = self.route.loop.await_ready(self.route.target, endpoint, self._ready)

    def to_upstream(self, data: bytes) -> None:
        """Never raises."""
        try:
            self.send(data)
        except OSError as error:
            self.not_sent(data, error)

    def not_sent(self, data: bytes, error: OSError) -> None:
        """`send` failed. A refusal is about an earlier datagram, so that this one gets another chance."""
        if isinstance(error, ConnectionRefusedError):
            self._refused(error)
            try:
                self.send(data)
            except OSError as again:
                self._dropped(self.up, again)
        else:
            self._dropped(self.up, error)

    def to_upstream_together(self, datagrams: list[bytes]) -> None:
        """As `to_upstream` one by one, in fewer system calls."""
        for run in runs(datagrams):
            if self.upstream is None or self.over or not self._has_sent(run, self.upstream):
                for data in run:
                    self.to_upstream(data)

    def _to_client_together(self, datagrams: list[bytes]) -> None:
        for run in runs(datagrams):
            if not self._has_sent(run, self._listener, self.where):
                for data in run:
                    self.to_client(data)

    def _has_sent(self, run: list[bytes], sock: socket.socket, where: Any = None) -> bool:
        if len(run) == 1 or not self.route.cuts:
            return False
        try:
            send_run(sock, run, where)
        except OSError as error:
            if isinstance(error, ConnectionRefusedError):
                self._refused(error)
            elif error.errno in CANNOT_CUT:
                self.route.cuts = False
            return False
        return True

    def to_client(self, data: bytes) -> None:
        """Never raises."""
        try:
            self._reply(data, self.where)
        except OSError as error:
            self._dropped(self.down, error)

    def keep(self, from_client: bool, data: bytes) -> None:
        """Record the first datagrams."""
        size = len(data)
        if self.kept >= KEPT_DATAGRAMS or self._kept_bytes + size > self.route.keep_bytes:
            self.kept = KEPT_DATAGRAMS
            return
        self.kept += 1
        self._kept_bytes += size
        self.route.loop.reports.seen(self.exchange, from_client, data, time.perf_counter())

    def set_conditions(self, *, ran_already: bool = True) -> None:
        """What holds for it now, from the next datagram on; what waits keeps its due. Another seed is another luck."""
        now_s, route, felt = time.monotonic(), self.route, self.exchange.conditions
        network = route.networks.of(self.visitor)
        settings, before = network.settings, self._luck
        self._luck = (network.client, settings.seed, settings.first) if settings is not None else None
        self.network = network
        if self._pair is None:
            if settings is not None:
                self._pair, self.exchange.conditions = pair, _ = network.begin(
                    "datagram", now_s, ran_already=ran_already
                )
                upwards, downwards = (route.pump, route.up_room), (route.pump, route.down_room)
                self.up_lane = UdpLane(pair.up, self.up, *upwards, self.to_upstream, self.to_upstream_together)
                self.down_lane = UdpLane(pair.down, self.down, *downwards, self.to_client, self._to_client_together)
            return
        if felt is not None:
            felt.changes += 1
        who = str(felt.number) if felt is not None and self._luck != before else ""  # it keeps its number
        up, down = self._pair.change(settings, now_s, network.shared, who)
        if self.up_lane is not None and self.down_lane is not None:
            self.up_lane.take(up, now_s)
            self.down_lane.take(down, now_s)

    def decisions(self) -> Counter[str]:
        """How often each decision was made, both ways; "came" and "sent" among them."""
        if self._pair is None:
            return Counter()
        # Copied in one step: the relay's thread may be adding a new word to them.
        return Counter(dict(self._pair.up.counts)) + Counter(dict(self._pair.down.counts))

    @property
    def has_held(self) -> bool:
        """Datagrams wait for their due."""
        return bool((self.up_lane and self.up_lane.held) or (self.down_lane and self.down_lane.held))

    def tell_bytes(self) -> None:
        self.exchange.request_bytes, self.exchange.response_bytes = self.up.bytes, self.down.bytes

    def end(self, ending: str = COMPLETE, why: str = "") -> None:
        """Forget the client. What it sends later makes a new one."""
        if self.over:
            return
        self.over = True
        if self._pending is not None:
            self._pending.cancel()
        if self.upstream is not None:
            self.route.loop.release(self.upstream)
        self.tell_bytes()
        exchange, error = self.exchange, self.error
        exchange.closed_s = time.perf_counter()
        if error is not None and not self.is_answered and not why:
            ending, why = UNREACHABLE, error.strerror or str(error)
        else:
            error = None
        exchange.ending, exchange.why = ending, why
        if self._pair is not None:
            self._pair.end_record()
        self.send = self._nobody
        self.route.left(self, error)

    def abandon(self) -> None:
        """Called after a mistake of ours."""
        self.end(UNREACHABLE, "homeport made a mistake")

    def _ready(self, future: Future[tuple[Endpoint, list[Address]]]) -> None:
        self._pending = None
        if self.over:
            return
        try:
            self._dial(*future.result())
        except Unavailable as unavailable:
            self.end(UNREACHABLE, unavailable.finding.what)
        except OSError as error:
            self.error = error
            self.end()
        except BaseException as error:  # a cancelled or broken target: its own mistake
            self.end(UNREACHABLE, f"{type(error).__name__}: {error}")

    def _dial(self, endpoint: Endpoint, addresses: list[Address]) -> None:
        self.exchange.upstream = self.route.text_of(endpoint)
        self._addresses = addresses[:0:-1]
        if not self._addresses:
            self._first = None
        self._connect(addresses[0])

    def _connect(self, address: Address) -> None:
        try:
            upstream = connect_datagrams(address.family, address.where)
        except OSError as error:  # no such family here, or out of descriptors
            self.error = error
            self._next_address() if self._addresses else self.end()
            return
        self.upstream = upstream
        self.send = upstream.send
        self._receive = upstream.recv
        self.exchange.dialled_s = time.perf_counter()
        self.route.loop.watch(upstream, self._answered, reading=True, writing=False)
        while self._waiting and not self.over:
            self.to_upstream(self._waiting.popleft())

    def _answered(self, _events: int) -> None:
        """Datagrams of the upstream, or an ICMP error."""
        if self.over:
            return
        receive, reply, where, lane, counts = self._receive, self._reply, self.where, self.down_lane, self.down
        self.last_s = self.route.clock()
        more: list[bytes] = []  # goes together, behind the first of it
        for number in range(TURN):
            try:
                data = receive(BUFFER)
            except BlockingIOError:
                break
            except OSError as error:
                self._refused(error)
                break
            counts.datagrams += 1
            counts.bytes += len(data)
            if not self.is_answered:
                self._first_answer()
            if self.kept < KEPT_DATAGRAMS:
                self.keep(False, data)
            if lane is not None:
                lane.feed(data)
                continue
            if number and self.route.cuts:
                more.append(data)
                continue
            try:
                reply(data, where)
            except OSError as error:
                self._dropped(counts, error)
        if more:
            self._to_client_together(more)

    def _first_answer(self) -> None:
        self.is_answered, self._first = True, None
        self.exchange.answered_s = time.perf_counter()
        self.route.was_answered()

    def _refused(self, error: OSError) -> None:
        """The system told that a datagram did not arrive: nobody is at that port, or the way there is barred."""
        self.error = error
        if self._addresses and not self.is_answered:
            self._next_address()
        else:
            self.route.was_refused(error)

    def _next_address(self) -> None:
        if self.upstream is not None:
            self.route.loop.release(self.upstream)
            self.upstream = None
        if self._first is not None:
            self._waiting.append(self._first)
        self._connect(self._addresses.pop())

    def _dropped(self, counts: Counts, error: OSError) -> None:
        counts.dropped += 1
        if not isinstance(error, BlockingIOError):
            self.error = error

    def _wait(self, data: bytes, /) -> int:
        """Stands for `send` until there is an upstream."""
        if len(self._waiting) >= WAITING_DATAGRAMS:
            raise BlockingIOError
        self._waiting.append(data)
        return len(data)

    @staticmethod
    def _nobody(data: bytes, /) -> int:
        """Stands for `send` once it is over."""
        raise BlockingIOError
