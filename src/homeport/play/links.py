"""The other side of a conversation, alike for TCP, TLS, Unix sockets and UDP: send, finish, receive, close."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Protocol

from homeport.model.endpoint import Endpoint
from homeport.play.connection import READ_BYTES, since
from homeport.play.dial import Dialled, addresses, from_source
from homeport.play.frames import Message
from homeport.play.place import Place

_FAREWELL_S = 1.0  # for the last bytes to leave; a peer that reads nothing is not waited for


class Link(Protocol):
    """`default_wait_s`: how long silence is waited for after our last word, None where the end itself can be seen."""

    default_wait_s: float | None

    async def send(self, data: bytes) -> str:
        """Send one piece; returns the kind of message that it became, "" where there are none."""

    async def finish(self) -> None:
        """Tell the other side that nothing more comes, where the protocol has a word for that."""

    async def receive(self) -> Message | None:
        """The next that the other side says; None once it says no more. Raises OSError where it broke off."""

    async def close(self) -> Message | None:
        """Let go; a last message that came meanwhile."""


class StreamLink:
    """TCP, a Unix socket, or TLS, in which Python cannot close one direction alone."""

    def __init__(self, dialled: Dialled, *, half_closes: bool = True) -> None:
        self._reader = dialled.reader
        self._writer = dialled.writer
        self._half_closes = half_closes and self._writer.can_write_eof()
        self.default_wait_s: float | None = None if self._half_closes or not half_closes else 2.0

    async def send(self, data: bytes) -> str:
        self._writer.write(data)
        await self._writer.drain()
        return ""

    async def finish(self) -> None:
        if self._half_closes:
            self._writer.write_eof()

    async def receive(self) -> Message | None:
        data = await self._reader.read(READ_BYTES)
        return Message("", data) if data else None

    async def close(self) -> Message | None:
        await farewell(self._writer)
        return None


class DatagramLink(asyncio.DatagramProtocol):
    """UDP: nobody says that it ended, so silence is the end."""

    default_wait_s: float | None = 1.0

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._arrived.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._arrived.put_nowait(exc)  # nobody listens there: the ICMP answer to what was sent

    async def send(self, data: bytes) -> str:
        if self._transport is not None:
            self._transport.sendto(data)
        return ""

    async def finish(self) -> None:
        pass

    async def receive(self) -> Message | None:
        arrived = await self._arrived.get()
        if isinstance(arrived, OSError):
            raise arrived
        return Message("", arrived)

    async def close(self) -> Message | None:
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # it closes in the loop's next round
        return None


async def dial_datagrams(place: Place) -> tuple[DatagramLink, str, float]:
    """The link, its peer's address and how long opening it took. Nothing is sent yet."""
    found = from_source(await addresses(place.endpoint, socket.SOCK_DGRAM), place.source)
    if not found:
        raise OSError(f"{place.endpoint.host} has no address that {place.source} leads to")
    own = (place.source, 0) if place.source else None
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    _, link = await loop.create_datagram_endpoint(DatagramLink, remote_addr=found[0][1][:2], local_addr=own)
    return link, str(Endpoint(*found[0][1][:2])), since(start)


async def farewell(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), _FAREWELL_S)
    except (OSError, TimeoutError):
        writer.transport.abort()
