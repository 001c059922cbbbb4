"""A transport in memory with asyncio's manners: what a peer would do is called by hand, one step at a time.

It keeps asyncio's order of things: the end of a connection is told by `call_soon`, closing sends what was written
first, nothing is delivered while reading is paused or after closing. It never sleeps and never opens a socket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any


class MemoryTransport(asyncio.Transport):
    """One end of a connection, made for `protocol`; the methods that begin with `peer_` are the other end.

    `sent` is what has left; `late` what was written to a transport that was closing already.
    """

    def __init__(self, protocol: asyncio.Protocol, extra: dict[str, Any] | None = None) -> None:
        super().__init__(extra)
        self.sent = bytearray()
        self.late = bytearray()
        self.is_full = False  # the protocol was told to stop writing
        self.is_lost = False  # connection_lost was called, or is about to be
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._peer_reads = True
        self._incoming: deque[bytes | None] = deque()  # None: the peer's FIN
        self._reading = True
        self._closing = False
        self._was_reset = False
        self._high = 64 * 1024
        self._low = 16 * 1024
        protocol.connection_made(self)

    # What the protocol does

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            if not self._was_reset:  # who has not heard of the reset yet cannot know better
                self.late += data
            return
        self._unsent += data
        if self._peer_reads:
            self._flush()
        elif len(self._unsent) > self._high and not self.is_full:
            self.is_full = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._unsent:
                self._lose(None)

    def abort(self) -> None:
        self._closing = True
        self._unsent.clear()
        self._lose(None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        if not self._closing:
            self._reading = False

    def resume_reading(self) -> None:
        if not self._closing and not self._reading:
            self._reading = True
            self._loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 64 * 1024 if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol  # type: ignore[assignment]  # every protocol here is a stream's

    def can_write_eof(self) -> bool:
        return False

    # What the other end does

    def peer_sends(self, data: bytes) -> None:
        self._incoming.append(data)
        self._deliver()

    def peer_ends(self) -> None:
        """FIN: it will send nothing more."""
        self._incoming.append(None)
        self._deliver()

    def peer_resets(self, error: Exception | None = None) -> None:
        self._closing = self._was_reset = True
        self._unsent.clear()
        self._lose(error or ConnectionResetError())

    def peer_stops_reading(self) -> None:
        self._peer_reads = False

    def peer_reads_on(self) -> None:
        self._peer_reads = True
        self._flush()

    def _deliver(self) -> None:
        while self._incoming and self.is_reading():
            data = self._incoming.popleft()
            if data is not None:
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()

    def _flush(self) -> None:
        self.sent += self._unsent
        self._unsent.clear()
        if self.is_full:
            self.is_full = False
            self._protocol.resume_writing()
        if self._closing:
            self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._loop.call_soon(self._protocol.connection_lost, error)
