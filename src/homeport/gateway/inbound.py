"""The client side of a visit: reads requests, finds their route, passes them on, and writes what comes back.

One request at a time; pipelined ones wait in `_kept`. The way through, forward only:

    data ─► head ─► route ─► upstream (pooled, dialled, or awaited) ─► body ─► answer ─► next head

Bytes are passed on as they came; only heads are rewritten. Back-pressure goes both ways: a side that cannot write stops
the other from reading. Nothing here half-closes (see outbound.py); a client that does still gets its answer.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, cast

from homeport.gateway import pages
from homeport.gateway.forwarding import answer_head, request_head
from homeport.gateway.outbound import WRITE_BUFFER_BYTES, Outbound
from homeport.gateway.routes import Route, UnknownHost
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE, Exchange
from homeport.model.finding import Finding, Unavailable
from homeport.wire.http1 import (
    BadMessage,
    Body,
    ChunkedBody,
    RequestHead,
    ResponseHead,
    check_unfinished_head,
    parse_request_head,
)
from homeport.wire.sniff import Speech, sniff

if TYPE_CHECKING:
    from homeport.gateway.door import Door

_END_OF_HEAD = b"\r\n\r\n"
_KEPT_LIMIT_BYTES = 64 * 1024  # of pipelined requests, and of a body while the upstream is dialled
_REPLAY_LIMIT_BYTES = 64 * 1024
_DISCARD_LIMIT_BYTES = 16 * 1024 * 1024
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})  # RFC 9110 section 9.2.2
_TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x28"  # fatal handshake_failure: a TLS client says so instead of "garbage"

HEAD_S = 30.0  # for a head to end once it has begun
IDLE_S = 120.0  # between requests
LINGER_S = 0.5  # of silence, after an answer that came before the end of the request, until we close

# What is expected next from the client.
FIRST_BYTES, HEAD, BODY, ANSWER, TUNNEL, DISCARD, CLOSED = range(7)


class Inbound(asyncio.Protocol):
    """One client connection. The door makes it and asks it to end; nobody else keeps it."""

    __slots__ = (
        "_body",
        "_client",
        "_door",
        "_exchange",
        "_forwarded",
        "_forwarded_host",
        "_has_ended",
        "_head",
        "_is_client_full",
        "_is_upstream_full",
        "_kept",
        "_left",
        "_only",
        "_outbound",
        "_prefix",
        "_replay",
        "_room",
        "_route",
        "_state",
        "_task",
        "_to_send",
        "_will_close",
        "deadline_s",
        "is_sent",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, door: Door, only: Route | None = None) -> None:
        self._door = door
        self._only = only  # a listener of a single route's own
        self._client = ""
        self._state = FIRST_BYTES
        self._kept = b""
        self._head: RequestHead | None = None
        self._exchange: Exchange | None = None
        self._route: Route | None = None
        self._prefix = b""
        self._outbound: Outbound | None = None
        self._task: asyncio.Task[None] | None = None
        self._to_send: list[bytes] | None = None  # what waits for the upstream connection
        self._replay: bytes | None = None  # the whole request, while it may be sent again
        self._body: ChunkedBody | None = None
        self._left = 0
        self._room = 0  # bytes of the current body that are still kept for the recording
        self._forwarded = b""
        self._forwarded_host: bytes | None = None
        self._is_client_full = False
        self._is_upstream_full = False
        self._has_ended = False  # the client has sent FIN
        self._will_close = False
        self.is_sent = False  # the request was read and passed on to its end
        self.deadline_s = 0.0

    # What the upstream side asks about the request under way

    @property
    def method(self) -> bytes:
        return self._head.method if self._head else b"GET"

    @property
    def speaks_http11(self) -> bool:
        return self._head is None or self._head.is_http11

    @property
    def may_switch(self) -> bool:
        return self._head is not None and bool(self._head.upgrade)

    # What the client does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self._client = f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
        self.deadline_s = perf_counter() + IDLE_S
        self._door.arrived(self)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == HEAD:
            self._read_head(self._kept + data if self._kept else data)
        elif state == BODY:
            self._read_body(self._kept + data if self._kept else data)
        elif state == TUNNEL:
            self._pass_up(data)
        elif state == ANSWER:
            self._kept += data
            if len(self._kept) > _KEPT_LIMIT_BYTES:
                self.transport.pause_reading()
        elif state == FIRST_BYTES:
            self._greet(self._kept + data)
        elif state == DISCARD:
            self._discard(data)

    def eof_received(self) -> bool:
        """A client that has said all it wants still gets its answer; without a request under way, that was it."""
        self._has_ended = True
        return self._state == ANSWER

    def connection_lost(self, error: Exception | None) -> None:
        self._door.left(self)
        self._state = CLOSED
        if self._task is not None:
            self._task.cancel()
        outbound, self._outbound = self._outbound, None
        if outbound is not None:
            if self._exchange is not None and self._exchange.kind == "upgrade":
                outbound.close()
            else:
                outbound.abort()
        if self._exchange is not None:
            if self._exchange.kind == "upgrade":
                self._end_exchange(COMPLETE)
            else:
                self._end_exchange(CLIENT_GONE, "the client closed the connection before it had its answer")

    def pause_writing(self) -> None:
        self._is_client_full = True
        if self._outbound is not None:
            self._outbound.transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_client_full = False
        if self._outbound is not None:
            self._outbound.transport.resume_reading()

    # What the door does

    @property
    def is_waiting_for_answer(self) -> bool:
        """The client has said FIN and a request is under way: is anybody still there?"""
        return self._has_ended and self._exchange is not None

    @property
    def client(self) -> str:
        return self._client

    def overdue(self) -> None:
        """The deadline has passed."""
        if self._state == HEAD and self._kept:
            self._refuse(BadMessage(f"the head did not end within {HEAD_S:.0f} s", 408))
        else:
            self.transport.close()

    def end(self) -> None:
        """The door closes: idle connections at once, others after their answer."""
        self._will_close = True
        if self._exchange is None or self._state == TUNNEL:
            self.transport.close()

    # Reading a request

    def _greet(self, data: bytes) -> None:
        speech = sniff(data)
        self._kept = data
        if speech is Speech.NEED_MORE:
            return
        if speech is Speech.TLS:
            self.transport.write(_TLS_ALERT)
            self.transport.close()
        elif speech is Speech.HTTP1:
            self._state = HEAD
            self._read_head(data)
        else:
            self._refuse(BadMessage("this door speaks HTTP/1.1", 505 if speech is Speech.HTTP2 else 400))

    def _read_head(self, data: bytes) -> None:
        now_s = perf_counter()
        end = data.find(_END_OF_HEAD)
        if end <= 0:
            data = data.lstrip(b"\r\n")  # empty lines before a request line are allowed (RFC 9112 section 2.2)
            end = data.find(_END_OF_HEAD)
        if not self._kept:
            self.deadline_s = now_s + HEAD_S
        if end < 0:
            self._kept = data
            try:
                check_unfinished_head(data)
            except BadMessage as bad:
                self._refuse(bad)
            else:
                if self._has_ended:
                    self.transport.close()
            return
        end += 4
        raw = data[:end]
        self._kept = data[end:]
        try:
            head = parse_request_head(raw)
        except BadMessage as bad:
            self._refuse(bad, raw)
            return
        self._head = head
        self._begin(head, now_s)

    def _begin(self, head: RequestHead, now_s: float) -> None:
        """A request is there: settle where it goes and get hold of the upstream."""
        door = self._door
        self.deadline_s = 0.0
        self._will_close = self._will_close or not head.keep_alive
        exchange = Exchange(
            id=door.tap.next_id(), client=self._client, opened_s=now_s, head_s=now_s, request_head=head.raw
        )
        exchange.request_body = []
        exchange.response_body = []
        self._exchange = exchange
        self._room = door.tap.body_limit_bytes
        self._left = head.body
        self._body = ChunkedBody() if head.body == Body.CHUNKED else None
        self.is_sent = not head.body
        self._state = BODY if head.body else ANSWER
        door.tap.opened(exchange)
        try:
            route, self._prefix = (self._only, b"") if self._only else door.routes.find(head.host, head.target)
        except UnknownHost:
            self._answer_ourselves(421, pages.MISDIRECTED, REFUSED)
            return
        if route is None:
            self._answer_ourselves(404, pages.NO_DEFAULT, REFUSED)
            return
        exchange.route = route.name
        self._route = route
        route.active += 1
        route.visits += 1
        route.last_s = now_s
        if head.loops and door.loop_id in head.loops:
            self._answer_ourselves(508, pages.LOOP, REFUSED)
            return
        if head.host != self._forwarded_host:
            self._forwarded_host = head.host
            self._forwarded = door.forwarded(self._client, head.host)
        self._to_send = [request_head(head, self._prefix, self._forwarded)]
        if not head.body and head.method in _IDEMPOTENT:
            self._replay = self._to_send[0]
        address = route.target.address()
        outbound = door.pool.take(address, now_s) if address is not None else None
        if outbound is not None:
            exchange.reused = True
            self._attach(outbound, now_s)
        else:
            self._task = door.loop.create_task(self._reach(route))
        if head.body and self._kept:
            kept, self._kept = self._kept, b""
            self._read_body(kept)

    def _read_body(self, data: bytes) -> None:
        """Pass on what belongs to the body; what follows it is the next request."""
        if self._body is None:
            size = len(data)
            taken = min(size, self._left)
            self._left -= taken
            is_done = self._left == 0
        else:
            try:
                taken = self._body.feed(data)
            except BadMessage as bad:
                self._refuse_body(bad)
                return
            is_done = self._body.is_done
        passed = data if taken == len(data) else data[:taken]
        self._kept = data[taken:]
        if is_done:
            self._state = ANSWER
            self.is_sent = True
        if passed:
            self._send_body(passed)

    def _send_body(self, data: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None
        exchange.request_bytes += len(data)
        if self._room > 0:
            exchange.request_body.append(data[: self._room])
            self._room -= len(data)
        if self.is_sent:
            exchange.sent_s = perf_counter()
        if self._outbound is not None:
            self._outbound.transport.write(data)
        elif self._to_send is not None:
            self._to_send.append(data)
            if exchange.request_bytes > _KEPT_LIMIT_BYTES and not self.is_sent:
                self.upstream_is_full(True)

    # Getting hold of the upstream

    async def _reach(self, route: Route) -> None:
        """Dial, waiting until the target can be dialled; answer with what is the matter when it cannot."""
        try:
            address = route.target.address() or await route.target.ready()
            outbound = await self._door.dial(address)
        except Unavailable as unavailable:
            self._task = None
            self._answer_ourselves(unavailable.status, unavailable.finding, UNREACHABLE)
        except OSError as error:
            self._task = None
            self._answer_ourselves(502, route.target.explain(error), UNREACHABLE)
        else:
            self._task = None
            self._attach(outbound, perf_counter())

    def _attach(self, outbound: Outbound, now_s: float) -> None:
        exchange, to_send = self._exchange, self._to_send
        assert exchange is not None
        assert to_send is not None
        exchange.dialled_s = now_s
        exchange.upstream = outbound.name
        if self.is_sent:
            exchange.sent_s = now_s
        self._outbound = outbound
        self._to_send = None
        outbound.begin(self)
        if self._is_client_full:
            outbound.transport.pause_reading()
        outbound.transport.write(to_send[0] if len(to_send) == 1 else b"".join(to_send))
        if self._is_upstream_full:
            self.upstream_is_full(False)

    def upstream_is_full(self, is_full: bool) -> None:
        """Stop reading the client while what it sends cannot be passed on."""
        self._is_upstream_full = is_full
        if is_full:
            self.transport.pause_reading()
        elif self._state != CLOSED:
            self.transport.resume_reading()

    # What comes back

    def interim(self, head: ResponseHead) -> None:
        """100 Continue, 103 Early Hints: passed on as they are, to clients that know them."""
        if self._head is not None and self._head.is_http11:
            self.transport.write(head.raw)

    def answer(self, head: ResponseHead, now_s: float) -> None:
        exchange, request = self._exchange, self._head
        assert exchange is not None
        assert request is not None
        exchange.answered_s = now_s
        exchange.response_head = head.raw
        self._replay = None
        if head.body == Body.UNTIL_CLOSE or (head.body == Body.CHUNKED and not request.is_http11):
            self._will_close = True
        self._room = self._door.tap.body_limit_bytes
        if self._has_ended and not self._kept:
            self._will_close = True
        self.transport.write(answer_head(head, request, closes=self._will_close))

    def answer_body(self, passed: bytes, written: bytes) -> None:
        """`passed` came from the upstream; `written` is what the client gets of it (without chunks for HTTP/1.0)."""
        exchange = self._exchange
        assert exchange is not None
        exchange.response_bytes += len(passed)
        if self._room > 0:
            exchange.response_body.append(passed[: self._room])
            self._room -= len(passed)
        self.transport.write(written)

    def answer_complete(self, outbound: Outbound | None) -> None:
        self._outbound = None
        self._end_exchange(COMPLETE)
        self._next()

    def switched(self, head: ResponseHead) -> None:
        """The upstream agreed to another protocol: from here on bytes pass both ways."""
        exchange, request = self._exchange, self._head
        assert exchange is not None
        assert request is not None
        exchange.kind = "upgrade"
        exchange.answered_s = perf_counter()
        exchange.response_head = head.raw
        self._replay = None
        self._state = TUNNEL
        self.transport.write(answer_head(head, request, closes=False))
        if self._kept:
            kept, self._kept = self._kept, b""
            self._pass_up(kept)

    def tunnelled(self, data: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None
        exchange.response_bytes += len(data)
        self._door.tap.seen(exchange, False, data)
        self.transport.write(data)

    def _pass_up(self, data: bytes) -> None:
        exchange, outbound = self._exchange, self._outbound
        if exchange is None or outbound is None:
            return
        exchange.request_bytes += len(data)
        self._door.tap.seen(exchange, True, data)
        outbound.transport.write(data)

    def upstream_lost(self, outbound: Outbound, *, answering: bool) -> None:
        """The upstream closed before its answer was whole."""
        self._outbound = None
        exchange, route = self._exchange, self._route
        if exchange is None or route is None:
            return
        if self._state == TUNNEL:
            self._end_exchange(COMPLETE)
            self.transport.close()
        elif exchange.answered_s:
            # The client must not take half an answer for a whole one, so its connection ends too.
            self._end_exchange(UPSTREAM_GONE, f"{route.name} closed the connection in the middle of its answer")
            self.transport.abort() if exchange.response_bytes == 0 else self.transport.close()
        elif exchange.reused and not answering and self._replay is not None:
            # It was closed while it lay in the pool. Nothing was answered and the request may be repeated.
            exchange.reused = False
            self._to_send = [self._replay]
            self._task = self._door.loop.create_task(self._reach(route))
        else:
            self._answer_ourselves(502, route.target.explain(None), UPSTREAM_GONE)

    def upstream_spoke_badly(self, bad: BadMessage) -> None:
        self._outbound = None
        name = self._route.name if self._route else "the upstream"
        finding = Finding(
            code="bad-answer",
            what=f"{name} sent an answer that homeport does not pass on: {bad.why}.",
            why="An answer that two programs could read in two ways is not passed on.",
            next=f"homeport logs {name}",
        )
        self._answer_ourselves(502, finding, UPSTREAM_GONE)

    # Answers of the door's own, and the end of an exchange

    def _answer_ourselves(self, status: int, finding: Finding, ending: str) -> None:
        head, exchange = self._head, self._exchange
        assert exchange is not None
        accept = content_type = b""
        if head is not None:
            for name, value in head.headers:
                if name.lower() == b"accept":
                    accept = value
                elif name.lower() == b"content-type":
                    content_type = value
        page_head, body = pages.page(status, finding, as_json=pages.wants_json(accept, content_type))
        if self._will_close or not self.is_sent:
            self._will_close = True
            page_head += b"Connection: close\r\n"
        elif head is not None and not head.is_http11:
            page_head += b"Connection: keep-alive\r\n"
        page_head += b"\r\n"
        exchange.answered_s = perf_counter()
        exchange.response_head = page_head
        exchange.response_body = [body]
        exchange.response_bytes = len(body)
        self.transport.write(page_head if self.method == b"HEAD" else page_head + body)
        self._end_exchange(ending, finding.what)
        self._door.loop.call_soon(self._next)

    def _refuse(self, bad: BadMessage, raw: bytes = b"") -> None:
        """What was sent is not HTTP as we accept it: say so and close."""
        tap = self._door.tap
        now_s = perf_counter()
        self._exchange = Exchange(
            id=tap.next_id(), client=self._client, opened_s=now_s, head_s=now_s, request_head=raw or self._kept[:4096]
        )
        tap.opened(self._exchange)
        self._kept = b""
        self._will_close = True
        self.is_sent = False
        self._body = None
        finding = Finding(code="bad-request", what=f"This request is not passed on: {bad.why}.")
        self._answer_ourselves(bad.status, finding, REFUSED)

    def _refuse_body(self, bad: BadMessage) -> None:
        """The framing broke in the middle of a body: the upstream must not take what it has for a whole request."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        outbound, self._outbound = self._outbound, None
        if outbound is not None:
            outbound.abort()
        exchange = self._exchange
        assert exchange is not None
        self._will_close = True
        self._body = None
        if exchange.answered_s:
            self._end_exchange(REFUSED, f"the request broke off: {bad.why}")
            self.transport.close()
        else:
            finding = Finding(code="bad-request", what=f"This request is not passed on: {bad.why}.")
            self._answer_ourselves(bad.status, finding, REFUSED)

    def _end_exchange(self, ending: str, why: str = "") -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        exchange.closed_s = perf_counter()
        exchange.ending = ending
        exchange.why = why
        self._replay = None
        self._to_send = None
        route, self._route = self._route, None
        if route is not None:
            route.active -= 1
            route.last_s = exchange.closed_s
        self._door.tap.closed(exchange)

    def _next(self) -> None:
        """After an exchange: the next request of this connection, or its end."""
        if self._state == CLOSED or self._exchange is not None:
            return
        if not self.is_sent:
            self._start_discarding()
            return
        if self._will_close or (self._has_ended and not self._kept):
            self._state = CLOSED
            self.transport.close()
            return
        self._head = None
        self._state = HEAD
        self.deadline_s = perf_counter() + IDLE_S
        if self._kept:
            kept, self._kept = self._kept, b""
            if len(kept) > _KEPT_LIMIT_BYTES:
                self.transport.resume_reading()
            self._read_head(kept)

    def _start_discarding(self) -> None:
        """Closing while the client still sends would reset the connection and take the answer with it."""
        self._state = DISCARD
        self._is_upstream_full = False
        self.transport.resume_reading()
        self._left = _DISCARD_LIMIT_BYTES
        self._kept = b""
        if self._has_ended:
            self.transport.close()
        else:
            self._door.loop.call_later(LINGER_S, self._linger, self._left)

    def _discard(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left <= 0:
            self._state = CLOSED
            self.transport.close()

    def _linger(self, left: int) -> None:
        """Close once nothing has come for a while."""
        if self._state == DISCARD:
            if left == self._left:
                self.transport.close()
            else:
                self._door.loop.call_later(LINGER_S, self._linger, self._left)
