"""The connection of the engine to one recorder process: frames out, frames in, and word when it is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from homeport.recording.channel import FrameReader


class Link(asyncio.Protocol):
    """`heard(kind, payload)` gets every frame; `gone` is set when the recorder is."""

    def __init__(self, heard: Callable[[int, bytes], None]) -> None:
        self.gone = asyncio.Event()
        self._heard = heard
        self._frames = FrameReader()
        self._transport: asyncio.WriteTransport | None = None

    async def open(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        if sock.family == getattr(socket, "AF_UNIX", None):
            await loop.create_unix_connection(lambda: self, sock=sock)
        else:  # a socket pair is a pair of TCP sockets where there are no Unix sockets
            await loop.create_connection(lambda: self, sock=sock)

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """What was sent still arrives; the recorder then ends by itself."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's transports are not derived from it
        self._transport.set_write_buffer_limits(1 << 30)  # the outbox is the bound; nothing waits for this buffer

    def data_received(self, data: bytes) -> None:
        for kind, payload in self._frames.feed(data):
            self._heard(kind, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.gone.set()
