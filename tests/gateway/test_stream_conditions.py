"""Network conditions inside TLS, over real sockets: nothing early, nothing lost, and changes while it runs."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
    Slicing,
)
from homeport.model.exchange import COMPLETE, REFUSED
from homeport.model.net_client import parse_matches
from tests.gateway.stream_stage import StreamStage, secure_visit, stream_stage
from tests.gateway.tcp_stage import echo, upstream

MIB = 1024 * 1024


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StreamStage]:
    async with stream_stage(tmp_path, 64) as made:
        yield made


def both(*stack: Condition, seed: int = 0) -> Conditions:
    return Conditions(up=stack, down=stack, seed=seed)


SEVERAL = [
    both(Latency(latency_ms=3, jitter_ms=3)),
    both(Slicing(size_bytes=20_000), Bandwidth(rate_bps=2e9)),
    None,
    both(RandomLoss(rate=0.002, retransmit_ms=2)),
    both(Silence()),
    None,
]


async def test_nothing_is_early(stage: StreamStage) -> None:
    stage.conditions = both(Latency(latency_ms=15), Latency(latency_ms=5), seed=4)
    async with stage.behind(echo) as door:
        async with secure_visit(door, stage.client()) as (reader, writer):
            for _ in range(5):
                begun_s = time.monotonic()
                writer.write(b"x")
                assert await reader.readexactly(1) == b"x"
                assert time.monotonic() - begun_s >= 0.04
        exchange = await stage.tap.wait(ended=1)
    told = exchange.conditions
    assert told is not None
    assert (told.settings["seed"], told.number, told.up["came"]) == (4, 1, 5)
    assert [one.what for one in told.decisions if one.from_client and one.number] == [[("delayed", 0.015, 2)]] * 5


async def test_changes_in_the_middle_keep_bytes_and_order(stage: StreamStage) -> None:
    whole = bytes(range(256)) * (8 * MIB // 256)
    async with stage.behind(echo) as door, secure_visit(door, stage.client()) as (reader, writer):
        writer.write(whole)
        got, changes = bytearray(), 0
        while len(got) < len(whole):
            got += await reader.read(65536)
            if len(got) * 30 // len(whole) > changes:
                stage.relay.condition("db", SEVERAL[changes % len(SEVERAL)])
                if changes % len(SEVERAL) == 4:  # nothing would come any more
                    stage.relay.condition("db", None)
                changes += 1
        assert bytes(got) == whole
        writer.close()
        assert (await stage.tap.wait(ended=1)).ending == COMPLETE
        assert stage.relay.conditions("db").held_bytes == 0


async def test_a_sender_waits_while_a_slow_line_is_full(stage: StreamStage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", Conditions(up=(Bandwidth(rate_bps=8e5, queue_ms=50),)))
        async with secure_visit(door, stage.client()) as (reader, writer):
            begun_s = time.monotonic()
            writer.write(bytes(4 * MIB))
            assert len(await reader.readexactly(20_000)) == 20_000
            assert time.monotonic() - begun_s >= 0.2 * 0.99
            assert stage.relay.conditions("db").held_bytes < 2 * MIB
            writer.transport.abort()


@pytest.mark.parametrize("conditions", [both(Reset()), both(DataLimit(limit_bytes=1)), both(Outage(how="drop"))])
async def test_endings_leave_nothing_behind(stage: StreamStage, conditions: Conditions) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", conditions)
        try:
            async with secure_visit(door, stage.client()) as (reader, writer):
                writer.write(b"hello")
                assert await reader.read() in (b"", b"h")
        except (ConnectionError, ssl.SSLError):
            pass
        exchange = await stage.tap.wait(ended=1)
    assert exchange.why.startswith("network conditions: ")


async def test_silence_is_lifted(stage: StreamStage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", both(Silence()))
        async with secure_visit(door, stage.client()) as (reader, writer):
            writer.write(b"hello")
            answer = asyncio.ensure_future(reader.readexactly(5))
            done, _ = await asyncio.wait([answer], timeout=0.1)
            assert not done
            stage.relay.condition("db", None)
            assert await answer == b"hello"


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a listener cannot stop and begin again")


@linux
async def test_a_port_whose_route_refuses_is_closed_and_opens_again(stage: StreamStage) -> None:
    async with stage.behind(echo) as door:
        for _ in range(2):
            stage.relay.condition("db", both(Outage(how="refuse")))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(door.host, door.port)
            stage.relay.condition("db", None)
            await opened(stage, door.port)
            async with secure_visit(door, stage.client()) as (reader, writer):
                writer.write(b"x")
                assert await reader.readexactly(1) == b"x"
    stage.relay.condition("db", both(Outage(how="refuse")))  # and is closed like any other


async def opened(stage: StreamStage, port: int) -> None:
    async with asyncio.timeout(5):
        while not stage.relay._ports[0].servers:
            await asyncio.sleep(0.001)


@linux
@pytest.mark.parametrize("how", ["refuse", "drop"])
async def test_one_client_is_turned_away_before_the_handshake(stage: StreamStage, how: str) -> None:
    async with stage.behind(echo) as door:
        outage = Outage(how=how)  # type: ignore[arg-type]
        stage.relay.condition("db", both(outage), "far", parse_matches(["127.0.0.7"]))
        try:
            reader, writer = await asyncio.open_connection(door.host, door.port, local_addr=("127.0.0.7", 0))
            assert await reader.read() == b""
            writer.close()
            was_reset = False
        except ConnectionError:
            was_reset = True
        assert was_reset == (how == "refuse")
        exchange = await stage.tap.wait(ended=1)
        assert (exchange.ending, exchange.why) == (REFUSED, "network conditions: outage")
        async with secure_visit(door, stage.client()) as (reader, writer):
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
        assert stage.relay.conditions("db", "far").connections == 0


async def test_who_hangs_shakes_hands_once_it_may(stage: StreamStage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", both(Outage(how="hang")))
        coming = asyncio.ensure_future(
            asyncio.open_connection(door.host, door.port, ssl=stage.client(), server_hostname="localhost")
        )
        async with asyncio.timeout(5):
            while not stage.relay.conditions("db").connections:
                await asyncio.sleep(0.001)
        await asyncio.wait([coming], timeout=0.05)
        assert not coming.done()
        stage.relay.condition("db", None)
        reader, writer = await coming
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        writer.close()


async def test_who_hangs_may_leave(stage: StreamStage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", both(Outage(how="hang")))
        _, writer = await asyncio.open_connection(door.host, door.port)
        async with asyncio.timeout(5):
            while not stage.relay.conditions("db").connections:
                await asyncio.sleep(0.001)
        writer.transport.abort()
        async with asyncio.timeout(5):
            while stage.relay.conditions("db").connections:
                await asyncio.sleep(0.001)


async def test_of_two_routes_on_a_port_the_one_that_is_named_is_out(stage: StreamStage) -> None:
    async with upstream(echo) as endpoint:
        door = await stage.route(endpoint, "db")
        await stage.route(endpoint, "cache", listen=door)
        stage.relay.condition("db", both(Outage(how="refuse")))
        with pytest.raises((ConnectionError, ssl.SSLError)):
            async with secure_visit(door, stage.client(), "db.localhost"):
                pass
        async with secure_visit(door, stage.client(), "cache.localhost") as (reader, writer):
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"


@linux
async def test_a_client_of_its_own_goes_back_to_everybodys(stage: StreamStage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", both(Silence()), "far", parse_matches(["127.0.0.7"]))
        streams = await asyncio.open_connection(
            door.host, door.port, ssl=stage.client(), server_hostname="localhost", local_addr=("127.0.0.7", 0)
        )
        streams[1].write(b"x")
        answer = asyncio.ensure_future(streams[0].readexactly(1))
        async with secure_visit(door, stage.client()) as (reader, writer):
            writer.write(b"y")
            assert await reader.readexactly(1) == b"y"
        assert not answer.done()
        stage.relay.condition("db", None, "far")
        assert await answer == b"x"
        streams[1].close()
