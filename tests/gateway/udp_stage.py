"""A stage for the UDP relay: a tap that remembers, servers and clients on real sockets, and a manual clock."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from homeport.gateway.udp import UdpRelay
from homeport.gateway.udp_refusing import IsBound
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import Exchange
from homeport.model.udp import UdpState
from homeport.streams.poller import Poller, SelectorPoller
from homeport.streams.udp_poller import new_datagram_poller
from tests.gateway.tcp_stage import ANY, FixedTarget, MemoryTap, open_descriptors

POLLERS: dict[str, Callable[[], Poller]] = {"best": new_datagram_poller, "selectors": SelectorPoller}
Answer = Callable[[bytes], list[bytes]]


class UdpTap(MemoryTap):
    """Remembers the datagrams of each exchange too."""

    def __init__(self, body_limit_bytes: int = 0) -> None:
        super().__init__(body_limit_bytes)
        self.datagrams: dict[int, list[tuple[bool, bytes]]] = {}

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        assert at_s is not None
        assert at_s >= exchange.opened_s
        self.datagrams.setdefault(exchange.id, []).append((from_client, data))
        self._news.set()

    async def kept(self, count: int, number: int = 1) -> list[tuple[bool, bytes]]:
        """Those of one exchange, once there are so many."""
        while len(self.datagrams.get(number, [])) < count:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 20)
        return self.datagrams[number]


class ManualClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Peer(asyncio.DatagramProtocol):
    """One end: what it heard is read in order; `answer` says what goes back at once."""

    def __init__(self, sock: socket.socket, answer: Answer | None = None) -> None:
        self.sock = sock  # to send with: asyncio's sendto leaves empty datagrams out
        self.heard: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self.senders: list[Any] = []
        self._answer = answer
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.senders.append(addr)
        self.heard.put_nowait(data)
        for answer in self._answer(data) if self._answer else []:
            self.sock.sendto(answer, addr)

    def error_received(self, error: Exception) -> None:
        assert isinstance(error, OSError)
        self.heard.put_nowait(error)

    @property
    def port(self) -> int:
        port: int = self.sock.getsockname()[1]
        return port

    def send(self, data: bytes) -> None:
        self.sock.send(data)

    async def hear(self) -> bytes:
        heard = await self.hear_all()
        assert isinstance(heard, bytes), heard
        return heard

    async def hear_all(self) -> bytes | OSError:
        """A datagram, or the ICMP error that came instead."""
        return await asyncio.wait_for(self.heard.get(), 20)

    async def ask(self, data: bytes) -> bytes:
        self.send(data)
        return await self.hear()


def echo(data: bytes) -> list[bytes]:
    return [data]


class UdpStage:
    """A relay and its tap, and the peers around it."""

    def __init__(
        self, make_poller: Callable[[], Poller], body_limit_bytes: int, idle_s: float, is_bound: IsBound | None
    ) -> None:
        self.tap = UdpTap(body_limit_bytes)
        self.clock = ManualClock()
        self.relay = UdpRelay(self.tap, idle_s, make_poller, self.clock, is_bound)
        self.relay.start()
        self._peers: list[asyncio.DatagramTransport] = []

    def route(self, upstream: Endpoint, name: str = "game", listen: Endpoint = ANY) -> Endpoint:
        return self.relay.open(name, listen, FixedTarget(upstream))

    async def server(self, answer: Answer | None = echo, host: str = "127.0.0.1", port: int = 0) -> Peer:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host, port))
        return await self._peer(Peer(sock, answer))

    async def client(self, door: Endpoint, host: str = "") -> Peer:
        host = host or door.host
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((host, door.port))
        return await self._peer(Peer(sock))

    async def behind(self, answer: Answer | None = echo, name: str = "game") -> tuple[Endpoint, Peer]:
        """The address of a route, and the server behind it."""
        server = await self.server(answer)
        return self.route(Endpoint("127.0.0.1", server.port), name), server

    async def until(self, is_so: Callable[[UdpState], bool], name: str = "game") -> UdpState:
        """The state, once it is so."""
        async with asyncio.timeout(20):
            while not is_so(state := self.relay.state(name)):
                await asyncio.sleep(0.005)
        return state

    async def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self.relay.stop()
        await asyncio.sleep(0)

    async def _peer(self, peer: Peer) -> Peer:
        peer.sock.setblocking(False)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: peer, sock=peer.sock)
        self._peers.append(peer.transport)
        return peer


@contextlib.asynccontextmanager
async def staged_udp(
    poller: str = "best", body_limit_bytes: int = 0, idle_s: float = 0.2, is_bound: IsBound | None = None
) -> AsyncIterator[UdpStage]:
    """Asserts at the end that no descriptor and no thread is left, and that every exchange was closed."""
    descriptors = open_descriptors()
    stage = UdpStage(POLLERS[poller], body_limit_bytes, idle_s, is_bound)
    try:
        yield stage
    finally:
        await stage.close()
    if stage.tap.begun:
        await stage.tap.wait(ended=len(stage.tap.begun))
    async with asyncio.timeout(5):
        while open_descriptors() > descriptors:
            await asyncio.sleep(0.005)
    assert not [thread for thread in threading.enumerate() if thread.name == "udp-relay"]
