"""The client's end of a WebSocket. Frames and handshake are the websockets library's; pings are answered by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from homeport.play.connection import READ_BYTES, since
from homeport.play.dial import Dialled
from homeport.play.frames import LONGEST_BYTES, Message, Messages
from homeport.play.links import farewell
from homeport.play.place import Place

if TYPE_CHECKING:
    from websockets.protocol import Event

_CLOSE_S = 1.0  # for the other side's close after ours


class NoWebSocket(OSError):  # noqa: N818 - the other side's answer, not a mistake of ours
    """The handshake was refused, or not answered in HTTP; the message says how."""


class WebSocketLink:
    """See Link. Text where the bytes are UTF-8 (and no binary was asked for), binary otherwise."""

    default_wait_s: float | None = 2.0

    def __init__(self, dialled: Dialled, place: Place, *, is_binary: bool = False) -> None:
        from websockets.client import ClientProtocol
        from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
        from websockets.uri import parse_uri

        self._reader = dialled.reader
        self._writer = dialled.writer
        self._is_binary = is_binary
        self._protocol = ClientProtocol(
            parse_uri(place.uri), extensions=[ClientPerMessageDeflateFactory()], max_size=LONGEST_BYTES
        )
        self._messages = Messages()
        self._waiting: Iterator[Message] = iter(())

    async def shake_hands(self, limit_s: float) -> float:
        """Ask for the WebSocket; returns the milliseconds to the answer. Raises NoWebSocket, TimeoutError."""
        start = time.perf_counter()
        self._protocol.send_request(self._protocol.connect())
        async with asyncio.timeout(limit_s):
            await self._flush()
            events: list[Event] = []
            while not events and self._protocol.handshake_exc is None:
                await self._feed()
                events = self._protocol.events_received()
        if self._protocol.handshake_exc is not None:
            raise NoWebSocket(str(self._protocol.handshake_exc))
        self._waiting = self._messages.read(events)
        return since(start)

    async def send(self, data: bytes) -> str:
        kind = "binary" if self._is_binary or not _is_text(data) else "text"
        (self._protocol.send_text if kind == "text" else self._protocol.send_binary)(data)
        await self._flush()
        return kind

    async def finish(self) -> None:
        pass  # a close would be answered by a close, and what is on its way would be lost

    async def receive(self) -> Message | None:
        while True:
            message = next(self._waiting, None)
            if message is not None:
                return message
            if not await self._feed():
                self._check_end()
                return None
            self._waiting = self._messages.read(self._protocol.events_received())
            await self._flush()

    async def close(self) -> Message | None:
        """Say 1000 and wait a moment for the other side's close."""
        from websockets.protocol import State

        last = None
        try:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                await self._flush()
                async with asyncio.timeout(_CLOSE_S):
                    while (message := await self.receive()) is not None:
                        last = message if message.kind == "close" else last
        except (OSError, TimeoutError):
            pass  # it went without a word
        await farewell(self._writer)
        return last

    def _check_end(self) -> None:
        """An end without a close is none (RFC 6455 section 7.1.5 calls it 1006)."""
        if self._protocol.parser_exc is not None and self._protocol.close_rcvd is None:
            raise ConnectionError(str(self._protocol.parser_exc) or "what came is no WebSocket frame")
        if self._protocol.close_rcvd is None:
            raise ConnectionError("it ended without a close (1006)")

    async def _feed(self) -> bytes:
        data = await self._reader.read(READ_BYTES)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        return data

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
        await self._writer.drain()


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
