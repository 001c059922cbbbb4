"""Clients of HTTP routes whose network is their own: who is who, live, and gone again."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

import pytest

from homeport.conditions.http import HttpFault
from homeport.conditions.settings import Condition, Conditions, Latency, Outage, Silence
from homeport.gateway.route_conditions import RouteConditions
from homeport.gateway.routes import Route
from homeport.model.net_client import Owner, parse_matches

from .conftest import Client, Road, hello, read_request

FAILS = Conditions(http=(HttpFault(status=503),))
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="one loopback address elsewhere")


async def begun(road: Road, everybody: Conditions | None = None, script=hello) -> RouteConditions:  # type: ignore[no-untyped-def]
    route = await road.upstream(script)
    route.conditions = RouteConditions(everybody, road.door.pump)
    return route.conditions


async def status(client: Client, *lines: bytes) -> bytes:
    client.send(b"\r\n".join([b"GET /a HTTP/1.1", b"Host: localhost", *lines, b"", b""]))
    head = await client.head()
    size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await client.body(int(size.split(b":")[1]))
    return head.split(b" ")[1]


@linux
@pytest.mark.parametrize("word", ["127.0.0.7", "127.0.0.4/30"])
async def test_one_address_alone(road: Road, word: str) -> None:
    conditions = await begun(road)
    conditions.set(FAILS, word, parse_matches([word]))
    far, near = await road.connect(source="127.0.0.7"), await road.connect()
    assert [await status(far), await status(near), await status(far)] == [b"503", b"200", b"503"]
    conditions.set(None, word)
    assert await status(far) == b"200"


async def test_one_connection_alone_and_none_of_its_own_is_everybodys(road: Road) -> None:
    conditions = await begun(road, FAILS)
    one, other = await road.connect(), await road.connect()
    host, port = one.writer.get_extra_info("sockname")
    conditions.set(Conditions(), f"{host}:{port}", parse_matches([f"{host}:{port}"]))
    assert [await status(one), await status(other)] == [b"200", b"503"]


async def test_requests_of_one_connection_by_what_they_say(road: Road) -> None:
    conditions = await begun(road)
    conditions.set(FAILS, "alice", parse_matches(["header=X-Player:1", "agent=Edge"]))
    client = await road.connect()
    assert await status(client, b"X-Player: 2") == b"200"
    assert await status(client, b"X-Player: 1") == b"503"
    assert await status(client, b"User-Agent: Mozilla/5.0 Edge/1") == b"503"
    assert await status(client) == b"200"


async def test_connections_to_the_upstream_are_not_passed_on_between_networks(road: Road) -> None:
    conditions = await begun(road)
    conditions.set(Conditions(down=(Latency(latency_ms=1),)), "alice", parse_matches(["header=X-Player:1"]))
    client = await road.connect()
    for _ in range(2):
        assert await status(client, b"X-Player: 1") == await status(client) == b"200"
    assert road.accepted == 2
    assert conditions.total("alice")["delayed"] >= 2
    assert not conditions.total()


async def test_a_process_is_asked_for_once_and_only_where_it_matters(road: Road) -> None:
    asked: list[object] = []

    def owners(client: object, server: object, *, udp: bool = False) -> Owner:
        asked.append(client)
        return Owner(pids=(4121, 4000), program="node", app="web")

    road.door.owners = owners
    conditions = await begun(road)
    client = await road.connect()
    assert (await status(client), asked) == (b"200", [])
    for word in ("pid=4000", "program=node", "app=web"):
        conditions.set(FAILS, word, parse_matches([word]))
        assert [await status(client), await status(client)] == [b"503", b"503"]
        conditions.set(None, word)
    assert len(asked) == 1


async def waits(reader: Reader, writer: Writer) -> None:
    """Sends the first half at once, and the other when it is told to."""
    while True:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(1000))
        await GO.wait()
        writer.write(bytes(1000))


GO = asyncio.Event()


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    event = asyncio.Event()
    monkeypatch.setattr(f"{__name__}.GO", event)
    return event


@pytest.mark.parametrize("word", ["", "127.0.0.0/8"])
async def test_an_answer_under_way_feels_what_is_set_and_goes_on_when_it_is_cleared(
    road: Road, go: asyncio.Event, word: str
) -> None:
    route: Route = await road.upstream(waits)
    client = await road.connect()
    client.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.head()
    await client.body(1000)
    route.conditions = conditions = RouteConditions(None, road.door.pump)
    matches = parse_matches([word]) if word else ()
    conditions.set(Conditions(down=(Silence(),)), word, matches, road.door.visits(route))
    go.set()
    async with asyncio.timeout(10):
        while not conditions.total(word)["came"]:
            await asyncio.sleep(0.005)
    assert road.tap.open[0].response_bytes == 1000, "the rest is held back"
    conditions.set(None, word)
    assert len(await client.body(1000)) == 1000
    assert (await road.tap.all_done(1))[0].response_bytes == 2000


@pytest.mark.http1  # where bytes are those of the stream
@pytest.mark.parametrize("how", ["refuse", "drop"])
async def test_an_answer_under_way_is_cut_by_an_outage_for_its_client(road: Road, go: asyncio.Event, how: str) -> None:
    route = await road.upstream(waits)
    client, other = await road.connect(), await road.connect()
    for one in (client, other):
        one.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await one.head()
        await one.body(1000)
    host, port = client.writer.get_extra_info("sockname")
    what: Condition = Outage(how=how)  # type: ignore[arg-type]
    route.conditions = RouteConditions(None, road.door.pump)
    word = f"{host}:{port}"
    route.conditions.set(Conditions(down=(what,)), word, parse_matches([word]), road.door.visits(route))
    assert await client.rest() == b""
    go.set()
    assert len(await other.body(1000)) == 1000


@linux
async def test_who_hangs_goes_on_once_its_own_network_is_clean(road: Road) -> None:
    conditions = await begun(road, Conditions(up=(Outage(how="hang"),)))
    client = await road.connect(source="127.0.0.7")
    client.send(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(10):
        while not road.tap.open:
            await asyncio.sleep(0.005)
    conditions.set(Conditions(), "127.0.0.7", parse_matches(["127.0.0.7"]))
    assert (await client.head()).startswith(b"HTTP/1.1 200")
    await client.body(2)
