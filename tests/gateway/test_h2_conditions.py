"""Network conditions on routes to HTTP/2 upstreams: between us and the upstream, and on single requests."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path
from queue import Queue

import grpc  # type: ignore[import-untyped]
import pytest

from homeport.conditions.http import HttpFault
from homeport.conditions.settings import (
    Bandwidth,
    Condition,
    Conditions,
    DataLimit,
    Latency,
    Outage,
    RandomLoss,
    Reset,
    Silence,
)
from homeport.gateway.route_conditions import RouteConditions
from homeport.gateway.routes import Route
from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from homeport.model.net_client import parse_matches
from homeport.streams.half_close import reset

from .conftest import Road
from .h2_server import Speaker, converse, grpc_server, plain_route
from .test_h2_websockets import exchange_a_word, node

LARGE = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET = b"GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n"


def conditions_on(road: Road, route: Route, *down: Condition, up: tuple[Condition, ...] = ()) -> RouteConditions:
    route.conditions = RouteConditions(Conditions(up=up, down=down), road.door.pump)
    return route.conditions


@pytest.fixture(params=["native", "python"])
async def speaker(road: Road, request: pytest.FixtureRequest) -> Speaker:
    return Speaker(road, request.param)


async def test_latencies_of_both_ways_add_up_and_each_client_has_its_own(road: Road, speaker: Speaker) -> None:
    conditions = conditions_on(road, await speaker.start(), Latency(latency_ms=60), up=(Latency(latency_ms=70),))
    clients = [await road.connect() for _ in range(2)]
    for client in clients * 2:
        begun = time.monotonic()
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 204 ")
        assert time.monotonic() - begun >= 0.13
    assert len(speaker.connections) == 2
    assert [exchange.reused for exchange in await road.tap.all_done(4)] == [False, False, True, True]
    assert conditions.total()["delayed"] >= 8


async def test_one_client_alone_has_a_bad_network(road: Road, speaker: Speaker) -> None:
    route = await speaker.start()
    route.conditions = conditions = RouteConditions(None, road.door.pump)
    far, near = [await road.connect() for _ in range(2)]
    address = "{}:{}".format(*far.writer.get_extra_info("sockname")[:2])
    conditions.set(Conditions(down=(Latency(latency_ms=120),)), address, parse_matches([address]))
    for client in (far, near, far, near):
        begun = time.monotonic()
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 204 ")
        assert client is near or time.monotonic() - begun >= 0.12
    assert conditions.total(address)["delayed"] >= 2
    assert conditions.total()["delayed"] == 0
    assert len(speaker.connections) == 2
    conditions.set(None, address)
    far.send(GET)
    await far.head()
    assert len(speaker.connections) == 2, "it is back on the connection of everybody"


async def test_bandwidth_and_a_change_in_the_middle(road: Road, speaker: Speaker) -> None:
    conditions = conditions_on(road, await speaker.start(), Bandwidth(rate_bps=20_000_000))
    client = await road.connect()
    begun = time.monotonic()
    client.send(LARGE)
    await client.head()
    await client.body(500_000)
    assert time.monotonic() - begun >= 0.2
    for one in (Conditions(down=(Latency(latency_ms=3, jitter_ms=2),)), Conditions(), None):
        conditions.set(one)
        await client.body(500_000)
    await client.body(1_000_000)
    client.send(GET)
    await client.head()
    assert len(speaker.connections) == 2, "without conditions the connection is everybody's again"
    assert {exchange.ending for exchange in await road.tap.all_done(2)} == {COMPLETE}


async def test_a_large_upload_arrives_whole(road: Road, speaker: Speaker) -> None:
    up = (Bandwidth(rate_bps=50_000_000), Latency(latency_ms=5), RandomLoss(rate=0.01, retransmit_ms=5))
    conditions_on(road, await speaker.start(), up=up)
    client = await road.connect()
    body = bytes(range(256)) * 2000
    client.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await client.head()
    assert b"\r\nX: y\r\n" in await client.head()
    await road.tap.all_done(1)
    assert hashlib.sha256(speaker.bodies[1]).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("what", [Reset(), DataLimit(limit_bytes=1000), Outage(how="refuse")], ids=repr)
async def test_connections_that_are_cut(road: Road, speaker: Speaker, what: Condition) -> None:
    conditions_on(road, await speaker.start(), what)
    client = await road.connect()
    client.send(LARGE)
    assert len(await client.rest()) < 2000
    (exchange,) = await road.tap.all_done(1)
    assert exchange.ending == UPSTREAM_GONE
    assert exchange.why.startswith("network conditions: ")


@pytest.mark.http1  # whose clients can be read from for a moment
@pytest.mark.parametrize("what", [Outage(how="hang"), Silence()], ids=repr)
async def test_what_hangs_goes_on_when_it_is_lifted(road: Road, speaker: Speaker, what: Condition) -> None:
    conditions = conditions_on(road, await speaker.start(), what)
    client = await road.connect()
    client.send(GET)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.reader.read(1)
    conditions.set(None)
    assert (await client.head()).startswith(b"HTTP/1.1 204 ")
    assert (await road.tap.all_done(1))[0].ending == COMPLETE


@pytest.mark.parametrize("what", [Outage(how="hang"), Latency(latency_ms=10_000)], ids=repr)
async def test_a_client_that_goes_meanwhile(road: Road, speaker: Speaker, what: Condition) -> None:
    route = await speaker.start()
    conditions = conditions_on(road, route, what)
    client = await road.connect()
    client.send(GET)
    async with asyncio.timeout(10):
        while not route.active:
            await asyncio.sleep(0.005)
    reset(client.writer.transport)  # type: ignore[arg-type]  # a stream's is one that can write
    assert (await road.tap.all_done(1))[0].ending == CLIENT_GONE
    conditions.close()
    async with asyncio.timeout(10):
        while conditions.pools():
            await asyncio.sleep(0.005)


@pytest.mark.plain_http
async def test_a_call_that_is_under_way_feels_them(road: Road) -> None:
    """A stream that was opened on a clean network, and a clean one again; nothing of it is lost."""
    loop = asyncio.get_running_loop()

    def change(route: Route, *down: Condition) -> None:
        async def now() -> None:
            if route.conditions is None:
                route.conditions = RouteConditions(None, road.door.pump)
            route.conditions.set(Conditions(down=down) if down else None, visits=road.door.visits(route))

        asyncio.run_coroutine_threadsafe(now(), loop).result(10)

    def play(route: Route) -> None:
        asked: Queue[bytes | None] = Queue()
        with grpc.insecure_channel(f"localhost:{road.port}") as channel:
            answers = channel.stream_stream("/t/Echo")(iter(asked.get, None), timeout=20)

            def turn() -> float:
                begun = time.monotonic()
                asked.put(b"x")
                assert next(answers) == b"x"
                return time.monotonic() - begun

            turn()
            change(route, Latency(latency_ms=150))
            assert turn() >= 0.15
            change(route, Latency(latency_ms=300))
            assert turn() >= 0.3
            change(route)
            turn()
            asked.put(None)
            assert list(answers) == []

    async with grpc_server() as port:
        await asyncio.to_thread(play, plain_route(road, port))
    assert [exchange.ending for exchange in await road.tap.all_done(1)] == [COMPLETE]


@pytest.mark.h2_only
async def test_grpc_on_a_bad_network(road: Road) -> None:
    bad = (Latency(latency_ms=3, jitter_ms=2), RandomLoss(rate=0.02, retransmit_ms=10))
    async with grpc_server() as port:
        conditions_on(road, plain_route(road, port), *bad, up=bad)
        await asyncio.to_thread(converse, f"localhost:{road.port}", None)
    assert {exchange.ending for exchange in await road.tap.all_done(7)} == {COMPLETE}


@pytest.mark.h2_only
async def test_a_page_that_is_loaded_again_while_the_network_hangs(road: Road, speaker: Speaker) -> None:
    """The one request goes in the moment in which the other comes, and they had an attempt to dial in common."""
    route = await speaker.start()
    conditions = conditions_on(road, route, Outage(how="hang"))
    client = await road.connect()
    client.send(GET)
    async with asyncio.timeout(10):
        while not route.active:
            await asyncio.sleep(0.005)
    client.connection.reset_stream(1)  # type: ignore[attr-defined]
    client.answers.clear()  # type: ignore[attr-defined]
    client.send(GET)  # both in one write
    async with asyncio.timeout(10):
        while not road.tap.done or not route.active:
            await asyncio.sleep(0.005)
    conditions.set(None)
    await client.head()
    assert (await road.tap.all_done(2))[1].ending == COMPLETE


def faults_on(road: Road, route: Route, *faults: HttpFault) -> None:
    route.conditions = RouteConditions(Conditions(http=faults), road.door.pump)


async def test_errors_and_late_answers(road: Road, speaker: Speaker) -> None:
    late, wrong = HttpFault(delay_ms=100, nth=1), HttpFault(status=503, nth=2)
    faults_on(road, await speaker.start(), late, wrong)
    client = await road.connect()
    begun = time.monotonic()
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 204 ")
    assert time.monotonic() - begun >= 0.1
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 503 ")
    await road.tap.all_done(2)


@pytest.mark.http1
async def test_a_body_that_breaks_off(road: Road, speaker: Speaker) -> None:
    faults_on(road, await speaker.start(), HttpFault(truncate_bytes=1000, path="/large"))
    client = await road.connect()
    client.send(LARGE)
    await client.head()
    assert await client.rest() == bytes(1000)
    (exchange,) = await road.tap.all_done(1)
    assert (exchange.ending, exchange.why) == (UPSTREAM_GONE, "network conditions: the body of the answer was cut")


@pytest.mark.parametrize("fault", [HttpFault(truncate_bytes=1000, nth=1), HttpFault(stall_bytes=1000, nth=1)], ids=repr)
@pytest.mark.h2_only
async def test_a_struck_body_does_the_others_no_harm(road: Road, speaker: Speaker, fault: HttpFault) -> None:
    faults_on(road, await speaker.start(), fault)
    client = await road.connect()
    client.send(LARGE * 2)
    struck, whole = client.answers  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        while not whole.has_ended or len(struck.text) < 1000:
            await client._change()  # type: ignore[attr-defined]
    assert len(whole.text.partition(b"\r\n\r\n")[2]) == 3_000_000
    assert len(struck.text.partition(b"\r\n\r\n")[2]) == 1000
    assert struck.has_ended == (fault.truncate_bytes is not None)
    assert len(speaker.connections) == 1
    client.writer.transport.abort()
    await road.tap.all_done(2)


@pytest.mark.parametrize("how", ["tunnels", "upgrades"])
@pytest.mark.counterpart("node")
async def test_websockets(road: Road, tmp_path: Path, self_signed: Path, how: str) -> None:
    async with node(road, tmp_path, how, self_signed) as route:
        conditions = conditions_on(road, route, Latency(latency_ms=20), up=(Latency(latency_ms=20),))
        await exchange_a_word(road)
        assert conditions.total()["delayed"] >= 3
        conditions.close()


@pytest.mark.h2_only
async def test_decisions_are_those_of_the_request_that_is_alone(road: Road, speaker: Speaker) -> None:
    conditions_on(road, await speaker.start(), Latency(latency_ms=20))
    client = await road.connect()
    client.send(GET)
    await client.head()
    client.send(GET * 2)
    for _ in range(2):
        await client.head()
    alone, first, second = [exchange.conditions for exchange in await road.tap.all_done(3)]
    assert alone is not None
    assert first is not None
    assert second is not None
    assert {what for one in alone.decisions for what, _, _ in one.what} == {"delayed"}
    assert [felt.number for felt in (alone, first, second)] == [1, 2, 3]
    assert first.decisions == second.decisions == [], "whose bytes they were about is not known"


async def test_a_route_that_goes_closes_its_connections(road: Road, speaker: Speaker) -> None:
    conditions = conditions_on(road, await speaker.start(), Latency(latency_ms=1))
    client = await road.connect()
    client.send(GET)
    await client.head()
    await road.tap.all_done(1)
    assert conditions.pools()
    road.routes.remove("grpc")
    conditions.close()
    assert conditions.pools() == []
