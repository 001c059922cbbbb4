"""The TCP relay under load: nothing is lost, mixed up or left over, and one slow visitor holds up nobody."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from homeport.model.endpoint import Endpoint
from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from tests.gateway.tcp_stage import VARIANTS, Stage, echo, reset, staged, visit

MIB = 1024 * 1024
ROOT = Path(__file__).parents[2]

# Who speaks, and how many bytes; 0 is the end of that direction.
Step = tuple[bool, int]
SIZES = st.one_of(st.just(0), st.integers(1, 300), st.sampled_from([16_383, 16_384, 16_385, 65_536, 1_500_000]))
SCRIPTS = st.lists(st.tuples(st.booleans(), SIZES), max_size=12)


@pytest.fixture(params=VARIANTS)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with staged(request.param) as made:
        yield made


@contextmanager
def two_ends(stage: Stage) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of one connection through a route, as blocking sockets for use in threads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = stage.route(Endpoint("127.0.0.1", listener.getsockname()[1]), "ends")
        with socket.create_connection((door.host, door.port), timeout=20) as client:
            server, _ = listener.accept()
            server.settimeout(20)
            with server:
                yield client, server
    stage.relay.close("ends")


class Listener(threading.Thread):
    """Reads one end until its end."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self.digest = hashlib.sha256()
        self.size = 0
        self.start()

    def run(self) -> None:
        while data := self._sock.recv(256 * 1024):
            self.digest.update(data)
            self.size += len(data)


def play(stage: Stage, script: list[Step], seed: int) -> None:
    """Speak the script; then both sides end. What each side heard must be what the other said."""
    chance = random.Random(seed)
    with two_ends(stage) as ends:
        heard = [Listener(end) for end in ends]
        said = [hashlib.sha256(), hashlib.sha256()]
        ended = [False, False]
        for speaker, size in [*script, (False, 0), (True, 0)]:
            side = int(speaker)
            if ended[side]:
                continue
            data = chance.randbytes(size)
            ends[side].sendall(data)
            said[side].update(data)
            if not size:
                ended[side] = True
                ends[side].shutdown(socket.SHUT_WR)
        for side in (0, 1):
            heard[side].join()
            assert heard[side].digest.digest() == said[1 - side].digest()


@example(script=[(False, 1_500_000), (False, 0), (True, 1_500_000)], seed=0)
@example(script=[(True, 16_384), (True, 0), (False, 16_384), (False, 16_384)], seed=0)
@given(script=SCRIPTS, seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_conversation_with_any_half_closes_arrives_intact(
    stage: Stage, script: list[Step], seed: int
) -> None:
    before = len(stage.tap.ended)
    await asyncio.to_thread(play, stage, script, seed)
    assert (await stage.tap.wait(ended=before + 1)).ending == COMPLETE


async def test_thousands_of_short_visits(stage: Stage) -> None:
    """Each visitor says who he is, ends, and hears it back; the upstream counts them."""
    count = 1000
    heard: set[bytes] = set()

    def answer(listener: socket.socket) -> None:
        for _ in range(count):
            server, _ = listener.accept()
            with server:
                said = b""
                while data := server.recv(100):
                    said += data
                heard.add(said)
                server.sendall(b"hello " + said)

    def call(door: Endpoint, numbers: range) -> None:
        for number in numbers:
            with socket.create_connection((door.host, door.port), timeout=20) as client:
                client.sendall(b"%d" % number)
                client.shutdown(socket.SHUT_WR)
                got = b""
                while data := client.recv(100):
                    got += data
                assert got == b"hello %d" % number

    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        door = stage.route(Endpoint("127.0.0.1", listener.getsockname()[1]))
        async with asyncio.timeout(50), asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(answer, listener))
            for start in range(4):
                tasks.create_task(asyncio.to_thread(call, door, range(start, count, 4)))
    assert len(heard) == count
    await stage.tap.wait(ended=count)
    assert {exchange.ending for exchange in stage.tap.ended} == {COMPLETE}
    assert stage.relay.activity("db").visits == count


async def test_two_hundred_slow_readers_hold_up_nobody(stage: Stage) -> None:
    page = random.Random(1).randbytes(128 * 1024)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(page)
        await writer.drain()

    async def read_slowly(door: Endpoint, quick_one_is_served: asyncio.Event) -> None:
        async with visit(door) as (reader, writer):
            writer.write(b"x")
            got = await reader.readexactly(1000)
            await quick_one_is_served.wait()
            while data := await reader.read(32_768):
                got += data
            assert got == page

    served = asyncio.Event()
    async with stage.behind(serve) as door, stage.behind(echo, "echo") as quick, asyncio.TaskGroup() as tasks:
        for _ in range(200):
            tasks.create_task(read_slowly(door, served))
        while stage.relay.activity("db").active < 200:
            await asyncio.sleep(0.005)
        async with visit(quick) as (reader, writer):
            for _ in range(20):
                writer.write(b"quick")
                assert await reader.readexactly(5) == b"quick"
        served.set()


async def test_bulk_both_ways_in_bounded_memory(stage: Stage) -> None:
    count = 64
    block = random.Random(2).randbytes(MIB)

    def speak(sock: socket.socket) -> None:
        for _ in range(count):
            sock.sendall(block)
        sock.shutdown(socket.SHUT_WR)

    def talk() -> list[bytes]:
        with two_ends(stage) as ends:
            heard = [Listener(end) for end in ends]
            speaker = threading.Thread(target=speak, args=(ends[0],))
            speaker.start()
            speak(ends[1])
            for thread in (speaker, *heard):
                thread.join()
            return [one.digest.digest() for one in heard]

    expected = hashlib.sha256()
    for _ in range(count):
        expected.update(block)
    before = resident_bytes()
    assert await asyncio.to_thread(talk) == [expected.digest()] * 2
    assert resident_bytes() - before < 24 * MIB
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.request_bytes, exchange.response_bytes) == (count * MIB, count * MIB)


async def test_a_client_that_does_not_read_stops_the_upstream(stage: Stage) -> None:
    """Back-pressure: what can be pushed into the relay is what the kernel's buffers hold, then no more."""
    limit = 512 * MIB

    def run() -> None:
        with two_ends(stage) as (client, server):
            pushed = push_until_stopped(server, limit)
            server.shutdown(socket.SHUT_WR)
            assert pushed < limit
            listener = Listener(client)
            listener.join()
            assert listener.size == pushed

    await asyncio.to_thread(run)


@pytest.mark.parametrize("client_reads", [True, False])
async def test_a_slow_client_gets_what_came_before_the_upstream_reset(stage: Stage, client_reads: bool) -> None:
    """As without a relay: what had arrived can be read, then comes the reset. A client who leaves instead may."""

    def run() -> None:
        with two_ends(stage) as (client, server):
            pushed = push_until_stopped(server, 512 * MIB)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            server.close()
            if not client_reads:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            got = read_until_reset(client)
            assert 0 < got <= pushed

    await asyncio.to_thread(run)
    # Without epoll, nobody tells of a reset while there is nothing to wait for.
    endings = {UPSTREAM_GONE} if client_reads else {UPSTREAM_GONE, CLIENT_GONE}
    assert (await stage.tap.wait(ended=1)).ending in endings


async def test_an_upstream_that_dies_in_the_middle_of_many_answers(stage: Stage) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(bytes(100_000))
        await writer.drain()
        reset(writer)

    async def ask(door: Endpoint) -> None:
        async with visit(door) as (reader, writer):
            writer.write(b"x")
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(200_000)

    async with stage.behind(die) as door:
        await asyncio.gather(*(ask(door) for _ in range(50)))
        await stage.tap.wait(ended=50)
    assert {exchange.ending for exchange in stage.tap.ended} == {UPSTREAM_GONE}


def read_until_reset(client: socket.socket) -> int:
    got = 0
    try:
        while data := client.recv(MIB):
            got += len(data)
    except ConnectionResetError:
        return got
    raise AssertionError("an end instead of a reset")


def push_until_stopped(server: socket.socket, limit: int) -> int:
    """How many bytes are taken until nothing moves for a while."""
    server.settimeout(0.5)
    pushed = 0
    try:
        while pushed < limit:
            pushed += server.send(bytes(MIB))
    except TimeoutError:
        pass
    return pushed


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on descriptors there")
async def test_out_of_descriptors_visitors_wait_instead_of_being_lost() -> None:
    """A relay that may open 40 files serves 80 visitors who all came at once, as soon as others leave."""
    async with staged() as stage, stage.behind(echo) as upstream:
        code = (
            "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40));"
            f"sys.argv[1:] = ['{upstream.port}']; runpy.run_module('bench.tcp_runner', run_name='__main__')"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"}
        )
        try:
            assert process.stdout is not None
            door = Endpoint("127.0.0.1", int(await process.stdout.readline()))
            await asyncio.gather(*(say_hello(door) for _ in range(80)))
        finally:
            process.terminate()
            await process.wait()


async def say_hello(door: Endpoint) -> None:
    async with visit(door) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"


def resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
