"""Network conditions on real TCP routes, by bounds that a busy machine holds: nothing early, nothing lost, no hangs."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

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
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import COMPLETE, REFUSED
from homeport.model.net_client import Owner, parse_matches
from tests.gateway.tcp_stage import ANY, FixedTarget, Stage, echo, staged, upstream, visit

BULK = 32 * 1024 * 1024
FILTERS: list[Conditions | None] = [
    Conditions(down=(Latency(latency_ms=5, jitter_ms=5),), up=(Latency(latency_ms=1),)),
    None,
    Conditions(down=(Bandwidth(rate_bps=4e9),), up=(Slicing(size_bytes=60_000),)),
    Conditions(down=(RandomLoss(rate=0.001, retransmit_ms=2),)),
    Conditions(down=(Silence(),), up=(Silence(),)),
    None,
]


@pytest.fixture(params=["best", "selectors"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with staged(request.param) as made:
        yield made


def both(*stack: Condition) -> Conditions:
    return Conditions(up=stack, down=stack)


async def is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"x")
    return await reader.read(1) == b"x"


async def is_refused(door: Endpoint) -> bool:
    try:
        _, writer = await asyncio.open_connection(door.host, door.port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_nothing_is_early_on_a_real_clock(stage: Stage) -> None:
    async with upstream(echo) as endpoint:
        door = stage.relay.open(
            "db", ANY, FixedTarget(endpoint), conditions=both(Latency(latency_ms=15), Latency(latency_ms=5))
        )
        async with visit(door) as (reader, writer):
            for _ in range(5):
                begun_s = time.monotonic()
                assert await is_answered(reader, writer)
                assert time.monotonic() - begun_s >= 0.04
        await stage.tap.wait(ended=1)
        state = stage.relay.conditions("db")
    assert state is not None
    assert (state.up["delayed"], state.connections, state.held_bytes) == (12, 0, 0)  # two for each of 5, and the end


async def test_bandwidth_is_no_more_than_asked_for(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", Conditions(down=(Bandwidth(rate_bps=8e6),)))
        async with visit(door) as (reader, writer):
            begun_s = time.monotonic()
            writer.write(bytes(200_000))
            await reader.readexactly(200_000)
            assert time.monotonic() - begun_s >= 0.2


@pytest.mark.parametrize(
    ("stack", "least_s"),
    [
        ((Latency(latency_ms=30), Latency(latency_ms=20)), 0.05),
        ((Bandwidth(rate_bps=2e6),), 32 * 1024 * 8 / 2e6),
        ((Slicing(size_bytes=1024, delay_us=2000),), 31 * 0.002),
        ((RandomLoss(rate=0.5, retransmit_ms=5), Latency(latency_ms=10)), 0.015),
    ],
    ids=["latencies", "bandwidth", "slices", "loss"],
)
async def test_32_kib_arrive_whole_and_no_sooner_than_they_may(
    stage: Stage, stack: tuple[Condition, ...], least_s: float
) -> None:
    message = bytes(range(256)) * 128
    async with stage.behind(echo) as door:
        stage.relay.condition("db", Conditions(down=stack))
        async with visit(door) as (reader, writer), asyncio.timeout(20):
            begun_s = time.monotonic()
            writer.write(message)
            assert await reader.readexactly(len(message)) == message
            assert time.monotonic() - begun_s >= least_s


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_limit_passes_exactly_its_bytes(stage: Stage, ending: Literal["close", "reset"]) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", Conditions(down=(DataLimit(limit_bytes=10_000, ending=ending),)))
        async with visit(door) as (reader, writer):
            writer.write(bytes(20_000))
            assert await reader.readexactly(10_000) == bytes(10_000)
            if ending == "close":
                assert await reader.read() == b""
            else:
                with pytest.raises(ConnectionResetError):
                    await reader.read()


@pytest.mark.parametrize("name", ["best", "copying", "selectors"])
async def test_conditions_come_and_go_during_a_transfer(name: str) -> None:
    piece = bytes(range(256)) * 4096
    wanted = hashlib.sha256(piece * (BULK // len(piece))).digest()

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        for _ in range(BULK // len(piece)):
            writer.write(piece)
            await writer.drain()

    async with staged(name) as stage, stage.behind(give) as door, visit(door) as (reader, writer):
        writer.write(b"x")
        got, size, changes = hashlib.sha256(), 0, 0
        while data := await reader.read(1 << 18):
            got.update(data)
            size += len(data)
            if size * 40 // BULK > changes:  # also while all is silent: what was sent before still comes
                stage.relay.condition("db", FILTERS[changes % len(FILTERS)])
                if changes % len(FILTERS) == 4:
                    stage.relay.condition("db", None)
                changes += 1
        assert (got.digest(), size) == (wanted, BULK)
        assert changes > 20
        writer.close()
        exchange = await stage.tap.wait(ended=1)
        assert exchange.ending == COMPLETE
        assert exchange.response_bytes == BULK


async def test_removal_hangs_nobody_among_two_hundred(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", both(Latency(latency_ms=30, jitter_ms=30), Bandwidth(rate_bps=1e9, shared=True)))
        half = asyncio.Event()
        waiting = 0

        async def talk(number: int) -> None:
            nonlocal waiting
            words = b"%d" % number * 2000
            async with visit(door) as (reader, writer):
                for turn in range(4):
                    writer.write(words)
                    if turn == 2:
                        waiting += 1
                        half.set() if waiting == 200 else None
                    assert await reader.readexactly(len(words)) == words
                writer.write_eof()
                assert await reader.read() == b""

        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(talk(number))
            await half.wait()
            stage.relay.condition("db", Conditions(up=(Silence(),)))
            stage.relay.condition("db", None)
        await stage.tap.wait(ended=200)
        assert {exchange.ending for exchange in stage.tap.ended} == {COMPLETE}


async def test_a_refused_port_refuses_and_comes_back(stage: Stage) -> None:
    async with stage.behind(echo) as door, visit(door) as (reader, writer):
        assert await is_answered(reader, writer)
        stage.relay.condition("db", both(Outage(how="refuse")))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert await is_refused(door)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((door.host, door.port))
        stage.relay.condition("db", None)
        async with asyncio.timeout(10):
            while await is_refused(door):
                await asyncio.sleep(0)
        async with visit(door) as (reader, writer):
            assert await is_answered(reader, writer)


async def test_who_comes_to_a_hanging_route_is_served_once_it_is_over(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", both(Outage(how="hang")))
        async with visit(door) as (reader, writer):
            writer.write(b"hello")
            await stage.tap.wait(begun=1)
            assert not reader._buffer  # type: ignore[attr-defined]
            stage.relay.condition("db", both(Latency(latency_ms=1)))
            assert await reader.readexactly(5) == b"hello"


async def test_a_share_of_connections_is_dropped_at_the_door_and_recorded(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", Conditions(up=(Outage(how="drop", share=0.5),), seed=3))
        fates = []
        for number in range(20):
            async with visit(door) as (reader, writer):
                fates.append(await is_answered(reader, writer))
            await stage.tap.wait(ended=number + 1)
        assert 0 < sum(fates) < 20
        endings = [(exchange.ending, exchange.why) for exchange in stage.tap.ended]
    assert endings == [(COMPLETE, "") if fate else (REFUSED, "network conditions: outage") for fate in fates]


@pytest.mark.parametrize("conditions", [both(Reset(after_ms=20)), both(DataLimit(limit_bytes=1))])
async def test_an_ending_leaves_nothing_behind(stage: Stage, conditions: Conditions) -> None:
    async with stage.behind(echo) as door:
        stage.relay.condition("db", conditions)
        async with visit(door) as (reader, writer):
            writer.write(b"hello")
            try:
                assert await reader.read() in (b"", b"h")
            except ConnectionResetError:
                pass
        exchange = await stage.tap.wait(ended=1)
    assert exchange.why.startswith("network conditions: ")


async def test_a_clean_route_has_nothing_of_it(stage: Stage) -> None:
    async with stage.behind(echo) as door, visit(door) as (reader, writer):
        assert await is_answered(reader, writer)
        stage.relay.condition("db", None)
        assert stage.relay.conditions("db") is None


@pytest.mark.counterpart("redis-server", "redis-cli")
async def test_a_database_behind_a_slow_and_lossy_network(tmp_path: Path) -> None:
    path = str(tmp_path / "redis.sock")
    server = await asyncio.create_subprocess_exec(
        *("redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", str(tmp_path)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            while not Path(path).exists():
                await asyncio.sleep(0.01)
        async with staged() as stage:
            door = stage.relay.open("redis", ANY, FixedTarget(Endpoint(path=path)), conditions=LOSSY)
            value = "x" * 200_000
            answers = await redis(door, f"SET key {value}", "GET key", "STRLEN key", "PING")
            assert answers.split() == ["OK", value, "200000", "PONG"]
            stage.relay.condition("redis", None)
            assert (await redis(door, "PING")).split() == ["PONG"]
    finally:
        server.terminate()
        await server.wait()


LOSSY = both(Slicing(size_bytes=700), RandomLoss(rate=0.05, retransmit_ms=3), Latency(latency_ms=2, jitter_ms=2))


async def redis(door: Endpoint, *commands: str) -> str:
    """The answers of the server, once it is there."""
    client = await asyncio.create_subprocess_exec(
        *("redis-cli", "-h", door.host, "-p", str(door.port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        answers, _ = await client.communicate("\n".join(commands).encode() + b"\n")
    return answers.decode()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="one loopback address elsewhere")
async def test_one_client_alone(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        far = await asyncio.open_connection(door.host, door.port, local_addr=("127.0.0.7", 0))
        async with visit(door) as near:
            assert await is_answered(*far)
            stage.relay.condition("db", both(Silence()), "far", parse_matches(["127.0.0.4/30"]))
            far[1].write(b"x")
            answer = asyncio.ensure_future(far[0].read(1))
            assert await is_answered(*near)
            assert not answer.done()
            stage.relay.condition("db", None, "far")
            assert await answer == b"x"
        far[1].close()


async def test_a_process_is_looked_up_once(stage: Stage) -> None:
    asked: list[object] = []

    def owners(client: object, server: object, *, udp: bool = False) -> Owner:
        asked.append(client)
        return Owner(pids=(4121,), program="psql")

    stage.relay._owners = owners
    async with stage.behind(echo) as door:
        for word in ("pid=1", "program=psql"):
            stage.relay.condition("db", both(Reset()), word, parse_matches([word]))
        async with visit(door) as (reader, writer):
            with pytest.raises(ConnectionError):
                await is_answered(reader, writer)
        assert len(asked) == 1
        state = stage.relay.conditions("db", "program=psql")
        assert state is not None
        assert state.up["reset"] + state.down.get("reset", 0) >= 1
