"""What one exchange costs the road in Python, both ends in memory: no sockets, no kernel. `python -m bench.road`.

CPU time, the minimum of many repeats: other processes can only add to it. The tap does nothing; see bench.recording.
"""

from __future__ import annotations

import asyncio
import gc
import time

from homeport.gateway.door import Door
from homeport.gateway.inbound import Inbound
from homeport.gateway.outbound import Outbound
from homeport.gateway.routes import Route, Routes
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import Exchange
from homeport.model.finding import Finding
from homeport.streams.memory import MemoryTransport

REQUEST = (
    b"GET /api/items/17?page=2 HTTP/1.1\r\nHost: localhost:62893\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789abcdef\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 20:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Connection: keep-alive\r\nContent-Length: 1024\r\n\r\n"
) + b"x" * 1024
THERE = Endpoint("127.0.0.1", 1)
BATCH = 200
REPEATS = 200


class Deaf:
    """A tap that keeps nothing."""

    body_limit_bytes = 64 * 1024

    def next_id(self) -> int:
        return 1

    def opened(self, exchange: Exchange) -> None:
        pass

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        pass

    def closed(self, exchange: Exchange) -> None:
        pass


class Here:
    """A target that is always at the same address."""

    def address(self) -> Endpoint | None:
        return THERE

    async def ready(self) -> Endpoint:
        return THERE

    def explain(self, error: OSError | None) -> Finding:
        return Finding(code="bench", what="it ended")


class Ends:
    """A client and one upstream connection, kept alive on both sides."""

    def __init__(self) -> None:
        routes = Routes()
        routes.add(Route("web", Here(), "http", default=True))
        door = Door(routes, Deaf())
        self.client = MemoryTransport(Inbound(door), {"peername": ("127.0.0.1", 2), "sockname": ("127.0.0.1", 3)})
        outbound = Outbound(THERE, door.pool)
        self.upstream = MemoryTransport(outbound)
        door.pool.give(outbound, time.perf_counter(), 1e9)

    def exchange(self) -> None:
        self.client.peer_sends(REQUEST)
        self.upstream.peer_sends(ANSWER)

    def batch_s(self) -> float:
        self.client.sent.clear()
        self.upstream.sent.clear()
        started = time.process_time()
        for _ in range(BATCH):
            self.exchange()
        return time.process_time() - started


def transports_s() -> float:
    """The fake transports' own share: the same bytes between protocols that do nothing."""
    one, other = MemoryTransport(asyncio.Protocol()), MemoryTransport(asyncio.Protocol())
    started = time.process_time()
    for _ in range(BATCH):
        one.peer_sends(REQUEST)
        other.write(REQUEST)
        other.peer_sends(ANSWER)
        one.write(ANSWER)
    return time.process_time() - started


async def measure() -> None:
    ends = Ends()
    ends.exchange()
    assert ends.client.sent.endswith(b"x" * 1024)
    gc.disable()
    road = min(ends.batch_s() for _ in range(REPEATS)) / BATCH * 1e6
    transports = min(transports_s() for _ in range(REPEATS)) / BATCH * 1e6
    print(f"road {road - transports:.2f} µs an exchange (and {transports:.2f} µs of the fake transports taken off)")


if __name__ == "__main__":
    asyncio.run(measure())
