"""An echo server inside the test: real sockets on ports that the kernel picks, and every step that it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from homeport.model.endpoint import Endpoint
from homeport.play.bind import bind_echo
from homeport.play.echo import KINDS, STREAMS, Echo, Kind
from homeport.play.event import Event

LIMIT_S = 10.0


@dataclass
class Stage:
    """`places`: where it listens. `told`: what it told, in order."""

    echo: Echo
    places: list[Endpoint]
    told: list[Event] = field(default_factory=list)

    @property
    def place(self) -> Endpoint:
        return self.places[0]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def echoing(
    *kinds: Kind, place: str = "127.0.0.1", port: int = 0, path: Path | None = None
) -> AsyncIterator[Stage]:
    """It ends with the block, and leaves no socket and no task."""
    wanted = frozenset(kinds or KINDS)
    told: list[Event] = []
    echo = Echo(wanted, told.append)
    endpoint = Endpoint(path=str(path)) if path else Endpoint(place, port)
    bound = bind_echo(endpoint, streams=bool(wanted & STREAMS), datagrams="udp" in wanted and not path)
    before = asyncio.all_tasks()
    try:
        await echo.open(bound)
        try:
            yield Stage(echo, bound.endpoints, told)
        finally:
            await echo.close()
        assert asyncio.all_tasks() == before
    finally:
        bound.close()
    assert not path or not path.exists()


async def dialled(place: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if place.is_unix:
        return await asyncio.open_unix_connection(place.path)
    return await asyncio.open_connection(place.host, place.port)


async def exchanged(place: Endpoint, data: bytes) -> bytes:
    """Send everything, say no more, and read to the end."""
    reader, writer = await dialled(place)
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(LIMIT_S):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
