"""What network conditions cost on TCP routes: bulk with and without a latency, a thousand connections at once, and how
late what is delayed leaves. The relay is a process of its own: `python -m bench.tcp_conditions UPSTREAM_PORT`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from bench.lateness import LatenessTold, tell
from bench.machine import cpu_s
from bench.rounds import Numbers, Results
from bench.tcp_runner import NoTap, Upstream
from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import Bandwidth, Condition, Conditions, Latency
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.underway import Underway
from homeport.model.endpoint import Endpoint

MIB = 1024 * 1024
BULK = 64 * MIB
CONNECTIONS = 1000
_PING = 64
NONE, FAR = "no conditions", "50 ms"


async def relay_until_told(upstream: int) -> None:
    """Each line of stdin is conditions as JSON, or `null`, answered with the port; or `late`, answered with how late
    bytes have left since."""
    late = _note_lateness()
    relay = TcpRelay(NoTap())
    relay.start()
    port = relay.open("bench", Endpoint("127.0.0.1", 0), Upstream(upstream)).port
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line == "late\n":
            print(tell(late), flush=True)
            late.clear()
            continue
        relay.condition("bench", msgspec.json.decode(line, type=Conditions | None))
        print(port, flush=True)
    relay.stop()


def _note_lateness() -> list[float]:
    """Have every parcel that was held back note by how much it left after its due."""
    late: list[float] = []
    next_due = Underway.next_due

    def noting(self: Underway, now_s: float) -> Parcel | None:
        parcel = next_due(self, now_s)
        if parcel is not None and parcel.data:
            late.append(time.monotonic() - parcel.due_s)
        return parcel

    Underway.next_due = noting  # type: ignore[method-assign]
    return late


class Relay:
    def __init__(self, upstream: int) -> None:
        command = [sys.executable, "-m", "bench.tcp_conditions", str(upstream)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def condition(self, conditions: Conditions | None) -> int:
        """Its port."""
        return int(self._ask(msgspec.json.encode(conditions).decode()))

    def lateness(self) -> LatenessTold:
        """Since it was last asked."""
        return LatenessTold.of(self._ask("late"))

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def cpu_s(self) -> float:
        return cpu_s([self._process.pid])

    def memory_mib(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / MIB

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a ping with itself, and `B` with bulk."""
    try:
        while ping := await reader.readexactly(_PING):
            if ping[:1] == b"B":
                for _ in range(BULK // MIB):
                    writer.write(bytes(MIB))
                    await writer.drain()
            else:
                writer.write(ping)
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        pass  # cancelled at the end of the run, of which asyncio's streams would print a page before Python 3.12
    writer.close()


async def bulk_s(port: int) -> float:
    """From the first byte to the last: the latency itself is not counted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MIB)
    writer.write(b"B" * _PING)
    left = BULK - len(await reader.readexactly(1))
    begun_s = time.perf_counter()
    while left:
        left -= len(await reader.read(left))
    writer.close()
    return time.perf_counter() - begun_s


async def pings_s(port: int, count: int, apart_s: float = 0.0) -> list[float]:
    """Round trips."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    trips = []
    for _ in range(count):
        begun_s = time.perf_counter()
        writer.write(b"p" * _PING)
        await reader.readexactly(_PING)
        trips.append(time.perf_counter() - begun_s)
        await asyncio.sleep(apart_s)
    writer.close()
    return trips


def measure(rounds: int, say: Callable[[str], None]) -> Results:
    """What conditions cost."""
    return asyncio.run(_measure(rounds, say))


def delays(rounds: int, results: Results) -> None:
    """Of 50 ± 10 ms each way: how much later than their due requests and answers left."""
    asyncio.run(_delays(rounds, results))


@contextlib.asynccontextmanager
async def relaying() -> AsyncIterator[Relay]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2 * CONNECTIONS)
    relay = Relay(server.sockets[0].getsockname()[1])
    yield relay
    relay.close()
    server.close()


async def _measure(rounds: int, say: Callable[[str], None]) -> Results:
    results = Results()
    lines = {NONE: None, FAR: both(Latency(latency_ms=50)), "200 ms": both(Latency(latency_ms=200))}
    shared = both(Bandwidth(rate_bps=20e6, shared=True), Latency(latency_ms=25, jitter_ms=5))
    async with relaying() as relay:
        for number in range(rounds):
            say(f"conditions: round {number + 1} of {rounds}")
            for name, conditions in lines.items():
                port, before_s = relay.condition(conditions), relay.cpu_s()
                took_s = await bulk_s(port)
                used_ms = (relay.cpu_s() - before_s) * 1e3
                results.add(name, {"bulk MB/s": BULK / took_s / 1e6, "CPU ms/64 MiB": used_ms})
            results.add(f"{CONNECTIONS:,} connections, 50 ms", await many(relay, both(Latency(latency_ms=50))))
            results.add(f"{CONNECTIONS:,} connections, 25±5 ms, 20 Mbit/s for all", await many(relay, shared))
    return results


async def _delays(rounds: int, results: Results) -> None:
    async with relaying() as relay:
        port = relay.condition(both(Latency(latency_ms=50, jitter_ms=10)))
        for _ in range(rounds):
            await asyncio.gather(*(pings_s(port, 20) for _ in range(16)))
            results.add("TCP requests, 16 connections", relay.lateness().numbers)


def both(*stack: Condition) -> Conditions:
    return Conditions(up=stack, down=stack)


async def many(relay: Relay, conditions: Conditions) -> Numbers:
    """Each sends five pings, half a second apart or a little more."""
    port, before_s, memory = relay.condition(conditions), relay.cpu_s(), relay.memory_mib()
    pinging = asyncio.gather(*(pings_s(port, 5, 0.5) for _ in range(CONNECTIONS)))
    await asyncio.sleep(1.5)
    held = relay.memory_mib() - memory
    trips = sorted(trip for one in await pinging for trip in one)
    return {
        "CPU µs/request": (relay.cpu_s() - before_s) / len(trips) * 1e6,
        "p50 µs": trips[len(trips) // 2] * 1e6,
        "MiB more": max(0.01, held),
    }


if __name__ == "__main__":
    import uvloop

    uvloop.run(relay_until_told(int(sys.argv[1])))
