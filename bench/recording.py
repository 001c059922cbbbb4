"""What recording costs: the tap's share of the road, and how much the recorder takes. `python -m bench.recording`.

CPU times, because other processes share the machine; every exchange has heads of its own, so that no cache flatters.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import tempfile
import time
from pathlib import Path

from homeport.model.exchange import Exchange
from homeport.model.settings import Settings
from homeport.recording.command import recorder_command
from homeport.recording.feed import Recording
from homeport.recording.tap import RecorderTap

BODY = b"x" * 1024
REQUEST = (
    b"GET /api/items/%d?page=2 HTTP/1.1\r\nHost: api.localhost:62893\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789abcdef%d\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 20:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"ETag: %d\r\nContent-Length: 1024\r\n\r\n"
)


def exchange_of(number: int) -> Exchange:
    now_s = time.perf_counter()
    return Exchange(
        number,
        "http",
        "api",
        "127.0.0.1:50000",
        "127.0.0.1:21345",
        now_s,
        now_s,
        now_s,
        now_s,
        now_s,
        now_s,
        REQUEST % (number, number),
        RESPONSE % number,
        [],
        [BODY],
        0,
        len(BODY),
        True,
        "complete",
        "",
        62893,
    )


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_of(pid: int) -> float:
    """MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def tap_cost_us(count: int = 20_000) -> tuple[float, float]:
    """CPU of `opened` and `closed` alone, and with encoding, per exchange."""
    from homeport.recording.outbox import Outbox

    outbox = Outbox()
    spent = [0.0]

    def wake(is_urgent: bool) -> None:
        if is_urgent:
            began_s = time.process_time()
            batch = tap.take()
            if batch is not None:
                outbox.put(batch)
                outbox.done(batch.number)
            spent[0] += time.process_time() - began_s

    tap = RecorderTap(wake)
    exchanges = [exchange_of(number) for number in range(count)]
    gc.disable()
    began_s = time.process_time()
    for exchange in exchanges:
        tap.opened(exchange)
        tap.closed(exchange)
    whole = time.process_time() - began_s
    gc.enable()
    return (whole - spent[0]) / count * 1e6, whole / count * 1e6


async def recorder_cost(folder: Path, count: int) -> dict[str, float]:
    settings = Settings()
    recording = Recording(settings, recorder_command(folder / "bench.db", settings))
    await recording.start()
    pid = recording.pid or 0
    rest = pss_of(pid)
    cpu_s, began_s = cpu_of(pid), time.monotonic()
    tap = recording.tap
    for _batch in range(count // 64):
        for _ in range(64):
            exchange = exchange_of(tap.next_id())
            tap.opened(exchange)
            tap.closed(exchange)
        while recording.backlog_bytes > 4 << 20:  # as fast as it can be taken, and nothing lost
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
    found = await recording.search(limit=1)
    wall_s = time.monotonic() - began_s
    cpu_s = cpu_of(pid) - cpu_s
    assert found[0].id == count
    assert recording.state().lost == 0
    searches: dict[str, float] = {}
    for text in ("status:404", "path:/api/items/19999", "header:nothing-holds-this", "body:nothing-holds-this"):
        began_s = time.monotonic()
        await recording.search(text)
        searches[f"search {text} ms"] = (time.monotonic() - began_s) * 1e3
    while recording.state().exchanges > settings.keep_exchanges:
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    numbers = {
        "recorder CPU µs per exchange": cpu_s / count * 1e6,
        "exchanges/s, wall": count / wall_s,
        "PSS at rest MiB": rest,
        "PSS after the load MiB": pss_of(pid),
        "store MiB": recording.state().bytes / 1048576,
        **searches,
    }
    await recording.close()
    return numbers


def main() -> None:
    bare = [tap_cost_us() for _ in range(7)]
    print(f"tap: opened + closed µs per exchange: {statistics.median(part for part, _ in bare):.2f}")
    print(f"tap: with encoding µs per exchange:   {statistics.median(whole for _, whole in bare):.2f}")
    rounds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(asyncio.run(recorder_cost(Path(folder), 64_000)))
    for name in rounds[0]:
        print(f"{name}: {statistics.median(numbers[name] for numbers in rounds):,.1f}")


if __name__ == "__main__":
    main()
