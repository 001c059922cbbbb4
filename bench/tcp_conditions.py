"""What network conditions cost on TCP routes: `python -m bench.tcp_conditions`. The relay has a process of its own.

Bulk through a latency with and without, how late what is delayed leaves, and a thousand connections at once.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from bench.tcp_runner import NoTap, Upstream
from homeport.conditions.settings import Bandwidth, Conditions, Latency
from homeport.gateway.tcp import TcpRelay
from homeport.model.endpoint import Endpoint

MIB = 1024 * 1024
BULK = 64 * MIB
CONNECTIONS = 1000
_PING = 64


async def relay_until_told(upstream: int) -> None:
    """Each line of stdin is conditions as JSON, or `null`; it is answered with the port."""
    relay = TcpRelay(NoTap())
    relay.start()
    port = relay.open("bench", Endpoint("127.0.0.1", 0), Upstream(upstream)).port
    while line := await asyncio.to_thread(sys.stdin.readline):
        relay.condition("bench", msgspec.json.decode(line, type=Conditions | None))
        print(port, flush=True)
    relay.stop()


class Relay:
    def __init__(self, upstream: int) -> None:
        command = [sys.executable, "-m", "bench.tcp_conditions", str(upstream)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def condition(self, conditions: Conditions | None) -> int:
        """Its port."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(conditions).decode() + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

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
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def bulk_s(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MIB)
    begun_s = time.perf_counter()
    writer.write(b"B" * _PING)
    left = BULK
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


async def measure() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2 * CONNECTIONS)
    relay = Relay(server.sockets[0].getsockname()[1])
    slow = Conditions(up=(Latency(latency_ms=25),), down=(Latency(latency_ms=25),))
    far = Conditions(down=(Latency(latency_ms=50),))
    for name, conditions in (("none", None), ("50 ms", far), ("none", None), ("50 ms", far)):
        port, before_s = relay.condition(conditions), relay.cpu_s()
        took_s = await bulk_s(port)
        print(f"64 MiB, {name}: {BULK / took_s / 1e6:.0f} MB/s, {1000 * (relay.cpu_s() - before_s):.0f} ms of CPU")
    trips = sorted([trip - 0.05 for trip in await pings_s(relay.condition(slow), 200)])
    early = sum(trip < 0 for trip in trips)
    print(f"50 ms round trip: {trips[100] * 1e6:.0f} µs late at p50, {trips[197] * 1e6:.0f} at p99, {early} early")
    await many(relay, slow)
    shared = Bandwidth(rate_bps=20e6, shared=True)
    await many(relay, Conditions(up=(shared, Latency(latency_ms=25)), down=(Latency(latency_ms=25, jitter_ms=5),)))
    relay.close()
    server.close()


async def many(relay: Relay, conditions: Conditions) -> None:
    """Each sends ten pings, half a second apart or a little more."""
    port, before_s, begun_s = relay.condition(conditions), relay.cpu_s(), time.perf_counter()
    memory = relay.memory_mib()
    pinging = asyncio.gather(*(pings_s(port, 10, 0.5) for _ in range(CONNECTIONS)))
    await asyncio.sleep(2)
    held = relay.memory_mib()
    trips = sorted(trip for one in await pinging for trip in one)
    cpu, took_s = relay.cpu_s() - before_s, time.perf_counter() - begun_s
    print(
        f"{CONNECTIONS} connections: {held - memory:.1f} MiB more, {1e6 * cpu / len(trips):.0f} µs of CPU a ping, "
        f"{100 * cpu / took_s:.0f} % of a CPU, round trip p50 {trips[len(trips) // 2] * 1000:.1f} ms"
    )


if __name__ == "__main__":
    import uvloop

    uvloop.run(relay_until_told(int(sys.argv[1])) if sys.argv[1:] else measure())
