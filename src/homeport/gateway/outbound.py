"""The upstream side of a visit: one connection that writes requests and reads answers, one exchange at a time.

It knows the framing of answers and nothing of routes, hosts or pages; what it reads it hands to its visit at once,
so nothing is held here but an unfinished head or chunk line. It never half-closes: uvloop corrupts its heap on
`write_eof` under churn, so an end is always the end of the whole connection.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, cast

from homeport.model.endpoint import Endpoint
from homeport.streams.listen import do_not_pace
from homeport.wire.http1 import (
    HEAD_LIMIT_BYTES,
    BadMessage,
    Body,
    ChunkedBody,
    RequestHead,
    ResponseHead,
    parse_response_head,
)

if TYPE_CHECKING:
    from homeport.gateway.conditioned import Fate
    from homeport.gateway.cut_off import CutOff
    from homeport.gateway.pool import Pool
    from homeport.gateway.visit import Visit

_END_OF_HEAD = b"\r\n\r\n"
WRITE_BUFFER_BYTES = 256 * 1024

# What is expected next from the upstream.
IDLE, HEAD, LENGTH, CHUNKED, UNTIL_CLOSE, TUNNEL = range(6)


class Outbound(asyncio.Protocol):
    """Made by a dial, owned by one Visit while it lasts and by the pool between visits."""

    __slots__ = (
        "_body",
        "_head",
        "_is_full",
        "_kept",
        "_left",
        "_pool",
        "_request",
        "_state",
        "_visit",
        "address",
        "expires_s",
        "is_made",
        "name",
        "transport",
    )

    transport: asyncio.Transport
    _request: RequestHead

    def __init__(self, address: Endpoint, pool: Pool) -> None:
        self.address = address
        self.name = str(address)
        self.expires_s = 0.0
        self.is_made = False  # there is a transport
        self._pool = pool
        self._visit: Visit | None = None
        self._state = IDLE
        self._is_full = False  # it does not read as fast as it is written to
        self._kept = b""
        self._left = 0
        self._body: ChunkedBody | None = None
        self._head: ResponseHead | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_made = True
        sock = transport.get_extra_info("socket")
        if sock is not None and self.address.is_loopback and not self.address.is_unix:
            do_not_pace(sock)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    def keep_in(self, pool: Pool) -> None:
        """Where it goes between visits, from now on."""
        self._pool = pool

    @property
    def is_usable(self) -> bool:
        return not self.transport.is_closing()

    def begin(self, visit: Visit, request: RequestHead) -> None:
        """The next answer is for `visit`."""
        self._request = request
        self._visit = visit
        self._state = HEAD

    def strike(self, fate: Fate) -> None:
        """What befalls the next answer: the conditioned connection below knows how."""
        from homeport.gateway.conditioned import ConditionedStream

        if isinstance(self.transport, ConditionedStream):
            self.transport.begin(fate)

    def close(self) -> None:
        """Let go of the visit and close; what was written is still sent."""
        self._visit = None
        self._state = IDLE
        self.transport.close()

    def abort(self) -> None:
        self._visit = None
        self._state = IDLE
        self.transport.abort()

    def cut_off(self, cut: CutOff) -> None:
        """The network conditions have ended the connection."""
        visit, self._visit = self._visit, None
        self._state = IDLE
        if visit is None:
            self._pool.drop(self)
        else:
            visit.cut_off(cut)

    # What the upstream does

    def data_received(self, data: bytes) -> None:
        visit = self._visit
        if visit is None:  # bytes nobody asked for: the connection cannot be trusted any more
            self._pool.drop(self)
            self.transport.abort()
            return
        state = self._state
        if state == HEAD:
            self._read_head(visit, self._kept + data if self._kept else data)
        elif state == LENGTH:
            self._read_length(visit, data)
        elif state == CHUNKED:
            self._read_chunks(visit, self._kept + data if self._kept else data)
        elif state == UNTIL_CLOSE:
            visit.answer_body(data, data)
        else:
            visit.pass_down(data)

    def eof_received(self) -> bool:
        return False  # close: connection_lost decides what the end means

    def connection_lost(self, error: Exception | None) -> None:
        visit = self._visit
        if visit is None:
            self._pool.drop(self)
            return
        state, self._state, self._visit = self._state, IDLE, None
        if state == UNTIL_CLOSE and error is None:
            visit.complete()
        else:
            visit.upstream_lost(has_answered=state != HEAD or bool(self._kept))

    def pause_writing(self) -> None:
        self._is_full = True
        if self._visit is not None:
            self._visit.upstream_is_full(True)

    def resume_writing(self) -> None:
        self._is_full = False
        if self._visit is not None:
            self._visit.upstream_is_full(False)

    # Grammar of the answer

    def _read_head(self, visit: Visit, data: bytes) -> None:
        while True:
            end = data.find(_END_OF_HEAD)
            if end < 0:
                self._kept = data
                if len(data) > HEAD_LIMIT_BYTES:
                    self._bad_answer(visit, BadMessage("its head is larger than 64 KiB"))
                elif b"\n" in data and not data.startswith(b"HTTP/1."):
                    self._bad_answer(visit, BadMessage("it is not an HTTP/1.x response"))
                return
            end += 4
            try:
                head = parse_response_head(data[:end], self._request.method)
            except BadMessage as bad:
                self._bad_answer(visit, bad)
                return
            data = data[end:]
            if head.status >= 200 or head.status == 101:
                break
            visit.interim(head)
            if not data:
                self._kept = b""
                return
        self._kept = b""
        self._head = head
        if head.status == 101:
            self._switch(visit, head, data)
        else:
            self._start_body(visit, head, data)

    def _switch(self, visit: Visit, head: ResponseHead, data: bytes) -> None:
        if not self._request.upgrade:
            self._bad_answer(visit, BadMessage("it switches protocols although nobody asked for it"))
            return
        self._state = TUNNEL
        visit.switched(head)
        if data:
            visit.pass_down(data)

    def _start_body(self, visit: Visit, head: ResponseHead, data: bytes) -> None:
        body = head.body
        if body >= 0:
            if len(data) >= body:  # the whole answer at once: one write, and the connection is free again
                whole = data[:body] if len(data) > body else data
                visit.answer(head, whole)
                self._complete(visit, is_clean=len(data) == body)
                return
            self._state = LENGTH
            self._left = body
            visit.answer(head)
            if data:
                self._read_length(visit, data)
        elif body == Body.CHUNKED:
            self._state = CHUNKED
            self._body = ChunkedBody()
            visit.answer(head)
            if data:
                self._read_chunks(visit, data)
        else:
            self._state = UNTIL_CLOSE
            visit.answer(head)
            if data:
                visit.answer_body(data, data)

    def _read_length(self, visit: Visit, data: bytes) -> None:
        size = len(data)
        if size < self._left:
            self._left -= size
            visit.answer_body(data, data)
            return
        is_clean = size == self._left
        last = data if is_clean else data[: self._left]
        visit.answer_body(last, last)
        self._complete(visit, is_clean=is_clean)

    def _read_chunks(self, visit: Visit, data: bytes) -> None:
        body = self._body
        assert body is not None
        content: list[bytes] | None = None if self._request.takes_chunks else []
        try:
            taken = body.feed(data, content)
        except BadMessage:
            self._visit = None
            self.transport.abort()
            visit.upstream_lost(has_answered=True)
            return
        self._kept = data[taken:]
        if taken:
            passed = data if not self._kept else data[:taken]
            visit.answer_body(passed, passed if content is None else b"".join(content))
        if body.is_done:
            if content is not None and body.trailers:
                visit.answer_trailers(body.trailers)
            self._complete(visit, is_clean=not self._kept)

    def _complete(self, visit: Visit, *, is_clean: bool) -> None:
        """The answer is whole. Bytes beyond it are nobody's: such a connection is not used again."""
        head = self._head
        assert head is not None
        self._visit = None
        self._state = IDLE
        self._kept = b""
        if not visit.is_sent:
            self.transport.abort()  # an upstream that answered early may never read what still waits to be flushed
        elif is_clean and head.keep_alive and not self._is_full and self.is_usable:
            if visit.inbound.is_full:
                self.transport.resume_reading()
            self._pool.give(self, perf_counter(), head.keep_alive_s)
        else:
            self.transport.close()
        visit.complete()

    def _bad_answer(self, visit: Visit, bad: BadMessage) -> None:
        self._visit = None
        self._state = IDLE
        self.transport.abort()
        visit.upstream_spoke_badly(bad)
