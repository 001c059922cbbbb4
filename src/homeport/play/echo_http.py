"""HTTP/1.1 requests of one connection, one after the other, each answered. The grammar is wire.http1's, the answers are
http_answers'; a request for a WebSocket is handed on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from homeport.play.connection import Connection, since
from homeport.play.http_answers import Answer, Request, answer
from homeport.wire.http1 import BadMessage, Body, ChunkedBody, RequestHead, check_unfinished_head, parse_request_head

KEPT_BYTES = 1 << 20  # of a body that is echoed
_LINE_PAUSE_S = 0.1
_PATTERN = bytes(range(256)) * 256

WebSocket = Callable[[Connection, bytes], Awaitable[None]]


async def echo_http(connection: Connection, data: bytes, is_http: bool, websocket: WebSocket | None) -> None:
    """Until the client or one of its requests ends it. Without `is_http` only a WebSocket is let in."""
    inbound = _Inbound(connection, data)
    try:
        while raw := await inbound.head():
            head = parse_request_head(raw)
            if websocket is not None and (head.upgrade.lower() == b"websocket" or not is_http):
                connection.protocol = "ws"
                await websocket(connection, raw + inbound.rest)
                return
            if not await _exchange(connection, inbound, head):
                return
    except BadMessage as bad:
        said = f"{bad.status} {bad.why}"
        mistake = Answer(status=bad.status, type="text/plain", body=f"{bad.why}\n".encode())
        await connection.send(mistake.head(keep_alive=False, date=_now()) + mistake.body)
        connection.tell("out", said=said)


async def _exchange(connection: Connection, inbound: _Inbound, head: RequestHead) -> bool:
    """Read the rest of one request and answer it; whether another may follow."""
    if any(name.lower() == b"expect" for name, _ in head.headers):
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body, size = await inbound.body(head.body)
    request = Request(
        method=head.method.decode("latin-1"),
        target=head.target.decode("latin-1"),
        version="1.1" if head.is_http11 else "1.0",
        headers=[(name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in head.headers],
        body=body,
        body_bytes=size,
        client=connection.peer,
    )
    start = time.perf_counter()
    said = f"{request.method} {request.target}" + (f", {size} bytes" if size else "")
    connection.tell("in", said=said, data=head.raw + body)
    reply = answer(request)
    if reply.delay_s:
        await asyncio.sleep(reply.delay_s)
    keep_alive = head.keep_alive and not (reply.lines and not head.is_http11)
    before = connection.out_bytes
    first = reply.head(keep_alive=keep_alive, date=_now())
    await connection.send(first)
    if request.method != "HEAD":
        await _send_body(connection, reply)
    said = f"{reply.status} {reply.reason}, {connection.out_bytes - before} bytes"
    connection.tell("out", said=said, data=first + reply.body, ms=since(start))
    return keep_alive


async def _send_body(connection: Connection, reply: Answer) -> None:
    if reply.body:
        await connection.send(reply.body)
    left = reply.size or 0
    while left:
        part = _PATTERN[: min(left, len(_PATTERN))]
        await connection.send(part)
        left -= len(part)
    for at, line in enumerate(reply.lines):
        if at:
            await asyncio.sleep(_LINE_PAUSE_S)
        await connection.send(b"%x\r\n%b\r\n" % (len(line), line))
    if reply.lines:
        await connection.send(b"0\r\n\r\n")


class _Inbound:
    """What the client sends, cut into heads and bodies."""

    def __init__(self, connection: Connection, data: bytes) -> None:
        self._connection = connection
        self.rest = data.lstrip(b"\r\n")

    async def head(self) -> bytes:
        """The next head with its empty line; b"" where the client sends no more. Raises BadMessage."""
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            check_unfinished_head(self.rest)
            if not await self._more():
                return b""
        raw, self.rest = self.rest[: end + 4], self.rest[end + 4 :]
        return raw

    async def body(self, framing: int) -> tuple[bytes, int]:
        """At most KEPT_BYTES of it, and how long it was."""
        if framing == Body.CHUNKED:
            return await self._chunked()
        kept, size = b"", 0
        while size < framing:
            if not self.rest:
                await self._need_more()
            part, self.rest = self.rest[: framing - size], self.rest[framing - size :]
            kept += part[: KEPT_BYTES - len(kept)]
            size += len(part)
        return kept, size

    async def _chunked(self) -> tuple[bytes, int]:
        chunked = ChunkedBody()
        kept, size = b"", 0
        while True:
            payload: list[bytes] = []
            self.rest = self.rest[chunked.feed(self.rest, payload) :]
            for part in payload:
                kept += part[: KEPT_BYTES - len(kept)]
                size += len(part)
            if chunked.is_done:
                return kept, size
            await self._need_more()

    async def _need_more(self) -> None:
        if not await self._more():
            raise ConnectionResetError

    async def _more(self) -> bool:
        data = await self._connection.read()
        self.rest += data
        return bool(data)


def _now() -> str:
    return formatdate(usegmt=True)
