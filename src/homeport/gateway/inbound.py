"""The client side: one connection that reads requests and makes a visit of each. It never looks at an answer.

One request at a time; pipelined ones wait in `_kept`. Bytes are passed on as they came. Back-pressure goes both ways: a
side that cannot write stops the other from reading. Nothing here half-closes (see outbound.py); a client that does
still gets its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, cast

from homeport.gateway.admission import admit
from homeport.gateway.certified import certified
from homeport.gateway.exposure import Exposure
from homeport.gateway.outbound import WRITE_BUFFER_BYTES
from homeport.gateway.routes import Route
from homeport.gateway.visit import Visit
from homeport.model.access import Peer
from homeport.streams.half_close import reset
from homeport.streams.tls import TlsTransport
from homeport.wire.client_hello import HANDSHAKE_FAILURE
from homeport.wire.http1 import BadMessage, ChunkedBody, check_unfinished_head, parse_request_head
from homeport.wire.sniff import Speech, sniff

if TYPE_CHECKING:
    from ssl import SSLContext

    from homeport.gateway.door import Door
    from homeport.model.net_client import Visitor

_LINE_END = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_KEPT_LIMIT_BYTES = 64 * 1024  # of pipelined requests
_DISCARD_LIMIT_BYTES = 16 * 1024 * 1024

HANDSHAKE_S = 10.0  # from the first byte of TLS on
HEAD_S = 30.0  # for a head to end once it has begun
IDLE_S = 120.0  # between requests
DISCARD_S = 30.0  # for the rest of a request that was answered before its end
LINGER_S = 0.5  # of silence, after an answer that came before the end of the request, until we close

_FOR_UPSTREAM, _FOR_ANSWER = 1, 2

# What is expected next from the client.
FIRST_BYTES, HEAD, BODY, ANSWER, TUNNEL, DISCARD, CLOSED, SECURING = range(8)


class Inbound(asyncio.Protocol):
    """Made by the door, which alone keeps it. `only`: the one route behind a listener of a route's own, or what
    stands open beyond loopback."""

    __slots__ = (
        "_body",
        "_forwarded",
        "_forwarded_host",
        "_has_ended",
        "_kept",
        "_left",
        "_pauses",
        "_peer",
        "_state",
        "_visitor",
        "_will_close",
        "client",
        "deadline_s",
        "door",
        "is_full",
        "is_secure",
        "only",
        "server_port",
        "transport",
        "visit",
    )

    transport: asyncio.Transport

    def __init__(self, door: Door, only: Route | Exposure | None = None) -> None:
        self.door = door
        self.client = ""  # "127.0.0.1:53211"
        self.server_port = 0  # the door's, or a route's own
        self.visit: Visit | None = None
        self.only = only
        self.is_secure = False  # it came over TLS
        self.is_full = False  # the client does not read as fast as it is written to
        self.deadline_s = 0.0  # of the monotonic clock; 0.0: none
        self._state = FIRST_BYTES
        self._kept = b""
        self._body: ChunkedBody | None = None
        self._left = 0
        self._pauses = 0  # why this side is not read: _FOR_UPSTREAM, _FOR_ANSWER
        self._forwarded = b""  # what the upstream is told about this client and `_forwarded_host`
        self._forwarded_host: bytes | None = None
        self._has_ended = False  # the client has sent FIN
        self._peer: Peer | None = None  # None: not asked yet
        self._visitor: Visitor | None = None
        self._will_close = False

    # What the client does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        if isinstance(self.only, Exposure) and self.only.takes_nobody:
            self.transport.abort()
            return
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.client = f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
            self.server_port = transport.get_extra_info("sockname")[1]
        self.deadline_s = perf_counter() + IDLE_S
        self.door.arrived(self)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == HEAD:
            self._read_head(self._kept + data if self._kept else data)
        elif state == BODY:
            self._read_body(self._kept + data if self._kept else data)
        elif state == TUNNEL:
            if self.visit is not None:
                self.visit.pass_up(data)
        elif state == ANSWER:
            self._kept += data
            if len(self._kept) > _KEPT_LIMIT_BYTES:
                self._pause(_FOR_ANSWER)
        elif state == FIRST_BYTES:
            self._greet(self._kept + data)
        elif state == DISCARD:
            self._discard(data)
        elif state == SECURING:
            self._kept += data

    def eof_received(self) -> bool:
        """A client that has said all it wants still gets its answer; without a request under way, that was it."""
        self._has_ended = True
        if self._state == ANSWER:
            return True
        self._give_up()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._state = CLOSED
        if self.visit is not None:
            self.visit.client_gone()
        self.door.left(self)

    def pause_writing(self) -> None:
        self.is_full = True
        if self.visit is not None and self.visit.outbound is not None:
            self.visit.outbound.transport.pause_reading()

    def resume_writing(self) -> None:
        self.is_full = False
        if self.visit is None:
            if not self.transport.is_closing():  # an answer that broke off closes once it is flushed
                self.next()
        elif self.visit.outbound is not None:
            self.visit.outbound.transport.resume_reading()

    # What the door does

    @property
    def is_half_closed(self) -> bool:
        """The client has said FIN and a request is under way: is anybody still there?"""
        return self._has_ended and self.visit is not None

    def overdue(self) -> None:
        """The deadline has passed."""
        if self._state == HEAD and self._kept:
            self._refuse(BadMessage(f"the head did not end within {HEAD_S:.0f} s", 408), self._kept)
        else:
            self.transport.close()

    def end(self) -> None:
        """The door closes: idle connections at once, others after their answer."""
        self._will_close = True
        if self.visit is None:
            self.transport.close()
        elif self._state == TUNNEL:
            self._give_up()

    # What a visit does

    def peer(self) -> Peer:
        """Whose process it is: asked when that is first needed, and true for as long as the connection lasts."""
        if self._peer is None:
            self._peer = self.door.gate.peer_of(self.transport)
        return self._peer

    def visitor(self) -> Visitor:
        if self._visitor is None:
            self._visitor = self.door.visitor(self.client, self.transport)
        return self._visitor

    def visits(self) -> list[Visit]:
        """At most one."""
        return [] if self.visit is None else [self.visit]

    @property
    def closes_after_this(self) -> bool:
        return self._will_close or (self._has_ended and not self._kept)

    def close_after_this(self) -> None:
        self._will_close = True

    def forwarded(self, host: bytes) -> bytes:
        if host != self._forwarded_host:
            self._forwarded_host = host
            self._forwarded = self.door.forwarded(self.client, host, b"https" if self.is_secure else b"http")
        return self._forwarded

    def answer(self, head: bytes, body: bytes | None = None) -> None:
        self.transport.write(head + body if body else head)

    def interim(self, head: bytes) -> None:
        self.transport.write(head)

    def trailers(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        """They have passed with the chunks."""

    def upstream_is_full(self, is_full: bool) -> None:
        """Stop reading the client while what it sends cannot be passed on."""
        if is_full:
            self._pause(_FOR_UPSTREAM)
        else:
            self._resume(_FOR_UPSTREAM)

    def tunnel(self) -> None:
        """From here on everything belongs to the visit, what came too early included."""
        self._state = TUNNEL
        kept, self._kept = self._kept, b""
        if kept and self.visit is not None:
            self.visit.pass_up(kept)
        self._resume(_FOR_ANSWER)  # the answer has come: it was the switch

    def reset(self) -> None:
        reset(self.transport)

    def refuse(self) -> bool:
        return False

    def next(self) -> None:
        """A visit is over: read the next request of this connection, or end it."""
        if self._state not in (BODY, ANSWER) or self.visit is not None:
            return
        if self._state == BODY:
            self._start_discarding()
            return
        if self.closes_after_this:
            self._state = CLOSED
            self.transport.close()
            return
        if self.is_full:  # who does not read answers gets no more of them
            return
        self._state = HEAD
        self.deadline_s = perf_counter() + IDLE_S
        if self._pauses:
            self._resume(_FOR_UPSTREAM | _FOR_ANSWER)
        if self._kept:
            kept, self._kept = self._kept, b""
            self._read_head(kept)
            if self._has_ended and self._state == BODY:  # the end came after this much of it
                self._give_up()

    # Reading

    def _greet(self, data: bytes) -> None:
        data = data.lstrip(_LINE_END)
        speech = sniff(data)
        self._kept = data
        if speech is Speech.NEED_MORE:
            return
        if speech is Speech.TLS and not self.is_secure:
            self._greet_tls(data)
        elif speech is Speech.HTTP2:
            self._speak_h2(data)
        elif speech is Speech.HTTP1:
            self._state = HEAD
            self._kept = b""  # the time for a head begins now
            self._read_head(data)
        else:
            self._refuse(BadMessage("this door speaks HTTP"), data)

    def _speak_h2(self, data: bytes) -> None:
        from homeport.gateway.h2_inbound import H2Inbound  # loads an HTTP/2 library, which many never need

        self._kept = b""
        self._state = CLOSED
        H2Inbound(self).take_over(data)

    def _greet_tls(self, data: bytes) -> None:
        found = certified(data, self.door, self.only)
        if found is None:
            return  # more comes in time, or the deadline of a new connection ends it
        if isinstance(found, bytes):
            self._alert(found)
            return
        certificates, name = found
        self.deadline_s = perf_counter() + HANDSHAKE_S
        context = certificates.at_hand(name)
        if context is not None:
            self._secure(context)
        else:
            self._state = SECURING
            self.door.await_certificate(certificates, name, self._secure)

    def _secure(self, context: SSLContext | None) -> None:
        """Shake hands with what has come so far. None: no certificate could be made."""
        if self._state == CLOSED:
            return
        if context is None:
            self._alert(HANDSHAKE_FAILURE)
            return
        kept, self._kept = self._kept, b""
        self._state = FIRST_BYTES
        self.is_secure = True
        secure = TlsTransport(self.transport, context, self, self._secured)
        self.transport = secure
        secure.begin(kept)

    def _secured(self) -> None:
        self.deadline_s = perf_counter() + IDLE_S
        if self.transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            self._speak_h2(b"")

    def _alert(self, alert: bytes) -> None:
        self._state = CLOSED
        self.transport.write(alert)
        self.transport.close()

    def _read_head(self, data: bytes) -> None:
        now_s = perf_counter()
        if data[0] in _LINE_END:
            data = data.lstrip(_LINE_END)  # empty lines before a request line are allowed (RFC 9112 section 2.2)
        end = data.find(_END_OF_HEAD)
        if end < 0:
            self._keep_unfinished_head(data, now_s)
            return
        end += 4
        if end == len(data):
            raw, self._kept = data, b""
        else:
            raw, self._kept = data[:end], data[end:]
        self.deadline_s = 0.0
        try:
            head = parse_request_head(raw)
        except BadMessage as bad:
            self._refuse(bad, raw)
            return
        if not head.keep_alive:
            self._will_close = True
        self._state = BODY if head.body else ANSWER
        self._left = head.body
        self._body = ChunkedBody() if head.body < 0 else None  # a request has a length or is chunked
        visit = self.visit = Visit(self, head, raw, now_s)
        admit(self, visit, head, now_s)
        if self._kept and self._state == BODY:
            kept, self._kept = self._kept, b""
            self._read_body(kept)

    def _keep_unfinished_head(self, data: bytes, now_s: float) -> None:
        if not self._kept:
            self.deadline_s = now_s + HEAD_S
        self._kept = data
        try:
            check_unfinished_head(data)
        except BadMessage as bad:
            self._refuse(bad, data)
        else:
            if self._has_ended:
                self.transport.close()

    def _read_body(self, data: bytes) -> None:
        """Pass on what belongs to the body; what follows it is the next request."""
        visit = self.visit
        if visit is None:  # already answered: nobody wants the rest
            self._start_discarding()
            return
        if self._body is None:
            taken = min(len(data), self._left)
            self._left -= taken
            is_last = self._left == 0
        else:
            try:
                taken = self._body.feed(data)
            except BadMessage as bad:
                self._will_close = True
                visit.refused(bad)
                return
            is_last = self._body.is_done
        if taken == len(data):
            self._kept = b""
        else:
            data, self._kept = data[:taken], data[taken:]
        if is_last:
            self._state = ANSWER
        if taken:
            visit.send(data, is_last=is_last)

    def _give_up(self) -> None:
        """Nobody is there for the rest of a request or tunnel: let go at once, closing may take its time."""
        visit = self.visit
        if visit is not None:
            visit.client_gone()
            visit.break_off()

    def _pause(self, reason: int) -> None:
        if not self._pauses:
            self.transport.pause_reading()
        self._pauses |= reason

    def _resume(self, reasons: int) -> None:
        if self._pauses and not self._pauses & ~reasons and self._state != CLOSED:
            self.transport.resume_reading()
        self._pauses &= ~reasons

    def _refuse(self, bad: BadMessage, raw: bytes) -> None:
        """What was sent is not HTTP as we accept it: say so and close."""
        self._kept = b""
        self._will_close = True
        self._state = BODY  # of unknown length: it is discarded
        self.deadline_s = 0.0
        self.visit = Visit(self, None, raw, perf_counter())
        self.visit.refused(bad)

    def _start_discarding(self) -> None:
        """Closing while the client still sends would reset the connection and take the answer with it."""
        self._state = DISCARD
        self._kept = b""
        self._left = _DISCARD_LIMIT_BYTES
        self.deadline_s = perf_counter() + DISCARD_S
        self._resume(_FOR_UPSTREAM | _FOR_ANSWER)
        if self._has_ended:
            self.transport.close()
        else:
            self.door.loop.call_later(LINGER_S, self._linger, self._left)

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
                self.door.loop.call_later(LINGER_S, self._linger, self._left)
