"""One client's connection to the echo server: bytes in, bytes out, and each step told. It speaks no protocol itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from homeport.play.event import Event, Report, Step

READ_BYTES = 64 * 1024


class Connection:
    """`protocol` is what it was found to speak; the numbers count what passed on the wire."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, peer: str, report: Report
    ) -> None:
        self.number = number
        self.peer = peer
        self.protocol = "tcp"
        self.in_bytes = 0
        self.out_bytes = 0
        self._reader = reader
        self._writer = writer
        self._report = report
        self._opened = time.perf_counter()

    async def read(self) -> bytes:
        """The next bytes; b"" once the client sends no more."""
        data = await self._reader.read(READ_BYTES)
        self.in_bytes += len(data)
        return data

    async def read_soon(self, within_s: float) -> bytes | None:
        """Like `read`; None where nothing came in time."""
        try:
            return await asyncio.wait_for(self.read(), within_s)
        except TimeoutError:
            return None

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        self.out_bytes += len(data)
        await self._writer.drain()

    def tell(self, event: Step, **facts: Any) -> None:
        self._report(Event(event=event, protocol=self.protocol, connection=self.number, peer=self.peer, **facts))

    def told_close(self, why: str) -> None:
        counted = f"{self.in_bytes} bytes in, {self.out_bytes} bytes out"
        said = f"{why}; {counted}" if why else counted
        self.tell("close", said=said, ms=since(self._opened))

    async def close(self) -> None:
        """The answer is flushed first, however slowly the client reads; when the server ends, it is let go."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass  # it went first
        except asyncio.CancelledError:
            self.abort()

    def abort(self) -> None:
        """What was not sent yet is lost."""
        self._writer.transport.abort()


def since(start: float) -> float:
    """Milliseconds since a `time.perf_counter()`."""
    return (time.perf_counter() - start) * 1000
