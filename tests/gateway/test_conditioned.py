"""Network conditions on HTTP routes: late, never early, never wrong; live, and gone without a trace."""

from __future__ import annotations

import asyncio
import hashlib
import time
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

import pytest

from homeport.conditions.http import HttpDecision, HttpFault
from homeport.conditions.settings import Bandwidth, Condition, Conditions, DataLimit, Latency, Outage, Reset, Silence
from homeport.gateway.conditioned import Strike
from homeport.gateway.route_conditions import RouteConditions
from homeport.gateway.routes import Route
from homeport.model.exchange import COMPLETE, UPSTREAM_GONE
from homeport.streams.half_close import reset

from .conftest import Road, hello, read_request

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
BLOCK = bytes(range(256)) * 256  # 64 KiB


async def large(reader: Reader, writer: Writer) -> None:
    """Answers with as many blocks as the path says."""
    while True:
        head, _ = await read_request(reader)
        count = int(head.split(b" ")[1].strip(b"/"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * len(BLOCK)))
        for _ in range(count):
            writer.write(BLOCK)
            await writer.drain()


async def conditioned(road: Road, *down: Condition, up: tuple[Condition, ...] = (), script=hello) -> Route:  # type: ignore[no-untyped-def]
    route = await road.upstream(script)
    route.conditions = RouteConditions(Conditions(up=up, down=down), road.door.pump)
    return route


async def test_latencies_of_both_ways_add_up_and_nothing_is_early(road: Road) -> None:
    await conditioned(road, Latency(latency_ms=60), up=(Latency(latency_ms=40), Latency(latency_ms=30)))
    client = await road.connect()
    for _ in range(2):
        begun = time.monotonic()
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await client.body(2) == b"/a"
        assert time.monotonic() - begun >= 0.13
    assert road.accepted == 1, "the connection was kept"
    assert [exchange.reused for exchange in await road.tap.all_done(2)] == [False, True]


async def test_each_client_has_a_network_of_its_own(road: Road) -> None:
    route = await conditioned(road, Latency(latency_ms=1))
    clients = [await road.connect() for _ in range(3)]
    for client in clients * 2:
        client.send(GET)
        await client.head()
        await client.body(2)
    assert road.accepted == 3
    assert route.conditions is not None
    assert route.conditions.total()["delayed"] >= 6


async def test_bandwidth(road: Road) -> None:
    await conditioned(road, Bandwidth(rate_bps=4_000_000), script=large)
    client = await road.connect()
    begun = time.monotonic()
    client.send(b"GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.head()
    assert await client.body(2 * len(BLOCK)) == BLOCK * 2
    assert time.monotonic() - begun >= 2 * len(BLOCK) * 8 / 4_000_000


@pytest.mark.http1  # where bytes are those of the stream
@pytest.mark.parametrize(
    ("what", "passes"), [(Reset(), 0), (DataLimit(limit_bytes=1000), 1000), (Outage(how="refuse"), 0)], ids=repr
)
async def test_connections_that_are_cut(road: Road, what: Condition, passes: int) -> None:
    await conditioned(road, what, script=large)
    client = await road.connect()
    client.send(b"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert len(await client.rest()) == passes
    (exchange,) = await road.tap.all_done(1)
    assert exchange.ending == UPSTREAM_GONE
    assert exchange.why.startswith("network conditions: ")


@pytest.mark.http1  # whose clients can be read from for a moment
@pytest.mark.parametrize("what", [Outage(how="hang"), Silence()], ids=repr)
async def test_what_hangs_goes_on_when_it_is_lifted(road: Road, what: Condition) -> None:
    route = await conditioned(road, what)
    client = await road.connect()
    client.send(GET)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.reader.read(1)
    assert route.conditions is not None
    route.conditions.set(None)
    assert (await client.head()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert await client.body(2) == b"/a"
    assert (await road.tap.all_done(1))[0].ending == COMPLETE


async def test_changed_and_cleared_in_the_middle_of_a_download(road: Road) -> None:
    route = await conditioned(road, Bandwidth(rate_bps=20_000_000), Latency(latency_ms=20), script=large)
    client = await road.connect()
    client.send(b"GET /64 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.head()
    digest = hashlib.sha256(await client.body(len(BLOCK)))
    assert route.conditions is not None
    for conditions in (Conditions(down=(Latency(latency_ms=1, jitter_ms=5),)), Conditions(), None):
        route.conditions.set(conditions)
        digest.update(await client.body(len(BLOCK)))
    digest.update(await client.body(60 * len(BLOCK)))
    assert digest.digest() == hashlib.sha256(BLOCK * 64).digest()
    client.send(GET.replace(b"/a", b"/0"))
    await client.head()
    assert road.accepted == 2, "without conditions the connections are everybody's again"


async def test_a_large_upload_holds_its_sender_up(road: Road) -> None:
    async def count(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        digest = hashlib.sha256(await reader.readexactly(64 * len(BLOCK)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n" + digest.digest())

    await conditioned(road, up=(Bandwidth(rate_bps=100_000_000),), script=count)
    client = await road.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (64 * len(BLOCK)))
    for _ in range(64):
        client.send(BLOCK)
        await client.writer.drain()
    await client.head()
    assert await client.body(32) == hashlib.sha256(BLOCK * 64).digest()


async def test_a_client_that_goes_meanwhile(road: Road) -> None:
    await conditioned(road, Latency(latency_ms=10_000))
    client = await road.connect()
    client.send(GET)
    await asyncio.sleep(0.05)
    reset(client.writer.transport)  # type: ignore[arg-type]  # a stream's is one that can write
    await road.tap.all_done(1)


async def struck(road: Road, *faults: HttpFault, script=hello) -> Route:  # type: ignore[no-untyped-def]
    route = await road.upstream(script)
    route.conditions = RouteConditions(Conditions(http=faults), road.door.pump)
    return route


async def test_every_second_request_to_a_path_gets_an_error(road: Road) -> None:
    route = await struck(road, HttpFault(status=503, path="/a*", every=2))
    client = await road.connect()
    for path, status in ((b"/a", b"200"), (b"/b", b"200"), (b"/a/2", b"503"), (b"/a?x", b"200"), (b"/a", b"503")):
        client.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 %s " % status), path
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await client.body(int(size.split(b":")[1]))
    assert route.conditions is not None
    assert route.conditions.total()["error"] == 2
    assert road.accepted == 1


async def test_the_first_byte_comes_late(road: Road) -> None:
    await struck(road, HttpFault(delay_ms=120, methods=("POST",)))
    client = await road.connect()
    begun = time.monotonic()
    client.send(b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
    await client.head()
    assert time.monotonic() - begun >= 0.12
    assert await client.body(2) == b"/a"


@pytest.mark.http1  # where a body that breaks off can be read as far as it came
async def test_bodies_that_break_off(road: Road) -> None:
    await struck(road, HttpFault(truncate_bytes=1000), script=large)
    client = await road.connect()
    client.send(b"GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await client.head()).startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 131072\r\n")
    assert await client.rest() == BLOCK[:1000]
    assert (await road.tap.all_done(1))[0].ending == UPSTREAM_GONE


@pytest.mark.http1
async def test_bodies_that_stall_until_the_client_gives_up(road: Road) -> None:
    await struck(road, HttpFault(stall_bytes=1000, nth=2), script=large)
    client = await road.connect()
    client.send(b"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.head()
    assert await client.body(len(BLOCK)) == BLOCK, "the first one is whole"
    client.send(b"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.head()
    assert await client.body(1000) == BLOCK[:1000]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.reader.read(1)
    reset(client.writer.transport)  # type: ignore[arg-type]  # a stream's is one that can write
    await road.tap.all_done(2)


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_a_strike_finds_the_body_however_it_comes(size: int) -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789"
    strike = Strike(HttpDecision(truncate_bytes=4))
    passed = b"".join(strike.passes(whole[at : at + size]) for at in range(0, len(whole), size))
    assert passed == whole[:-5]
    assert strike.cuts


def test_a_tunnel_is_the_body_of_its_switch() -> None:
    strike = Strike(HttpDecision(stall_bytes=2))
    assert strike.passes(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: u\r\n\r\n12345").endswith(b"\r\n\r\n12")
    assert strike.passes(b"6789") == b""


async def test_a_route_that_goes_closes_its_idle_connections(road: Road) -> None:
    gone = asyncio.Event()

    async def once(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        gone.set()

    route = await conditioned(road, Latency(latency_ms=1), script=once)
    client = await road.connect()
    client.send(GET)
    await client.head()
    await road.tap.all_done(1)
    road.routes.remove("web")
    assert route.conditions is not None
    route.conditions.close()
    async with asyncio.timeout(10):
        await gone.wait()
