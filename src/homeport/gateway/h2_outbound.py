"""A connection to an upstream that speaks HTTP/2: frames out and in for all its calls. Never looks into a message.

    Visit ─► H2Call ─► H2Outbound ─► wire.h2 ─► upstream
          ◄─        ◄─            ◄─         ◄─

Everything that calls write within one turn of the loop leaves as one write.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, cast

from homeport.gateway.outbound import WRITE_BUFFER_BYTES
from homeport.streams.listen import do_not_pace
from homeport.wire.h2 import (
    CANCEL,
    REFUSED_STREAM,
    STREAM_WINDOW_BYTES,
    Broken,
    Closed,
    Data,
    Event,
    Fields,
    Going,
    Headers,
    Interim,
    Trailers,
    frames_factory,
)

if TYPE_CHECKING:
    from homeport.gateway.conditioned import Fate
    from homeport.gateway.cut_off import CutOff
    from homeport.gateway.h2_call import H2Call
    from homeport.model.endpoint import Endpoint

IDLE_S = 60.0  # without a call; gRPC servers keep connections for hours
CLOSING_S = 2.0  # for the upstream to end its side of a tunnel whose client has gone
_NEVER_S = float("inf")


class H2Outbound(asyncio.Protocol):
    """Owned by the `H2Upstream` that dialled it; `is_usable` while it takes further calls."""

    transport: asyncio.Transport

    def __init__(self, address: Endpoint, *, idle_s: float = IDLE_S, window_bytes: int = STREAM_WINDOW_BYTES) -> None:
        self.address = address
        self.name = str(address)
        self.scheme = b"http"
        self.is_usable = True
        self.is_made = False  # there is a transport
        self.expires_s = _NEVER_S
        self._idle_s = idle_s
        self._frames = frames_factory()(True, window_bytes)
        self._calls: dict[int, H2Call] = {}
        self._written: set[int] = set()
        self._has_settings = asyncio.Event()  # or will never have
        self._first = b""  # of what it said
        self._cut: CutOff | None = None  # what ended it
        self._told: Fate | None = None  # of the call that hears of all decisions
        self._is_stuck = False
        self._is_lost = False
        self._will_flush = False

    def begin(self) -> None:
        """The connection is there: say the first words."""
        self.expires_s = perf_counter() + self._idle_s
        self._flush()

    # What the upstream does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_made = True
        if transport.get_extra_info("ssl_object") is not None:
            self.scheme = b"https"
        sock = transport.get_extra_info("socket")
        if sock is not None and self.address.is_loopback and not self.address.is_unix:
            do_not_pace(sock)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        self._first = self._first or data
        try:
            self._frames.receive(data)
        except Broken:
            self.close()
            return
        self._attend()
        if not self._has_settings.is_set() and self._frames.takes_tunnels is not None:
            self._has_settings.set()
        self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        for call in self._lose():
            call.on_closed()

    def cut_off(self, cut: CutOff) -> None:
        """The network conditions have ended the connection, and everything on it."""
        self._cut = cut
        for call in self._lose():
            call.cut_off(cut)

    def _lose(self) -> list[H2Call]:
        self.is_usable = False
        self._is_lost = True
        self.expires_s = 0.0
        self._has_settings.set()
        calls, self._calls = self._calls, {}
        return list(calls.values())

    def pause_writing(self) -> None:
        self._is_stuck = True

    def resume_writing(self) -> None:
        self._is_stuck = False
        self._flush_soon()

    def _attend(self) -> None:
        for event in self._frames.events():
            if isinstance(event, Going):
                self.leave()
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
            call.on_closed(is_refused=event.code == REFUSED_STREAM)

    # What calls do

    @property
    def error(self) -> OSError | None:
        """Why it ended, where that is known."""
        if not self._first or self._frames.takes_tunnels is not None:
            return None
        speaks = "HTTP/1.1" if self._first.startswith(b"HTTP/1.") else "something else"
        return OSError(errno.EPROTONOSUPPORT, f"it speaks {speaks} instead of HTTP/2")

    def suffer(self, fate: Fate) -> None:
        """A call is about to begin. Only while it is alone is it known whose bytes the network conditions decide on."""
        from homeport.gateway.conditioned import ConditionedStream, Fate

        if self._told is not None:
            self._told.end()
            self._told = None
        if not self._calls and isinstance(self.transport, ConditionedStream):
            self._told = Fate(fate.decisions)
            self.transport.begin(self._told)

    async def takes_tunnels(self) -> bool:
        """Known once the upstream has said what it can; of one that is lost it is not true."""
        await self._has_settings.wait()
        return bool(self._frames.takes_tunnels) and not self._is_lost

    def request(self, call: H2Call, fields: Fields, *, is_last: bool) -> int:
        """The number of its stream; 0 when there can be none."""
        number = self._frames.request(fields, is_last=is_last) or 0 if self.is_usable else 0
        if number:
            self._calls[number] = call
            self.expires_s = _NEVER_S
            self._flush_soon()
        else:
            self.leave()
            self._later(partial(self._turn_away, call))
        return number

    def _turn_away(self, call: H2Call) -> None:
        """It came when the connection had ended."""
        if self._cut is not None:
            call.cut_off(self._cut)
        else:
            call.on_closed(is_refused=not self._is_lost and self.error is None)

    def data(self, number: int, data: bytes) -> None:
        self._frames.data(number, data)
        self._written.add(number)
        self._flush_soon()

    def trailers(self, number: int, fields: Fields) -> None:
        self._frames.trailers(number, fields)
        self._flush_soon()

    def end(self, number: int) -> None:
        self._frames.end(number)
        self._flush_soon()

    def end_soon(self, number: int) -> None:
        """What was written still leaves; the upstream has a moment to do the same."""
        self.end(number)
        asyncio.get_running_loop().call_later(CLOSING_S, self.reset, number, CANCEL)

    def reset(self, number: int, code: int) -> None:
        if self._calls.get(number) is not None:
            self._frames.reset(number, code)
            self._forget(number)
            self._flush_soon()

    def consumed(self, number: int, size: int) -> None:
        if size:
            self._frames.consumed(number, size)
            self._flush_soon()

    # The end

    def leave(self) -> None:
        """No further calls; it closes after the last one."""
        self.is_usable = False
        if not self._calls:
            self._later(self.close)

    def close(self) -> None:
        """What is under way breaks off."""
        self.is_usable = False
        if not self._is_lost:
            self._frames.leave()
            self.transport.write(self._frames.to_send())
            self.transport.abort() if self._is_stuck else self.transport.close()

    def _forget(self, number: int) -> None:
        self._calls.pop(number, None)
        self._written.discard(number)
        if not self._calls:
            self.expires_s = perf_counter() + self._idle_s
            if not self.is_usable:
                self.leave()

    def _later(self, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(what)

    def _flush_soon(self) -> None:
        if not self._will_flush:
            self._will_flush = True
            self._later(self._flush)

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
