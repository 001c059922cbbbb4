"""Upstreams that speak HTTP/2 in plain (`h2 = true`): one connection for all visits of a route, a call for each.

A visit writes HTTP/1.1 and is answered in it; a call turns the one into frames and the frames into the other. gRPC goes
all the way through: content as it comes, trailers behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, cast

from homeport.gateway.h2_call import H2Call
from homeport.gateway.outbound import WRITE_BUFFER_BYTES
from homeport.wire.h2 import (
    Broken,
    Closed,
    Data,
    Event,
    Going,
    Headers,
    Interim,
    Trailers,
    frames_factory,
)

if TYPE_CHECKING:
    from homeport.model.endpoint import Endpoint

DIAL_S = 10.0  # as in door.py
IDLE_S = 60.0  # without a call; gRPC servers keep connections for hours
_NEVER_S = float("inf")


class H2Outbound(asyncio.Protocol):
    """Owned by the `H2Upstream` that dialled it; `is_usable` while it takes further calls."""

    transport: asyncio.Transport

    def __init__(self, address: Endpoint) -> None:
        self.address = address
        self.name = str(address)
        self.is_usable = True
        self.is_made = False  # there is a transport
        self.expires_s = _NEVER_S
        self._frames = frames_factory()(True)
        self._calls: dict[int, H2Call] = {}
        self._written: set[int] = set()
        self._is_stuck = False
        self._is_lost = False
        self._will_flush = False

    # What the upstream does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_made = True
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.expires_s = perf_counter() + IDLE_S
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            self._frames.receive(data)
        except Broken:
            self.close()
            return
        self._attend()
        self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.is_usable = False
        self._is_lost = True
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.on_closed()

    def pause_writing(self) -> None:
        self._is_stuck = True

    def resume_writing(self) -> None:
        self._is_stuck = False
        self.flush_soon()

    def _attend(self) -> None:
        for event in self._frames.events():
            if isinstance(event, Going):
                self.is_usable = False
            else:
                self._on(event)

    def _on(self, event: Event) -> None:
        call = self._calls.get(getattr(event, "stream", 0))
        if isinstance(event, Data) and call is None:
            self._frames.consumed(event.stream, len(event.data))
        if call is None:
            return
        if isinstance(event, Headers):
            call.on_head(event.fields, is_last=event.is_last)
        elif isinstance(event, Data):
            call.on_data(event.data, is_last=event.is_last)
        elif isinstance(event, Trailers):
            call.on_trailers(event.fields)
        elif isinstance(event, Interim):
            call.on_interim(event.fields)
        elif isinstance(event, Closed):
            self._forget(event.stream)
            call.on_closed()

    # What calls do

    def begin(self, call: H2Call, fields: list[tuple[bytes, bytes]], *, is_last: bool) -> int:
        """The number of its stream; 0 when there can be none."""
        number = self._frames.request(fields, is_last=is_last) or 0
        if number:
            self._calls[number] = call
            self.expires_s = _NEVER_S
        else:
            self.is_usable = False
        self.flush_soon()
        return number

    def data(self, number: int, data: bytes) -> None:
        self._frames.data(number, data)
        self._written.add(number)
        self.flush_soon()

    def trailers(self, number: int, fields: list[tuple[bytes, bytes]]) -> None:
        self._frames.trailers(number, fields)
        self.flush_soon()

    def end(self, number: int) -> None:
        self._frames.end(number)
        self.flush_soon()

    def reset(self, number: int, code: int) -> None:
        self._frames.reset(number, code)
        self._forget(number)
        self.flush_soon()

    def consumed(self, number: int, size: int) -> None:
        self._frames.consumed(number, size)
        self.flush_soon()

    def later(self, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(what)

    def leave(self) -> None:
        """No further calls; it closes after the last one."""
        self.is_usable = False
        if not self._calls:
            self.close()

    def close(self) -> None:
        self.is_usable = False
        if not self._is_lost:
            self._frames.leave()
            self.transport.write(self._frames.to_send())
            self.transport.close()

    def _forget(self, number: int) -> None:
        self._calls.pop(number, None)
        self._written.discard(number)
        if self._calls:
            return
        self.expires_s = perf_counter() + IDLE_S
        if not self.is_usable:
            self.later(self.close)

    def flush_soon(self) -> None:
        if not self._will_flush:
            self._will_flush = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._will_flush = False
        if self._is_lost or self.transport.is_closing():
            return
        if not self._is_stuck:
            data = self._frames.to_send()
            if data:
                self.transport.write(data)
            self._attend()
        for number in list(self._written):
            call, waiting_bytes = self._calls.get(number), self._frames.waiting(number)
            if call is not None:
                call.look_at_queue(waiting_bytes)
            if call is None or not waiting_bytes:
                self._written.discard(number)
        if self._frames.is_over:
            self.close()


class H2Upstream:
    """The connection of a route, dialled when it is needed. Swept and closed like a pool."""

    def __init__(self) -> None:
        self._connection: H2Outbound | None = None
        self._dialling = asyncio.Lock()

    def take(self, address: Endpoint) -> H2Call | None:
        connection = self._connection
        if connection is None or connection.address != address or not connection.is_usable:
            return None
        return H2Call(connection)

    async def dial(self, address: Endpoint) -> H2Call:
        """Once for all that ask at a time. Raises OSError, TimeoutError among them."""
        async with self._dialling:
            call = self.take(address)
            if call is None:
                self._let_go()
                self._connection = await _connect(address)
                call = H2Call(self._connection)
            return call

    def sweep(self, now_s: float) -> None:
        if self._connection is not None and now_s >= self._connection.expires_s:
            self.close()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _let_go(self) -> None:
        """Of one that takes no further calls, or leads elsewhere; what is under way on it may finish."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.leave()


async def _connect(address: Endpoint) -> H2Outbound:
    loop = asyncio.get_running_loop()
    made = H2Outbound(address)
    try:
        async with asyncio.timeout(DIAL_S):
            if address.is_unix:
                await loop.create_unix_connection(lambda: made, address.path)
            else:
                await loop.create_connection(lambda: made, address.host, address.port)
    except asyncio.CancelledError:
        if made.is_made:
            made.transport.abort()
        raise
    except UnicodeError as error:  # of the IDNA codec, for a name like "a..b"
        raise OSError(f"{address.host!r} is not the name of a host") from error
    return made
