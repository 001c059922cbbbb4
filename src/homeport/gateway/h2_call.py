"""One visit on its way over HTTP/2 to its upstream: what the visit writes becomes frames, the answer becomes HTTP/1.1.

It stands where an `Outbound` stands, and is its own `transport`. The answer goes through the strict reader like any
other; chunks are made for the recording and for clients that know them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from homeport.gateway.cut_off import CutOff
from homeport.wire.h2 import CANCEL, Fields
from homeport.wire.h2_heads import answer_head, asked_fields, trailer_lines
from homeport.wire.http1 import BadMessage, Body, ChunkedBody, RequestHead, ResponseHead, parse_response_head

if TYPE_CHECKING:
    from homeport.gateway.conditioned import Fate, Strike
    from homeport.gateway.h2_outbound import H2Outbound
    from homeport.gateway.visit import Visit

_END_OF_HEAD = b"\r\n\r\n"
_EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)
_CONTINUE = parse_response_head(b"HTTP/1.1 100 Continue\r\n\r\n")
WAITING_HIGH_BYTES = 128 * 1024  # of a request that the upstream's window does not let pass yet
WAITING_LOW_BYTES = 32 * 1024


class H2Call:
    """Made for one visit."""

    def __init__(self, connection: H2Outbound) -> None:
        self.connection = connection
        self.name = connection.name
        self._visit: Visit | None = None
        self._request: RequestHead | None = None
        self._has_asked = False
        self._number = 0
        self._chunks: ChunkedBody | None = None
        self._left = 0  # of a body with a length
        self._kept = b""  # an unfinished chunk line
        self._head: ResponseHead | None = None
        self._is_full = False
        self._is_paused = False
        self._withheld_bytes = 0
        self._strike: Strike | None = None  # what goes wrong with the body of the answer

    # What a visit does

    @property
    def transport(self) -> H2Call:
        return self

    def begin(self, visit: Visit, request: RequestHead) -> None:
        self._visit, self._request = visit, request

    def strike(self, fate: Fate) -> None:
        """What befalls the answer. A fault strikes its body alone, and the rest of the connection takes no harm."""
        from homeport.gateway.conditioned import Strike

        self.connection.suffer(fate)
        fault = fate.fault
        if fault.stall_bytes is not None or fault.truncate_bytes is not None:
            self._strike = Strike(fault, is_body=True)

    def write(self, data: bytes, /) -> None:
        if not self._has_asked:
            self._has_asked = True
            end = data.find(_END_OF_HEAD) + 4
            self._number = self._ask(data[:end])
            data = data[end:]
        if data and self._number and self._visit is not None:
            self._send(data)

    def _ask(self, raw: bytes) -> int:
        request, visit = self._request, self._visit
        assert request is not None
        assert visit is not None
        self._left = request.body
        if request.body == Body.CHUNKED:
            self._chunks = ChunkedBody()
        if request.body and _EXPECTS.search(raw):
            visit.interim(_CONTINUE)  # the window says how much may come (RFC 9110 section 10.1.1)
        fields = asked_fields(raw, self.connection.scheme)
        return self.connection.request(self, fields, is_last=request.body == Body.NONE)

    def _send(self, data: bytes) -> None:
        if self._chunks is None:
            self._left -= len(data)
            self.connection.data(self._number, data)
            if self._left <= 0:
                self.connection.end(self._number)
        else:
            self._write_chunks(self._chunks, self._kept + data)

    def _write_chunks(self, chunks: ChunkedBody, data: bytes) -> None:
        content: list[bytes] = []
        taken = chunks.feed(data, content)  # it has been through one of these before
        self._kept = data[taken:]
        for piece in content:
            self.connection.data(self._number, piece)
        if chunks.is_done and chunks.trailers:
            self.connection.trailers(self._number, [(name.lower(), value) for name, value in chunks.trailers])
        elif chunks.is_done:
            self.connection.end(self._number)

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        size, self._withheld_bytes = self._withheld_bytes, 0
        if size:
            self.connection.consumed(self._number, size)

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self._visit is not None:
            self._visit = None
            self.resume_reading()
            if self._number:
                self.connection.reset(self._number, CANCEL)

    # What the connection tells

    def look_at_queue(self, waiting_bytes: int) -> None:
        if self._visit is None:
            return
        if waiting_bytes > WAITING_HIGH_BYTES and not self._is_full:
            self._is_full = True
            self._visit.upstream_is_full(True)
        elif waiting_bytes <= WAITING_LOW_BYTES and self._is_full:
            self._is_full = False
            self._visit.upstream_is_full(False)

    def on_interim(self, fields: Fields) -> None:
        head = self._read(fields, is_last=False)
        if head is not None and self._visit is not None:
            self._visit.interim(head)

    def on_head(self, fields: Fields, *, is_last: bool) -> None:
        visit, request = self._visit, self._request
        head = self._read(fields, is_last=is_last)
        if head is None or visit is None or request is None:
            return
        self._head = head
        if is_last or head.body == Body.NONE:
            visit.answer(head, b"")
            self._complete(is_last=is_last)
        else:
            visit.answer(head)

    def _read(self, fields: Fields, *, is_last: bool) -> ResponseHead | None:
        visit, request = self._visit, self._request
        if visit is None or request is None:
            return None
        try:
            return parse_response_head(answer_head(fields, is_last=is_last), request.method)
        except BadMessage as bad:
            self.abort()
            visit.upstream_spoke_badly(bad)
            return None

    def on_data(self, data: bytes, *, is_last: bool) -> None:
        strike = self._strike
        if strike is None or self._visit is None:
            self._take(data, is_last=is_last)
            return
        passed = strike.passes(data)
        self.connection.consumed(self._number, len(data) - len(passed))
        self._take(passed, is_last=is_last and not strike.has_struck)
        if strike.cuts:
            self.connection.reset(self._number, CANCEL)
            self.cut_off(CutOff("close", "network conditions: the body of the answer was cut"))

    def _take(self, data: bytes, *, is_last: bool) -> None:
        visit, head, request = self._visit, self._head, self._request
        if visit is None or head is None or request is None:
            self.connection.consumed(self._number, len(data))
            return
        if head.body == Body.CHUNKED:
            passed = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
            passed += b"0\r\n\r\n" if is_last else b""
            visit.answer_body(passed, passed if request.takes_chunks else data)
        else:
            visit.answer_body(data, data)
        self._count(len(data))
        if is_last:
            self._complete(is_last=True)

    def _count(self, size: int) -> None:
        """The upstream may send as much again, unless the client takes no more."""
        if self._is_paused:
            self._withheld_bytes += size
        elif size:
            self.connection.consumed(self._number, size)

    def on_trailers(self, fields: Fields) -> None:
        visit, head, request = self._visit, self._head, self._request
        if visit is None or head is None or request is None or self._has_stalled:
            return
        try:
            last = b"0\r\n" + trailer_lines(fields) + b"\r\n"
        except BadMessage:
            self.abort()
            visit.upstream_lost(has_answered=True)
            return
        if head.body == Body.CHUNKED:
            visit.answer_body(last, last if request.takes_chunks else b"")
        if not request.takes_chunks:
            visit.answer_trailers(list(fields))
        self._complete(is_last=True)

    @property
    def _has_stalled(self) -> bool:
        """Nothing more comes, although the upstream may have said all."""
        return self._strike is not None and self._strike.has_struck

    def cut_off(self, cut: CutOff) -> None:
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.cut_off(cut)

    def on_closed(self, *, is_refused: bool = False) -> None:
        """Before its answer was whole, if there is still a visit."""
        if self._has_stalled:
            return
        visit, self._visit = self._visit, None
        self.resume_reading()
        if visit is not None:
            has_answered = self._head is not None
            visit.upstream_lost(has_answered=has_answered, error=self.connection.error, is_refused=is_refused)

    def _complete(self, *, is_last: bool) -> None:
        visit, self._visit = self._visit, None
        self.resume_reading()
        assert visit is not None
        if not visit.is_sent or not is_last:
            self.connection.reset(self._number, CANCEL)
        visit.complete()
