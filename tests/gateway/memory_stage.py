"""The road with both ends in memory: a door whose dials are settled by hand, a client, upstreams that keep count."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from homeport.gateway.door import Door
from homeport.gateway.inbound import Inbound
from homeport.gateway.outbound import Outbound
from homeport.gateway.routes import Route, Routes
from homeport.gateway.visit import Visit
from homeport.model.endpoint import Endpoint
from homeport.streams.memory import MemoryTransport
from homeport.wire.http1 import Body, ChunkedBody, parse_response_head

from .conftest import FakeTap, FakeTarget

ADDRESS = Endpoint("127.0.0.1", 1)
_REQUEST = re.compile(rb"([A-Z]+) /([0-9]+) HTTP/1\.1\r\n(?:[^\r]+\r\n)*\r\n")

_TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x28"

# What an upstream may say to request N.
ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nContent-Length: 5\r\n\r\nabcde",
    "empty": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nContent-Length: 0\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n"
    b"0\r\nT: u\r\n\r\n",
    "until-close": b"HTTP/1.1 200 OK\r\nX-N: %d\r\n\r\nabcde",
    "old": b"HTTP/1.0 200 OK\r\nX-N: %d\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nabcde",
    "large": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nContent-Length: 500\r\n\r\n" + b"l" * 500,
    "interim": b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 204 No Content\r\nX-N: %d\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde",
    "too-much": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nContent-Length: 5\r\n\r\nabcdefgh",
    "bad-chunk": b"HTTP/1.1 200 OK\r\nX-N: %d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nX-N: %d\r\nConnection: upgrade\r\nUpgrade: u\r\n\r\n",
}


class MemoryDoor(Door):
    """Its dials wait until `settle_dials` is called."""

    def __init__(self, routes: Routes, tap: FakeTap) -> None:
        super().__init__(routes, tap)
        self.dials: list[asyncio.Future[None]] = []
        self.upstreams: list[Upstream] = []

    async def dial(self, address: Endpoint, route: Route, visit: Visit) -> Outbound:
        answered: asyncio.Future[None] = self.loop.create_future()
        self.dials.append(answered)
        await answered
        made = Outbound(address, self.pool)
        self.upstreams.append(Upstream(MemoryTransport(made)))
        return made

    def settle_dials(self, error: OSError | None = None) -> None:
        for dial in self.dials:
            if not dial.done():
                dial.set_exception(error) if error else dial.set_result(None)
        self.dials.clear()


@dataclass
class Upstream:
    """Answers the requests that it has seen the head of, in order."""

    transport: MemoryTransport
    rest: bytes = b""  # of the answer under way
    answered: int = 0
    must_end: bool = False  # nothing else says that its answer is whole

    def heads(self) -> list[tuple[bytes, int]]:
        return [(head[1], int(head[2])) for head in _REQUEST.finditer(self.transport.sent)]

    def answer(self, kind: str, cut: int) -> None:
        """Send the first `cut` bytes of an answer to the oldest request without one, or of the one under way."""
        if not self.rest and self.answered < len(heads := self.heads()):
            method, number = heads[self.answered]
            self.answered += 1
            self.rest = ANSWERS[kind] % number
            self.must_end = kind == "until-close"
            if method == b"HEAD" and kind != "interim":
                self.rest = self.rest[: self.rest.index(b"\r\n\r\n") + 4]
        if self.rest:
            data, self.rest = self.rest[:cut], self.rest[cut:]
            self.transport.peer_sends(data)

    @property
    def owes(self) -> bool:
        return bool(self.rest) or self.answered < len(self.heads())


@dataclass
class Stage:
    """One client connection and everything behind it."""

    door: MemoryDoor
    tap: FakeTap
    route: Route
    inbound: Inbound
    client: MemoryTransport
    asked: list[bytes] = field(default_factory=list)  # the methods of the requests that were sent, in order

    @property
    def upstreams(self) -> list[Upstream]:
        return self.door.upstreams

    def send(self, method: bytes, fields: bytes, body: bytes, version: bytes = b"1.1") -> bytes:
        """The next request, numbered in its path."""
        self.asked.append(method)
        return b"%s /%d HTTP/%s\r\nHost: localhost\r\n%s\r\n%s" % (method, len(self.asked) - 1, version, fields, body)


def set_stage() -> Stage:
    """Call it inside a running loop."""
    routes, tap = Routes(), FakeTap()
    door = MemoryDoor(routes, tap)
    route = Route("web", FakeTarget(ADDRESS), "http", default=True)
    routes.add(route)
    inbound = Inbound(door)
    client = MemoryTransport(inbound, {"peername": ("127.0.0.1", 2), "sockname": ("127.0.0.1", 3)})
    return Stage(door, tap, route, inbound, client)


async def ticks(count: int = 8) -> None:
    """Let what is scheduled happen."""
    for _ in range(count):
        await asyncio.sleep(0)


def check_answers(received: bytes, methods: list[bytes]) -> int:
    """Each request has at most one answer, in order, and nothing stands between them. How many there were."""
    count = 0
    if received == _TLS_ALERT:
        return 0
    while received:
        method = methods[count] if count < len(methods) else b"GET"
        end = received.index(b"\r\n\r\n") + 4
        if b"\r\nX-Homeport: bad-request\r\n" in received[:end]:
            method = b"GET"  # what was refused is no request that we know the method of
        head = parse_response_head(received[:end], method)
        received = received[end:]
        if 100 <= head.status < 200 and head.status != 101:
            continue
        said = dict(head.headers)
        if b"X-N" in said:
            assert count < len(methods), "an answer that no request asked for"
            assert int(said[b"X-N"]) == count, "an answer to another request"
        else:
            assert b"X-Homeport" in said
        count += 1
        if head.status == 101 or head.body == Body.UNTIL_CLOSE:
            break
        size = ChunkedBody().feed(received) if head.body == Body.CHUNKED else max(0, head.body)
        received = received[size:]
    assert count <= len(methods) + 1
    return count
