"""A token that is revoked ends what it let in, tunnels and answers under way included, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from homeport.app.rules import make_rule
from homeport.app.token_book import TokenBook
from homeport.app.tokens import TokensUseCases
from homeport.gateway.gate import Gate
from homeport.model.access import Access, TokenSpec
from homeport.model.exchange import REFUSED
from homeport.wire.h2 import INTERNAL_ERROR, Closed, Data

from .conftest import Client, Road, read_request
from .h2_client import FramesClient

TUNNEL, ANSWER = "Connection: Upgrade\r\nUpgrade: websocket\r\n", ""


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Doorkeeper:
    """A route that asks for tokens, to an app that goes on until its client ends."""

    road: Road
    tokens: TokensUseCases
    clock: Clock
    ended: list[str] = field(default_factory=list)  # the paths whose client is gone, as the app sees it

    async def app(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        if b"Upgrade" in head:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        writer.write(b"first")
        try:
            while data := await reader.read(1000):
                writer.write(data.upper())
        finally:
            self.ended.append(head.split(b" ")[1].decode())

    async def make(self, name: str, lasts_s: float | None = None) -> str:
        return (await self.tokens.new(TokenSpec(name=name, lasts_s=lasts_s))).token

    async def enter(self, token: str, path: str, asks: str, client: Client | None = None) -> Client:
        client = client or await self.road.connect()
        head = f"GET {path} HTTP/1.1\r\nHost: tok.localhost\r\nAuthorization: Bearer {token}\r\n{asks}\r\n"
        client.send(head.encode())
        assert (await client.head())[9:12] == (b"101" if asks else b"200")
        assert await client.body(5) == b"first"
        return client

    async def are_ended(self, *paths: str) -> None:
        async with asyncio.timeout(10):
            while len(self.ended) < len(paths):
                await asyncio.sleep(0.005)
        assert sorted(self.ended) == sorted(paths)


@pytest.fixture
async def keeper(road: Road) -> Doorkeeper:
    clock = Clock()
    book = TokenBook("", clock)
    road.door.gate = Gate(tokens=book)
    made = Doorkeeper(road, TokensUseCases(book, road.door.revoke), clock)
    (await road.upstream(made.app, "tok")).rule = make_rule("tok", Access(token=True), "allow")
    return made


@pytest.mark.parametrize("asks", [TUNNEL, ANSWER], ids=["tunnel", "answer"])
async def test_what_it_let_in_ends_and_nothing_else(keeper: Doorkeeper, asks: str) -> None:
    laptop, ci = await keeper.make("laptop"), await keeper.make("ci")
    guest, other = await keeper.enter(laptop, "/guest", asks), await keeper.enter(ci, "/other", asks)
    await keeper.tokens.revoke("laptop")
    assert await guest.rest() == b""
    await keeper.are_ended("/guest")
    exchange = keeper.road.tap.done[0]
    assert (exchange.ending, exchange.why) == (REFUSED, "the token laptop was revoked")
    assert len(keeper.road.tap.open) == 1
    if asks:
        other.send(b"more")
        assert await other.body(4) == b"MORE"


async def test_what_it_let_in_ends_with_its_time(keeper: Doorkeeper) -> None:
    guest = await keeper.enter(await keeper.make("laptop", lasts_s=60.0), "/guest", TUNNEL)
    await keeper.enter(await keeper.make("ci", lasts_s=61.0), "/other", TUNNEL)
    keeper.clock.now_s += 60.0
    assert await guest.rest() == b""  # the door looks around once a second
    await keeper.are_ended("/guest")
    assert keeper.road.tap.done[0].why == "the token laptop ran out"


async def test_nothing_that_waits_to_be_written_still_arrives(keeper: Doorkeeper) -> None:
    """From a client that does not read, and so would keep its connection for as long as it likes."""
    token = await keeper.make("laptop")
    client = await keeper.enter(token, "/", TUNNEL)
    client.reader._transport.pause_reading()  # type: ignore[attr-defined]
    client.send(b"x" * 1_000_000)
    await keeper.tokens.revoke("laptop")
    await keeper.are_ended("/")


@pytest.mark.h2_only
@pytest.mark.parametrize("asks", [TUNNEL, ANSWER], ids=["tunnel", "answer"])
async def test_of_one_connection_the_streams_of_that_token(keeper: Doorkeeper, asks: str) -> None:
    client = FramesClient(*await asyncio.open_connection("127.0.0.1", keeper.road.port))
    keeper.road.clients.append(cast("Client", client))
    numbers = {}
    for name in ("laptop", "ci"):
        how = [(b":method", b"CONNECT"), (b":protocol", b"websocket")] if asks else [(b":method", b"GET")]
        path, token = f"/{name}".encode(), (await keeper.make(name)).encode()
        where = [(b":scheme", b"http"), (b":path", path), (b":authority", b"tok.localhost")]
        shown = (b"authorization", b"Bearer " + token)
        numbers[name] = client.ask([*how, *where, shown], is_last=not asks)
        while (await client.until(Data)).data != b"first":
            pass
    await keeper.tokens.revoke("laptop")
    closed = await client.until(Closed)
    assert (closed.stream, closed.code) == (numbers["laptop"], INTERNAL_ERROR)
    await keeper.are_ended("/laptop")
    assert len(keeper.road.tap.open) == 1
