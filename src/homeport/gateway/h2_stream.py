"""One stream of HTTP/2: the client side of one visit. What comes becomes HTTP/1.1, what the visit writes frames.

The head goes through the strict HTTP/1.1 reader; a body without a length is passed on in chunks, trailers with them.
It never touches the socket: h2_inbound.py, which makes it, sends for all streams together.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from homeport.gateway.admission import admit
from homeport.gateway.visit import Visit
from homeport.wire.h2 import INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, Fields
from homeport.wire.h2_heads import answer_fields, request_head, trailer_lines
from homeport.wire.http1 import BadMessage, Body, RequestHead, parse_request_head

if TYPE_CHECKING:
    from homeport.gateway.h2_inbound import H2Inbound
    from homeport.model.access import Peer
    from homeport.model.net_client import Visitor

WAITING_HIGH_BYTES = 128 * 1024  # of an answer that the client's window does not let pass yet
WAITING_LOW_BYTES = 32 * 1024

# What comes from the client belongs to: a body with a length, one in chunks, a tunnel that is not open yet, or one that
# is; or to nobody any more.
_LENGTH, _CHUNKS, _EARLY, _TUNNEL, _NOBODY = range(5)


class H2Stream:
    """A `ClientSide`, and its own `transport`."""

    __slots__ = (
        "_asks",
        "_connection",
        "_has_all",
        "_has_answered",
        "_has_ended",
        "_is_held",
        "_kept",
        "_left",
        "_number",
        "_withheld_bytes",
        "client",
        "door",
        "is_full",
        "is_gone",
        "is_secure",
        "only",
        "server_port",
        "visit",
    )

    def __init__(self, connection: H2Inbound, number: int) -> None:
        self._connection = connection
        self._number = number
        self.door = connection.door
        self.client = connection.client
        self.server_port = connection.server_port
        self.is_secure = connection.is_secure
        self.only = connection.only
        self.visit: Visit | None = None
        self.is_full = False
        self.is_gone = False  # nothing passes any more
        self._asks = _NOBODY
        self._left = 0  # of a body with a length
        self._kept: list[bytes] = []  # for a tunnel that is not open yet; the window, which stays shut, bounds it
        self._has_all = False  # the client has said all it wants
        self._has_answered = False  # the final head is out
        self._has_ended = False  # and all of the answer
        self._is_held = False  # the upstream is full
        self._withheld_bytes = 0  # which the client may not replace yet

    # What the client does

    def ask(self, asked: Fields, *, is_last: bool, now_s: float) -> None:
        self._has_all = is_last
        raw = b""
        try:
            key = base64.b64encode(secrets.token_bytes(16)) if (b":protocol", b"websocket") in asked else b""
            raw = request_head(asked, has_body=not is_last, websocket_key=key)
            head = parse_request_head(raw)
        except BadMessage as bad:
            self.visit = self._visit(None, raw, now_s)
            self.visit.refused(bad)
            return
        head.takes_chunks = False
        if key:
            self._asks = _EARLY
            self._is_held = True
        elif head.body:
            self._asks = _CHUNKS if head.body == Body.CHUNKED else _LENGTH
            self._left = head.body
        visit = self.visit = self._visit(head, raw, now_s)
        admit(self, visit, head, now_s)

    def _visit(self, head: RequestHead | None, raw: bytes, now_s: float) -> Visit:
        visit = Visit(self, head, raw, now_s)
        visit.exchange.version = "2"
        return visit

    def take(self, data: bytes, *, is_last: bool) -> None:
        """DATA. It counts as taken when it is on its way to the upstream, and that is not full."""
        self._has_all = self._has_all or is_last
        visit = self.visit
        if visit is None:
            self._connection.consumed(self._number, len(data))
            return
        if self._asks == _LENGTH:
            self._left -= len(data)
            if data:
                visit.send(data, is_last=self._left == 0)
        elif self._asks == _CHUNKS:
            chunk = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
            visit.send(chunk + b"0\r\n\r\n" if is_last else chunk, is_last=is_last)
        elif self._asks == _TUNNEL:
            if data:
                visit.pass_up(data)
        elif self._asks == _EARLY:
            self._kept.append(data)
        self._count(len(data))
        if is_last and self._asks in (_EARLY, _TUNNEL):
            self._leave_tunnel()

    def take_trailers(self, fields: Fields) -> None:
        self._has_all = True
        visit = self.visit
        if visit is None:
            return
        if self._asks == _CHUNKS:
            try:
                lines = trailer_lines(fields)
            except BadMessage as bad:
                visit.refused(bad)
            else:
                visit.send(b"0\r\n" + lines + b"\r\n", is_last=True)
        elif self._asks in (_EARLY, _TUNNEL):
            self._leave_tunnel()

    def _leave_tunnel(self) -> None:
        """Its one direction never ends without the other: we do not half-close."""
        self.lose()
        if self._has_answered:
            self._end()
        else:
            self.abort()

    def lose(self) -> None:
        """Nobody is there for the answer any more."""
        if self.visit is not None:
            self.visit.client_gone()
        self._release()

    def _count(self, size: int) -> None:
        if self._is_held:
            self._withheld_bytes += size
        else:
            self._connection.consumed(self._number, size)

    def _release(self) -> None:
        self._is_held = False
        size, self._withheld_bytes = self._withheld_bytes, 0
        if size:
            self._connection.consumed(self._number, size)

    # What the connection tells

    def look_at_queue(self, waiting_bytes: int) -> None:
        """So much of the answer waits for the client: stop the upstream, or let it go on."""
        visit = self.visit
        outbound = visit.outbound if visit is not None else None
        if waiting_bytes > WAITING_HIGH_BYTES and not self.is_full:
            self.is_full = True
            if outbound is not None:
                outbound.transport.pause_reading()
        elif waiting_bytes <= WAITING_LOW_BYTES and self.is_full:
            self.is_full = False
            if outbound is not None:
                outbound.transport.resume_reading()

    def settle(self) -> None:
        """All that was written has left. Is the request not in yet, the client may stop (RFC 9113 section 8.1)."""
        if self._has_ended and not self._has_all and not self.is_gone:
            self._has_all = True
            self._connection.reset(self._number, NO_ERROR)

    # What a visit does

    @property
    def transport(self) -> H2Stream:
        return self

    @property
    def closes_after_this(self) -> bool:
        return False  # a stream always does, and nobody needs to be told

    def close_after_this(self) -> None:
        """Nothing else comes on this stream anyway."""

    def forwarded(self, host: bytes) -> bytes:
        return self._connection.forwarded(host)

    def peer(self) -> Peer:
        return self._connection.peer()

    def visitor(self) -> Visitor:
        return self._connection.visitor()

    def upstream_is_full(self, is_full: bool) -> None:
        if is_full:
            self._is_held = True
        elif self._asks != _EARLY:
            self._release()

    def answer(self, head: bytes, body: bytes | None = None) -> None:
        if self.is_gone or self._has_answered:
            return
        self._has_answered = True
        to_tunnel = self._asks == _EARLY and head.startswith(b"101", 9)
        if self._asks == _EARLY and not to_tunnel:
            self._asks = _NOBODY
            self._release()
            if head.startswith(b"2", 9):  # to a client that asked for a tunnel it would mean that it is open
                head = b"HTTP/1.1 501 " + head[13:]
        self._has_ended = body == b""
        self._connection.head(self._number, answer_fields(head, to_tunnel=to_tunnel), is_last=self._has_ended)
        if body:
            self._connection.write(self._number, body)

    def interim(self, head: bytes) -> None:
        if not self.is_gone:
            self._connection.interim(self._number, answer_fields(head))

    def trailers(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        if not self.is_gone and not self._has_ended:
            self._has_ended = True
            self._connection.trailers(self._number, [(name.lower(), value) for name, value in fields])

    def tunnel(self) -> None:
        self._asks = _TUNNEL
        self._release()
        kept, self._kept = b"".join(self._kept), []
        if kept and self.visit is not None:
            self.visit.pass_up(kept)

    def next(self) -> None:
        """The visit is over, so is the answer."""
        if self.visit is None:
            self._asks = _NOBODY
            self._release()
            self._end()

    # What a visit does with the transport

    def write(self, data: bytes, /) -> None:
        if not self.is_gone and not self._has_ended and data:
            self._connection.write(self._number, data)

    def close(self) -> None:
        """A tunnel ends in order; half an answer does not."""
        if self._asks == _TUNNEL:
            self.next()
        else:
            self.abort()

    def reset(self) -> None:
        self.abort()

    def refuse(self) -> bool:
        self.abort(REFUSED_STREAM)  # RFC 9113 section 8.7
        return True

    def abort(self, code: int = INTERNAL_ERROR) -> None:
        self._release()
        if not self.is_gone and not self._has_ended:
            self._has_ended = self._has_all = True
            self._connection.reset(self._number, code)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._connection.transport.get_extra_info(name, default)

    def _end(self) -> None:
        if not self.is_gone and self._has_answered and not self._has_ended:
            self._has_ended = True
            self._connection.end_stream(self._number)
