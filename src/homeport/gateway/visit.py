"""A visit: one request on its way to its upstream, and the answer on its way back. Made per request by an Inbound.

It owns the exchange that is recorded, the counter of its route, and the upstream connection while it lasts. It knows
nothing of how requests are framed (inbound.py) nor answers (outbound.py): both hand it bytes that belong to it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from homeport.gateway import pages
from homeport.gateway.cut_off import CutOff
from homeport.gateway.exposure import NOT_NOW, Exposure
from homeport.gateway.forwarding import answer_head, request_head
from homeport.gateway.outbound import Outbound
from homeport.gateway.refusals import Reply
from homeport.gateway.routes import Route
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE, Exchange
from homeport.model.finding import Finding, Unavailable
from homeport.wire.credentials import all_hidden
from homeport.wire.http1 import BadMessage, Body, RequestHead, ResponseHead

if TYPE_CHECKING:
    from homeport.conditions.http import HttpDecision
    from homeport.gateway.access import Rule
    from homeport.gateway.client_side import ClientSide
    from homeport.gateway.conditioned import Fate
    from homeport.gateway.gate import Waiting
    from homeport.gateway.h2_call import H2Call
    from homeport.gateway.h2_upstream import H2Upstream
    from homeport.gateway.route_conditions import RouteConditions
    from homeport.gateway.seams import Tap
    from homeport.model.endpoint import Endpoint

_WAITING_LIMIT_BYTES = 64 * 1024  # of a body while the upstream is dialled
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})  # RFC 9110 section 9.2.2


class Visit:
    """`is_sent` once the request was read to its end; `tunnels` once the upstream has switched protocols."""

    __slots__ = (
        "_ends_with_connection",
        "_falls_back",
        "_fate",
        "_prefix",
        "_replay",
        "_room",
        "_route",
        "_tap",
        "_task",
        "_to_send",
        "exchange",
        "head",
        "inbound",
        "is_sent",
        "outbound",
        "token",
        "tunnels",
    )

    def __init__(self, inbound: ClientSide, head: RequestHead | None, raw: bytes, now_s: float) -> None:
        self.inbound = inbound
        self._tap: Tap | None = None  # set once it is settled that this visit is recorded
        self._prefix = b""  # the `/@NAME` that led to the route
        self.head = head
        self.exchange = Exchange(
            0, client=inbound.client, server_port=inbound.server_port, opened_s=now_s, head_s=now_s, request_head=raw
        )
        if inbound.is_secure:
            self.exchange.scheme = "https"
        self.outbound: Outbound | H2Call | None = None
        self.tunnels = False
        self.token = ""  # the name of the one that let it in
        self._ends_with_connection = False  # the client learns the end of the answer by the end of the connection
        self.is_sent = head is not None and not head.body
        self._route: Route | None = None
        self._task: asyncio.Task[None] | None = None
        self._to_send: list[bytes] | None = None  # what waits for the upstream connection
        self._fate: Fate | None = None  # by network conditions; None: the route has none
        self._falls_back = False  # to HTTP/1.1, for a WebSocket
        self._replay = False  # the request may be sent again: nothing of it would be missing, and it is idempotent
        self._room = 0  # bytes of the current body that are still kept for the recording

    def _record(self) -> None:
        tap = self._tap = self.inbound.door.tap
        self.exchange.id = tap.next_id()
        self._room = tap.body_limit_bytes
        tap.opened(self.exchange)

    # On the way there

    def enter(
        self, route: Route, rule: Rule | None, head: RequestHead, prefix: bytes, forwarded: bytes, now_s: float
    ) -> None:
        """The route and who may use it are known: get hold of its upstream, from the pool where one is idle."""
        door, exchange = self.inbound.door, self.exchange
        exchange.route = route.name
        self._route = route
        self._prefix = prefix
        asked = None if rule is None else door.gate.ask(rule, self.inbound, head, exchange)
        # The dashboard would watch itself, and its secrets are nobody's to read.
        if route.kind != "control" and not (isinstance(asked, Reply) and asked.is_private):
            self._record()
        route.active += 1
        route.visits += 1
        route.last_s = now_s
        if asked is None:
            self._set_out(route, head, prefix, forwarded, now_s)
        elif isinstance(asked, Reply):
            self.answer_ourselves(asked.status, asked.finding, asked.ending, asked.fields)
        else:
            self._to_send = []
            self._task = door.loop.create_task(self._wait(asked, route, head, prefix, forwarded))

    async def _wait(self, asked: Waiting, route: Route, head: RequestHead, prefix: bytes, forwarded: bytes) -> None:
        """The gate takes its time."""
        reply = await asked()
        self._task = None
        if reply is None:
            self._set_out(route, head, prefix, forwarded, perf_counter())
            self.inbound.upstream_is_full(False)
        else:
            self.answer_ourselves(reply.status, reply.finding, reply.ending, reply.fields)

    def _set_out(self, route: Route, head: RequestHead, prefix: bytes, forwarded: bytes, now_s: float) -> None:
        door = self.inbound.door
        if head.loops and door.loop_id in head.loops:
            self.answer_ourselves(508, pages.LOOP, REFUSED)
            return
        if prefix and not head.target.startswith(b"/", len(prefix)):
            # Relative links below /@NAME would lose the name, so it is a folder.
            location = prefix + b"/" + head.target[len(prefix) :]
            self.answer_ourselves(307, pages.MOVED, COMPLETE, b"Location: " + location + b"\r\n")
            return
        self._to_send = [request_head(head, prefix, forwarded), *(self._to_send or ())]
        self._replay = not head.body and head.method in _IDEMPOTENT
        felt = None if route.conditions is None else route.conditions.of(self.inbound, head)
        if felt is not None:
            target = head.target[len(prefix) :] or b"/"
            fate = self._fate = felt.decide(self, head.method.decode(), target.decode("latin-1"))
            if fate.fault.delay_s or fate.fault.status:
                self._task = door.loop.create_task(self._suffer(fate.fault, route))
                return
        self._fetch(route, now_s)

    async def _suffer(self, fault: HttpDecision, route: Route) -> None:
        """The network conditions strike this request before anybody is asked."""
        await asyncio.sleep(fault.delay_s)
        self._task = None
        if fault.status:
            self.answer_ourselves(fault.status, pages.CONDITIONS, COMPLETE)
        else:
            self._fetch(route, perf_counter())
            self.inbound.upstream_is_full(False)

    def _fetch(self, route: Route, now_s: float) -> None:
        door, exchange = self.inbound.door, self.exchange
        address = route.target.address()
        pool = door.pool if route.secure is None else route.secure.pool
        h2 = route.h2
        if route.conditions is not None and self.head is not None:
            felt = route.conditions.of(self.inbound, self.head)
            if felt is not None:
                pool = felt.pool(self.inbound.client)
                h2 = h2 and felt.h2(self.inbound.client, h2)
        outbound: Outbound | H2Call | None = None
        if address is not None:
            if h2 is None:
                outbound = pool.take(address, now_s)
            elif self.head is not None and not self.head.upgrade:
                outbound = h2.take(address)
        if outbound is not None:
            exchange.reused = True
            self._attach(outbound, now_s)
        else:
            self._task = door.loop.create_task(self._reach(route))

    def send(self, data: bytes, *, is_last: bool) -> None:
        """Bytes of the request's body."""
        exchange = self.exchange
        exchange.request_bytes += len(data)
        if self._room > 0:
            exchange.request_body.append(data[: self._room])
            self._room -= len(data)
        if is_last:
            self.is_sent = True
            exchange.sent_s = perf_counter()
        if self.outbound is not None:
            self.outbound.transport.write(data)
        elif self._to_send is not None:
            self._to_send.append(data)
            if exchange.request_bytes > _WAITING_LIMIT_BYTES and not is_last:
                self.inbound.upstream_is_full(True)

    async def _reach(self, route: Route) -> None:
        """Dial, waiting until the target can be dialled; answer with what is the matter when it cannot."""
        try:
            address = route.target.address() or await route.target.ready()
            outbound: Outbound | H2Call
            h2 = None if route.h2 is None else await self._reach_h2(route.h2, route.conditions, address)
            if h2 is not None:
                outbound = h2
            else:
                outbound = await self.inbound.door.dial(address, route, self)
        except Unavailable as unavailable:
            self._task = None
            self.answer_ourselves(unavailable.status, unavailable.finding, UNREACHABLE)
        except CutOff as cut:
            self._task = None
            self.cut_off(cut)
        except OSError as error:
            self._task = None
            status = 504 if isinstance(error, TimeoutError) else 502
            self.answer_ourselves(status, self._explain(route, error), UNREACHABLE)
        else:
            self._task = None
            self._attach(outbound, perf_counter())
            self.inbound.upstream_is_full(False)

    async def _reach_h2(self, h2: H2Upstream, conditions: RouteConditions | None, address: Endpoint) -> H2Call | None:
        """None: a WebSocket that the upstream does not know over HTTP/2, though it may over HTTP/1.1."""
        head, inbound, enter = self.head, self.inbound, None
        assert head is not None
        felt = None if conditions is None else conditions.of(inbound, head)
        if felt is not None and conditions is not None:
            h2, enter = felt.h2(inbound.client, h2), partial(conditions.admit, inbound, head)
        if head.upgrade.lower() != b"websocket":
            return await h2.dial(address, enter)
        tunnel = await h2.tunnel(address, enter)
        self._falls_back = tunnel is None
        return tunnel

    def _explain(self, route: Route, error: OSError | None) -> Finding:
        return pages.NO_WEBSOCKET if self._falls_back else route.target.explain(error)

    def _attach(self, outbound: Outbound | H2Call, now_s: float) -> None:
        exchange, to_send = self.exchange, self._to_send
        assert to_send is not None
        assert self.head is not None
        exchange.dialled_s = now_s
        exchange.upstream = outbound.name
        if self.is_sent:
            exchange.sent_s = now_s
        self.outbound = outbound
        if not self._replay:
            self._to_send = None
        outbound.begin(self, self.head)
        if self._fate is not None:
            outbound.strike(self._fate)
        if self.inbound.is_full:
            outbound.transport.pause_reading()
        outbound.transport.write(to_send[0] if len(to_send) == 1 else b"".join(to_send))

    # On the way back

    def upstream_is_full(self, is_full: bool) -> None:
        self.inbound.upstream_is_full(is_full)

    def interim(self, head: ResponseHead) -> None:
        """100 Continue, 103 Early Hints: passed on as they are, to clients that know them."""
        if self.head is not None and self.head.is_http11:
            self._replay = False
            self.inbound.interim(head.raw)

    def answer(self, head: ResponseHead, whole_body: bytes | None = None) -> None:
        """The head of the answer; with its body where that came whole, which saves a write."""
        exchange, request, inbound = self.exchange, self.head, self.inbound
        assert request is not None
        exchange.answered_s = perf_counter()
        exchange.response_head = head.raw
        self._replay = False
        # Below 0 first: looking up a member of an enum is slow before Python 3.12.
        if head.body < 0 and (head.body == Body.UNTIL_CLOSE or not request.is_http11):
            inbound.close_after_this()
            self._ends_with_connection = True
        elif whole_body is not None and not self.is_sent:  # the rest of the request is discarded
            inbound.close_after_this()
        if self._tap is not None:
            self._room = self._tap.body_limit_bytes
        written = answer_head(head, request, self._prefix, closes=inbound.closes_after_this)
        if whole_body:
            exchange.response_bytes = len(whole_body)
            if self._room > 0:
                exchange.response_body.append(whole_body[: self._room])
        inbound.answer(written, whole_body)

    def answer_body(self, passed: bytes, written: bytes) -> None:
        """`passed` came from the upstream; `written` is what the client gets of it (for HTTP/1.0 without chunks)."""
        exchange = self.exchange
        exchange.response_bytes += len(passed)
        if self._room > 0:
            exchange.response_body.append(passed[: self._room])
            self._room -= len(passed)
        self.inbound.transport.write(written)

    def answer_trailers(self, fields: list[tuple[bytes, bytes]]) -> None:
        self.inbound.trailers(fields)

    def complete(self) -> None:
        """The answer was whole; the upstream connection is somebody else's now."""
        self.outbound = None
        self._end(COMPLETE)
        self.inbound.next()

    def switched(self, head: ResponseHead) -> None:
        """The upstream agreed to another protocol: from here on bytes pass both ways."""
        assert self.head is not None
        self.tunnels = True
        self._replay = False
        self.exchange.kind = "upgrade"
        self.exchange.answered_s = perf_counter()
        self.exchange.response_head = head.raw
        self.inbound.answer(answer_head(head, self.head, self._prefix, closes=False))
        self.inbound.tunnel()

    def pass_down(self, data: bytes) -> None:
        self.exchange.response_bytes += len(data)
        if self._tap is not None:
            self._tap.seen(self.exchange, False, data)
        self.inbound.transport.write(data)

    def pass_up(self, data: bytes) -> None:
        if self.outbound is not None:
            self.exchange.request_bytes += len(data)
            if self._tap is not None:
                self._tap.seen(self.exchange, True, data)
            self.outbound.transport.write(data)

    # When it does not go well

    def upstream_lost(self, *, has_answered: bool, error: OSError | None = None, is_refused: bool = False) -> None:
        """The upstream closed before its answer was whole. `has_answered`: some bytes of it had come; `error`: what
        is known besides; `is_refused`: it has not looked at the request."""
        self.outbound = None
        exchange, route, inbound = self.exchange, self._route, self.inbound
        assert route is not None
        if self.tunnels:
            self._end(COMPLETE)
            inbound.transport.close()
        elif exchange.answered_s:
            self._end(UPSTREAM_GONE, f"{route.name} closed the connection in the middle of its answer")
            self.break_off()
        elif exchange.reused and self._replay and not has_answered:
            # It was closed while it lay in the pool. Nothing was answered, and the request may be repeated.
            exchange.reused = False
            self._task = inbound.door.loop.create_task(self._reach(route))
        elif is_refused and inbound.refuse():
            self._end(UPSTREAM_GONE, f"{route.name} refused the request without looking at it")
        else:
            self.answer_ourselves(502, self._explain(route, error), UPSTREAM_GONE)

    def cut_off(self, cut: CutOff) -> None:
        """The network conditions end it here, whatever was answered so far."""
        self.outbound = None
        self._end(UPSTREAM_GONE, cut.why)
        self.inbound.reset() if cut.ending == "reset" else self.inbound.transport.close()

    def upstream_spoke_badly(self, bad: BadMessage) -> None:
        self.outbound = None
        assert self._route is not None
        if self._falls_back:
            self.answer_ourselves(502, pages.NO_WEBSOCKET, UPSTREAM_GONE)
            return
        finding = Finding(
            code="bad-answer",
            what=f"{self._route.name} sent an answer that homeport does not pass on: {bad.why}.",
            why="An answer that two programs could read in two ways is not passed on.",
            next=f"homeport logs {self._route.name}",
        )
        self.answer_ourselves(502, finding, UPSTREAM_GONE)

    def refused(self, bad: BadMessage) -> None:
        """The request broke its own framing: the upstream must not take what it has for a whole one."""
        self._let_go()
        if self.exchange.answered_s:
            self._end(REFUSED, f"the request broke off: {bad.why}")
            self.break_off()
        else:
            finding = Finding(code="bad-request", what=f"This request is not passed on: {bad.why}.")
            self.answer_ourselves(bad.status, finding, REFUSED)

    def shut_out(self, why: str) -> None:
        """What let it in counts no more. A reset: nothing that waits to be written may still arrive."""
        self._let_go()
        self._end(REFUSED, why)
        self.inbound.reset()

    def client_gone(self) -> None:
        """The client's connection is lost."""
        tunnels = self.tunnels
        self._let_go()
        if tunnels:
            self._end(COMPLETE)
        else:
            self._end(CLIENT_GONE, "the client closed the connection before it had its answer")

    def break_off(self) -> None:
        """The client must not take half an answer for a whole one, so its connection ends too."""
        if self._ends_with_connection:  # only a reset tells such a client that something is missing
            self.inbound.transport.abort()
        else:
            self.inbound.transport.close()

    def answer_ourselves(self, status: int, finding: Finding, ending: str, fields: bytes = b"") -> None:
        """The door answers with a page that says what is the matter."""
        head, exchange, inbound = self.head, self.exchange, self.inbound
        if self._route is None:  # what it shows may be meant for a route of ours all the same
            exchange.request_head = all_hidden(exchange.request_head)
            self._record()
        if not self.is_sent:
            inbound.close_after_this()
        is_ours_alone = ending in (UNREACHABLE, UPSTREAM_GONE) and isinstance(inbound.only, Exposure)
        shown = NOT_NOW if is_ours_alone else finding
        page_head, body = pages.reply(status, shown, head, fields, closes=inbound.closes_after_this)
        exchange.answered_s = perf_counter()
        exchange.response_head = page_head
        exchange.response_body, exchange.response_bytes = [body] if body else [], len(body)
        inbound.answer(page_head, body)
        self._end(ending, "" if ending == COMPLETE else finding.what)
        inbound.door.loop.call_soon(inbound.next)

    def _let_go(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        outbound, self.outbound = self.outbound, None
        if outbound is not None:
            if self.tunnels:
                outbound.close()
            else:
                outbound.abort()

    def _end(self, ending: str, why: str = "") -> None:
        exchange, route = self.exchange, self._route
        exchange.closed_s = perf_counter()
        exchange.ending = ending
        exchange.why = why
        if route is not None:
            route.active -= 1
            route.last_s = exchange.closed_s
        self.inbound.visit = None
        if self._fate is not None:
            self._fate.end()
        if self._tap is not None:
            self._tap.closed(exchange)
