"""One side of a connection through a stream route, and the flow from one side to the other.

    client ─► Side ─► Flow ─► Side ─► upstream        a filter of the stream is a Flow of its own
           ◄─      ◄─ Flow ◄─      ◄─

A side that takes no more stops the other from being read. Ends are said once all that was written is flushed, and never
by the loop's `write_eof` (streams/half_close.py). A side decides nothing; its link does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from homeport.streams.half_close import reset, send_fin
from homeport.streams.tls import TlsTransport

if TYPE_CHECKING:
    from homeport.gateway.stream_link import StreamLink

WRITE_BUFFER_BYTES = 256 * 1024


class Side(asyncio.Protocol):
    """Made by a listener or a dial; the link owns it."""

    __slots__ = (
        "_then", "has_ended", "is_finished", "is_full", "is_lost", "link", "stalled_s", "transport",
        "unflushed_bytes",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, link: StreamLink) -> None:
        self.link = link
        self.has_ended = False  # it has sent FIN
        self.is_finished = False  # it was sent FIN
        self.is_full = False
        self.is_lost = True  # until there is a transport
        self.unflushed_bytes = 0  # while it is to end: what was left when that last became less
        self.stalled_s = 0.0  # and when that was
        self._then: Callable[[], None] | None = None  # how it ends, once all is flushed

    # What the peer does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.is_lost = False
        self.link.made(self)

    def data_received(self, data: bytes) -> None:
        self.link.received(self, data)

    def eof_received(self) -> bool:
        self.has_ended = True
        return self.link.ended(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self.link.lost(self, error)

    def pause_writing(self) -> None:
        self.is_full = True
        self.link.full(self, True)

    def resume_writing(self) -> None:
        self.is_full = False
        if self._then is not None:
            self._then()
        else:
            self.link.full(self, False)

    # What the link and the flows do

    @property
    def is_ending(self) -> bool:
        return self._then is not None

    @property
    def is_secure(self) -> bool:
        return isinstance(self.transport, TlsTransport)

    @property
    def is_leaving(self) -> bool:
        """What it sends is thrown away, so that its own end can be seen."""
        return self._then is not None and (self.is_secure or self._then != self._finish)

    def write(self, data: bytes) -> None:
        if not self.is_lost and self._then is None:
            self.transport.write(data)

    def hold(self, is_held: bool) -> None:
        """Read no more of it for now, or read on."""
        if self.is_lost or self._wire.is_closing() or (is_held and self.is_leaving):
            return
        self.transport.pause_reading() if is_held else self.transport.resume_reading()

    def finish(self) -> None:
        """Say the end; what it still sends is read, unless it speaks TLS to us."""
        if not self.is_lost and self._then is None and isinstance(self.transport, TlsTransport):
            self.transport.say_end()
        self._end(self._finish)
        if self.is_leaving:
            self.hold(False)

    def close(self) -> None:
        self._end(self._close)

    def reset(self) -> None:
        self._end(self._reset)

    def reset_now(self) -> None:
        """What was not flushed is lost."""
        if not self.is_lost:
            self._reset()

    @property
    def _wire(self) -> asyncio.Transport:
        """Below TLS."""
        return self.transport.raw if isinstance(self.transport, TlsTransport) else self.transport

    def unflushed(self) -> int:
        return 0 if self.is_lost else self._wire.get_write_buffer_size()

    def _end(self, then: Callable[[], None]) -> None:
        if self.is_lost or (self._then is not None and then == self._finish):
            return
        self._then = then
        if self._wire.is_closing():
            return
        self._wire.set_write_buffer_limits(high=0)  # from here on "takes more" means that all is flushed
        if not self.unflushed():
            then()

    def _finish(self) -> None:
        if self.is_finished:
            return
        self.is_finished = True
        if not send_fin(self._wire):
            self._wire.close()
        self.link.finished(self)

    def _close(self) -> None:
        if isinstance(self.transport, TlsTransport):
            self.transport.say_end()
        self._wire.close()

    def _reset(self) -> None:
        reset(self._wire)


class Flow:
    """One direction, here without any delay. What is put in its place (network conditions) is told the same four things
    and may hold back, change or drop what it was given; it bounds what it holds by `source.hold`."""

    __slots__ = ("sink", "source")

    def __init__(self, source: Side, sink: Side) -> None:
        self.source, self.sink = source, sink

    def feed(self, data: bytes) -> None:
        """The source sent this."""
        self.sink.write(data)

    def end(self) -> None:
        """The source will send nothing more."""
        self.sink.finish()

    def break_off(self) -> None:
        """The source was lost in the middle."""
        self.sink.reset()

    def sink_is_full(self, is_full: bool) -> None:
        self.source.hold(is_full)

    def close(self) -> None:
        """The connection is over: let go of what is held, and of timers."""


MakeFlow = Callable[[Side, Side], Flow]
