"""A WebSocket on its way to an upstream that speaks HTTP/2: a stream that stays open both ways (RFC 8441).

What the visit knows is an upgrade of HTTP/1.1; what it means is never looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeport.gateway.h2_call import H2Call
from homeport.wire.h2 import Fields
from homeport.wire.h2_heads import asked_for_tunnel, is_success, switch_head
from homeport.wire.http1 import BadMessage, parse_response_head

if TYPE_CHECKING:
    from homeport.gateway.h2_outbound import H2Outbound


class H2Tunnel(H2Call):
    """`_is_open` once the upstream has agreed; until then it is a call that may be answered like any other."""

    def __init__(self, connection: H2Outbound) -> None:
        super().__init__(connection)
        self._key = b""
        self._is_open = False

    def _ask(self, raw: bytes) -> int:
        fields, self._key = asked_for_tunnel(raw, self.connection.scheme)
        return self.connection.request(self, fields, is_last=False)

    def _send(self, data: bytes) -> None:
        self.connection.data(self._number, data)

    def close(self) -> None:
        """The client has gone; what it said last still gets there."""
        if self._is_open and self._visit is not None:
            self._visit = None
            self.resume_reading()
            self.connection.end_soon(self._number)
        else:
            self.abort()

    def on_head(self, fields: Fields, *, is_last: bool) -> None:
        visit, request = self._visit, self._request
        if visit is None or request is None or is_last or not is_success(fields):
            super().on_head(fields, is_last=is_last)
            return
        try:
            head = parse_response_head(switch_head(fields, self._key), request.method)
        except BadMessage as bad:
            self.abort()
            visit.upstream_spoke_badly(bad)
            return
        self._head = head
        self._is_open = True
        visit.switched(head)

    def _take(self, data: bytes, *, is_last: bool) -> None:
        visit = self._visit
        if visit is None or not self._is_open:
            super()._take(data, is_last=is_last)
            return
        if data:
            visit.pass_down(data)
            self._count(len(data))
        if is_last:
            self._end()

    def on_trailers(self, fields: Fields) -> None:
        if self._is_open:
            self._end()
        else:
            super().on_trailers(fields)

    def _end(self) -> None:
        """The upstream has said all it wants; we do not half-close."""
        if self._number:
            self.connection.end(self._number)
        self.on_closed()

    def _complete(self, *, is_last: bool) -> None:
        if is_last:
            self.connection.end(self._number)
        super()._complete(is_last=is_last)
