"""A stage for the TCP relay: a tap that remembers, targets of every mood, and upstreams on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from homeport.conditions.settings import Bandwidth, Conditions, Latency, RandomLoss, Slicing
from homeport.gateway import tcp_flow
from homeport.gateway.seams import Tap, Target
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.tcp_route import WhyNot
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import Exchange
from homeport.model.finding import Finding
from homeport.streams.poller import Poller, SelectorPoller, new_poller

ANY = Endpoint("127.0.0.1", 0)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MemoryTap:
    """Remembers every exchange, and that it was only ever called on the loop's thread."""

    def __init__(self, body_limit_bytes: int = 0) -> None:
        self.body_limit_bytes = body_limit_bytes
        self.begun: list[Exchange] = []
        self.ended: list[Exchange] = []
        self._thread = threading.get_ident()
        self._news = asyncio.Event()

    def next_id(self) -> int:
        return len(self.begun) + 1

    def opened(self, exchange: Exchange) -> None:
        assert threading.get_ident() == self._thread
        assert exchange.id == len(self.begun) + 1
        self.begun.append(exchange)
        self._news.set()

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        raise AssertionError("raw TCP is not told piece by piece")

    def closed(self, exchange: Exchange) -> None:
        assert threading.get_ident() == self._thread
        assert exchange in self.begun
        self.ended.append(exchange)
        self._news.set()

    async def wait(self, *, begun: int = 0, ended: int = 0) -> Exchange:
        """The newest exchange, once that many have begun and ended."""
        while len(self.begun) < begun or len(self.ended) < ended:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 20)
        return (self.ended if ended else self.begun)[-1]


class FixedTarget:
    """Always there, or at least says so."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def address(self) -> Endpoint | None:
        return self.endpoint

    async def ready(self) -> Endpoint:
        return self.endpoint

    def explain(self, error: OSError | None) -> Finding:
        return Finding(code="app-refused", what="nobody answers", why=str(error.strerror) if error else "")


class LateTarget(FixedTarget):
    """Has no address until `come` is called; `asked` counts who waited."""

    def __init__(self) -> None:
        super().__init__(ANY)
        self.answer: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    def address(self) -> Endpoint | None:
        return None

    async def ready(self) -> Endpoint:
        self.asked.set()
        try:
            return await asyncio.shield(self.answer)
        except asyncio.CancelledError:
            self.left.set()
            raise


_STACK = (
    Slicing(size_bytes=3000, variation_bytes=1000),
    RandomLoss(rate=0.01, retransmit_ms=1),
    Bandwidth(rate_bps=2e9),
    Latency(latency_ms=1, jitter_ms=1),
)
SOME_CONDITIONS = Conditions(up=_STACK, down=_STACK, seed=5)


class ConditionedRelay(TcpRelay):
    """A network that is a little slow, for routes of which nobody says more."""

    def open(
        self,
        name: str,
        listen: Endpoint,
        target: Target,
        why_not: WhyNot | None = None,
        conditions: Conditions | None = SOME_CONDITIONS,
    ) -> Endpoint:
        return super().open(name, listen, target, why_not, conditions)


MakeRelay = Callable[[Tap, Callable[[], Poller]], TcpRelay]


class Stage:
    """A relay and its tap, and what is needed to put upstreams behind it."""

    def __init__(
        self, make_poller: Callable[[], Poller], body_limit_bytes: int = 0, make_relay: MakeRelay = TcpRelay
    ) -> None:
        self.tap = MemoryTap(body_limit_bytes)
        self.relay = make_relay(self.tap, make_poller)
        self.relay.start()

    def route(
        self, upstream: Endpoint, name: str = "db", listen: Endpoint = ANY, why_not: WhyNot | None = None
    ) -> Endpoint:
        return self.relay.open(name, listen, FixedTarget(upstream), why_not)

    @contextlib.asynccontextmanager
    async def behind(self, serve: Serve, name: str = "db") -> AsyncIterator[Endpoint]:
        """The address of a route whose upstream treats each visitor with `serve`."""
        async with upstream(serve) as endpoint:
            yield self.route(endpoint, name)


@contextlib.asynccontextmanager
async def upstream(serve: Serve, host: str = "127.0.0.1") -> AsyncIterator[Endpoint]:
    """An asyncio server; what `serve` raises is raised at the end."""
    mistakes: list[BaseException] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        except BaseException as error:
            mistakes.append(error)
        finally:
            await hang_up(writer)

    server = await asyncio.start_server(visit, host, 0)
    try:
        name = server.sockets[0].getsockname()
        yield Endpoint(name[0], name[1])
    finally:
        server.close()
        await server.wait_closed()
    if mistakes:
        raise mistakes[0]


@contextlib.asynccontextmanager
async def visit(endpoint: Endpoint) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    if endpoint.is_unix:
        reader, writer = await asyncio.open_unix_connection(endpoint.path)
    else:
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        yield reader, writer
    finally:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """End with RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def open_descriptors() -> int:
    """Sockets, pipes and pollers of this process (uvloop also keeps a /dev/null of its own); 0 where unknown."""
    kinds = 0
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            kinds += os.readlink(link).startswith(("socket:", "pipe:", "anon_inode:"))
    return kinds


VARIANTS = ["best", "copying", "selectors"]
CONDITIONED = ["conditioned", "conditioned selectors"]


@contextlib.contextmanager
def variant(name: str) -> Iterator[Callable[[], Poller]]:
    """The relay as it is here; without splice; and as it is on systems without epoll."""
    with pytest.MonkeyPatch.context() as patch:
        if name not in ("best", "conditioned"):
            patch.setattr(tcp_flow, "HAS_SPLICE", False)
        yield SelectorPoller if name.endswith("selectors") else new_poller


@contextlib.asynccontextmanager
async def staged(name: str = "best", body_limit_bytes: int = 0) -> AsyncIterator[Stage]:
    """Asserts at the end that no descriptor and no thread is left."""
    descriptors = open_descriptors()
    with variant(name) as make_poller:
        make_relay = ConditionedRelay if name.startswith("conditioned") else TcpRelay
        stage = Stage(make_poller, body_limit_bytes, make_relay)
        try:
            yield stage
        finally:
            stage.relay.stop()
            await asyncio.sleep(0)
        if stage.tap.begun:
            await stage.tap.wait(ended=len(stage.tap.begun))
    async with asyncio.timeout(5):  # both loops close descriptors of their own a few rounds later
        while open_descriptors() > descriptors:
            await asyncio.sleep(0.005)
    assert not [thread for thread in threading.enumerate() if thread.name == "tcp-relay"]
