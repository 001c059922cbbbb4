"""One connection through a stream route: greet, choose, shake hands, dial, let both directions flow, say how it ended.

What a connection of raw TCP (tcp_link.py) is in the relay's own thread, this is on the engine's loop, for routes that
need more than moving bytes. It parses nothing but the greeting, and bytes are kept only as far as the tap wants them.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from homeport.gateway.stream_dial import connect
from homeport.gateway.stream_side import Flow, Side
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE, Exchange
from homeport.model.finding import Unavailable
from homeport.model.net_client import Visitor
from homeport.streams.tls import TlsTransport
from homeport.wire.client_hello import ACCESS_DENIED, HANDSHAKE_FAILURE, UNRECOGNISED_NAME, ClientHello
from homeport.wire.stream_greeting import agreed_alpn, read_greeting

if TYPE_CHECKING:
    import ssl

    from homeport.conditions.plan import Entry
    from homeport.gateway.conditioned_flow import StreamConditions
    from homeport.gateway.stream_relay import StreamPort, StreamRelay, StreamRoute

HANDSHAKE_S = 10.0  # from coming in to the end of the handshake
DIAL_S = 10.0
LINGER_S = 2.0  # after an end that a client of TLS was told, until we close
STALLED_S = 30.0  # without a byte taken, by somebody whose connection is to end
_EARLY_LIMIT_BYTES = 64 * 1024  # what a client may send before there is an upstream

GREETING, CHOOSING, SHAKING, DIALLING, FLOWING, LEAVING = range(6)


class StreamLink:
    """Made by a port's listener; the relay keeps it until both sides are gone."""

    def __init__(self, relay: StreamRelay, port: StreamPort) -> None:
        self.relay = relay
        self.port = port
        self.route: StreamRoute | None = None
        self.client = Side(self)
        self.upstream = Side(self)
        self.deadline_s = perf_counter() + HANDSHAKE_S  # 0.0: none
        self.exchange = Exchange(0, kind="tcp", opened_s=perf_counter(), scheme="")
        self.peer: tuple[str, int] | None = None
        self.visitor = Visitor("unix")
        self._state = GREETING
        self._early = bytearray()
        self._has_spoken = self._is_announced = self._was_admitted = self._is_over = False
        self._up: Flow | None = None
        self._down: Flow | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._network: StreamConditions | None = None  # of the route, once that is known
        self._hangs = False  # it was let in, and nobody attends to it: an outage

    # What the sides tell

    def made(self, side: Side) -> None:
        if side is self.client:
            where = side.transport.get_extra_info("peername")
            if isinstance(where, tuple):
                self.peer = where[0], where[1]
            self.exchange.client = str(Endpoint(*self.peer)) if self.peer else "unix"
            self.visitor = self.relay.visitor(self.exchange.client, side.transport)
            self.relay.arrived(self)
            route = self.port.only_route
            if route is not None:
                self._enter(route)
        elif self._state == DIALLING and self.route is not None:
            self._connected(self.route)  # now, since an upstream may speak first, or hang up
        elif self._state == LEAVING:  # the client went in the very moment in which the upstream accepted
            side.reset_now()

    def received(self, side: Side, data: bytes) -> None:
        if self._state == FLOWING:
            self._pass(side, data)
        elif side is self.client and self._state < FLOWING:
            self._has_spoken = True
            self._early += data
            if self._state == GREETING and not self._hangs:
                self._greet()
            elif len(self._early) > _EARLY_LIMIT_BYTES:
                side.hold(True)

    def ended(self, side: Side) -> bool:
        """FIN. True: the connection stays, for what the other side still has to say."""
        if self._state == FLOWING and self._up is not None and self._down is not None:
            (self._up if side is self.client else self._down).end()
            return not self._close_when_both_ended()
        return self._state == DIALLING  # nobody is there yet to be told

    def finished(self, side: Side) -> None:
        """It was sent FIN."""
        other = self._other(side)
        if side is self.client and (side.is_secure or self._up is None):
            # Nothing that it says is wanted any more; but closing at once would reset, and overtake what it is to read.
            self.deadline_s = perf_counter() + LINGER_S
            other.close()
        elif other.is_lost:
            side.close()
        else:
            self._close_when_both_ended()

    def full(self, side: Side, is_full: bool) -> None:
        flow = self._up if side is self.upstream else self._down
        if flow is not None:
            flow.sink_is_full(is_full)

    def lost(self, side: Side, error: Exception | None) -> None:
        if self._state == DIALLING and self._early and error is None:
            return  # the upstream gets to know what it said all the same
        if self._dialling is not None:
            self._dialling.cancel()
        if self._state != LEAVING:
            self._lost_unexpectedly(side, error)
        self._other(side).hold(False)
        if self.client.is_lost and self.upstream.is_lost:
            self._over()

    # What the relay does

    def overdue(self) -> None:
        if self._state < DIALLING:
            self._end(REFUSED, f"the client did not begin TLS within {HANDSHAKE_S:.0f} s")
        self.client.reset_now()
        self.upstream.reset_now()

    def break_off(self, why: str) -> None:
        """Both sides at once: the route was removed, or the engine stops."""
        if self._state != LEAVING:
            self._end(UPSTREAM_GONE, why)
        if self._dialling is not None:
            self._dialling.cancel()
        self.client.reset_now()
        self.upstream.reset_now()
        if self.client.is_lost and self.upstream.is_lost:
            self._over()

    def cut(self, why: str) -> None:
        """Network conditions close it in the middle, and what was let through arrives."""
        if self._state != LEAVING:
            self._end(UPSTREAM_GONE, why)
            self.deadline_s = perf_counter() + LINGER_S
            self.client.finish()
            self.upstream.close()

    def look_around(self, now_s: float) -> None:
        """Once a second: deadlines, sides that never take what they should get, and clients that only seem to wait."""
        if self.deadline_s and now_s > self.deadline_s:
            self.overdue()
        for side in (self.client, self.upstream):
            left = side.unflushed() if side.is_ending else 0
            if left != side.unflushed_bytes:
                side.unflushed_bytes, side.stalled_s = left, now_s
            elif left and now_s - side.stalled_s > STALLED_S:
                side.reset_now()
        is_gone = self.relay.is_gone
        may_be_gone = self.client.has_ended and not self.client.is_lost
        if may_be_gone and self.peer and is_gone is not None and is_gone(*self.peer, self.port.number):
            self.client.reset_now()

    # Greeting

    def _enter(self, route: StreamRoute) -> bool:
        """Whether the network lets it in; asked once."""
        if self._network is None and self._state == GREETING:
            self._network = route.conditions
            self.network_says(route.conditions.enter(self))
        return self._state == GREETING and not self._hangs

    def network_says(self, entry: Entry) -> None:
        """What becomes of it before there is anything to pass on; again when the conditions change."""
        if self._state >= FLOWING:
            return
        if entry == "open":
            if self._hangs:
                self._hangs = False
                self.deadline_s = perf_counter() + HANDSHAKE_S
                self.client.hold(False)
                if self._early:
                    self._greet()
        elif entry == "hang":
            if self._state == GREETING:
                self._hangs, self.deadline_s = True, 0.0
        else:
            self._has_spoken = True  # it is told all the same
            self._end(REFUSED, "network conditions: outage")
            self.client.reset_now() if entry == "refuse" else self.client.close()
            self.upstream.reset_now()

    def _greet(self) -> None:
        hello, answer, rest = read_greeting(bytes(self._early))
        if answer:
            if self.port.terminates_all:
                self.client.write(answer)
            else:
                hello = "not TLS"
        self._early[:] = rest
        if hello == "need more":
            return
        if hello == "not TLS":
            self._refuse(HANDSHAKE_FAILURE, "the client does not speak TLS")
            return
        assert isinstance(hello, ClientHello)
        self._choose(hello)

    def _choose(self, hello: ClientHello) -> None:
        route = self.port.choose(hello.server_name)
        if route is None:
            named = f"no route on this port is called {hello.server_name}" if hello.server_name else "it names no route"
            self._refuse(UNRECOGNISED_NAME, named)
            return
        self.route = route
        self.exchange.route = route.name
        if not self._enter(route):
            return
        transport = self.client.transport
        ends = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if route.why_not is not None and (why := route.why_not(*ends)):
            self._refuse(ACCESS_DENIED, why)
        elif route.tls == "pass":
            self._begin()
        else:
            self._get_certificate(route, hello)

    def _get_certificate(self, route: StreamRoute, hello: ClientHello) -> None:
        alpn = agreed_alpn(hello.alpn)
        context = self.relay.certificates.for_stream(hello.server_name, route.client_ca, alpn)
        if context is not None:
            self._secure(context)
            return
        self._state = CHOOSING
        self._dialling = asyncio.get_running_loop().create_task(self._make_certificate(route, hello, alpn))

    async def _make_certificate(self, route: StreamRoute, hello: ClientHello, alpn: tuple[str, ...]) -> None:
        made = await self.relay.certificates.make_for_stream(hello.server_name, route.client_ca, alpn)
        self._dialling = None
        if made is None:
            self._refuse(HANDSHAKE_FAILURE, "no certificate could be made")
        else:
            self._secure(made)

    def _secure(self, context: ssl.SSLContext) -> None:
        first = bytes(self._early)
        self._early.clear()
        self._state = SHAKING
        secure = TlsTransport(self.client.transport, context, self.client, self._begin, self._not_secured)
        self.client.transport = secure
        secure.begin(first)

    def _not_secured(self, error: ssl.SSLError) -> None:
        why = getattr(error, "verify_message", "") or (error.reason or str(error)).replace("_", " ").lower()
        self._end(REFUSED, f"the TLS handshake failed: {why}")
        self.client.finish()

    def _refuse(self, alert: bytes, why: str) -> None:
        self._end(REFUSED, why)
        self.client.transport.write(alert)
        self.client.finish()

    # Dialling

    def _begin(self) -> None:
        """The client is who it should be."""
        assert self.route is not None
        self._state = DIALLING
        self.deadline_s = 0.0
        self._announce()
        self._was_admitted = True
        self.relay.admitted(self)
        self._dialling = asyncio.get_running_loop().create_task(self._dial(self.route))
        self._dialling.add_done_callback(self._dialled)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self._dialling = None
        if not task.cancelled() and (mistake := task.exception()) is not None:  # a target's own: nobody may hang by it
            self._unreachable(f"{type(mistake).__name__}: {mistake}")

    async def _dial(self, route: StreamRoute) -> None:
        target = route.target
        try:
            endpoint = target.address() or await target.ready()
            self.exchange.upstream = str(endpoint)
            async with asyncio.timeout(DIAL_S):
                await connect(endpoint, self.upstream)
        except Unavailable as unavailable:
            self._unreachable(unavailable.finding.what)
        except OSError as error:  # TimeoutError is one
            finding = target.explain(error)
            self._unreachable(f"{finding.what}: {finding.why}" if finding.why else finding.what)

    def _connected(self, route: StreamRoute) -> None:
        self._dialling = None  # it has done its work, and is not to be cancelled any more
        self.exchange.dialled_s = perf_counter()
        self._up, self._down = route.make_flow(self.client, self.upstream), route.make_flow(self.upstream, self.client)
        self._state = FLOWING
        early, self._early = bytes(self._early), bytearray()
        if early:
            self._pass(self.client, early)
        if self.client.is_lost:
            self.lost(self.client, None)
        elif self.client.has_ended:
            self._up.end()
        else:
            self.client.hold(self.upstream.is_full)

    def _unreachable(self, why: str) -> None:
        if self._state != DIALLING:
            return
        self._end(UNREACHABLE, why)
        self.client.reset()
        if self.client.is_lost:
            self._over()

    # Flowing

    def _pass(self, side: Side, data: bytes) -> None:
        exchange = self.exchange
        if side is self.client:
            self._keep(exchange.request_body, exchange.request_bytes, data)
            exchange.request_bytes += len(data)
            flow = self._up
        else:
            if not exchange.response_bytes:
                exchange.answered_s = perf_counter()
            self._keep(exchange.response_body, exchange.response_bytes, data)
            exchange.response_bytes += len(data)
            flow = self._down
        if flow is not None:
            flow.feed(data)

    def _keep(self, kept: list[bytes], before: int, data: bytes) -> None:
        left = self.relay.tap.body_limit_bytes - before
        if left > 0:
            kept.append(data[:left])

    def _other(self, side: Side) -> Side:
        return self.upstream if side is self.client else self.client

    def _close_when_both_ended(self) -> bool:
        both = (self.client, self.upstream)
        if not all(side.has_ended and side.is_finished for side in both):
            return False
        self._end(COMPLETE, "")
        for side in both:
            side.close()
        return True

    def _lost_unexpectedly(self, side: Side, error: Exception | None) -> None:
        """Of TLS, an end in order looks like this too."""
        name, ending = ("client", CLIENT_GONE) if side is self.client else ("upstream", UPSTREAM_GONE)
        if self._state < FLOWING:
            self._end(CLIENT_GONE, "the client left before the upstream was there")
            self.upstream.reset_now()
            return
        flow = self._up if side is self.client else self._down
        assert flow is not None
        if error is None:
            self._end(COMPLETE, "")
            flow.end()
        else:
            was_reset = isinstance(error, ConnectionError)
            self._end(ending, f"the {name} " + ("reset the connection" if was_reset else f"was lost: {error}"))
            flow.break_off()

    # The end

    def _end(self, ending: str, why: str) -> None:
        """How it ended is known, though there may be bytes left to be flushed."""
        self._state = LEAVING
        self.exchange.ending, self.exchange.why = ending, why
        if self._has_spoken:  # who only looked whether somebody listens is no visit
            self._announce()

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self.exchange.id = self.relay.tap.next_id()
            self.relay.tap.opened(self.exchange)

    def _over(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        for flow in (self._up, self._down):
            if flow is not None:
                flow.close()
        self._up = self._down = None
        if self._network is not None:
            self._network.left(self)
        self.exchange.closed_s = perf_counter()
        if self._is_announced:
            self.relay.tap.closed(self.exchange)
        self.relay.left(self, was_admitted=self._was_admitted)
