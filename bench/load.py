"""Puts load on a port of this machine, and says what came back. Everything ends by itself after a bounded time."""

from __future__ import annotations

import dataclasses
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers import LARGE

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


@dataclasses.dataclass(frozen=True)
class Flood:
    """What wrk saw; latencies in µs. `errors` counts answers other than 200 and broken connections."""

    requests: int
    per_second: float
    p50_us: float
    p99_us: float
    errors: int


def flood(wrk: str, port: int, *, connections: int, seconds: float, close: bool = False, scheme: str = "http") -> Flood:
    """As many requests for 1 KiB as go through. `close`: a new connection for each."""
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency"]
    command += ["-H", "Connection: close"] if close else []
    done = subprocess.run([*command, f"{scheme}://127.0.0.1:{port}/small"], capture_output=True, text=True, check=True)
    text = done.stdout
    rejected = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = (int(rejected[1]) if rejected else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Flood(
        requests=int(_number(r"(\d+) requests in", text)),
        per_second=_number(r"Requests/sec:\s+([\d.]+)", text),
        p50_us=_latency(50, text),
        p99_us=_latency(99, text),
        errors=errors,
    )


def download(port: int, times: int) -> float:
    """Bytes per second of fetching 64 MiB, `times` over on one connection."""
    buffer = bytearray(64 * 1024)
    begun = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        for _ in range(times):
            sock.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise ConnectionError(f"instead of the page: {head[:100]!r}")
            left = LARGE - len(head.partition(b"\r\n\r\n")[2])
            while left:
                got = sock.recv_into(buffer, min(left, len(buffer)))
                if not got:
                    raise ConnectionError("the download ended early")
                left -= got
    return times * LARGE / (time.perf_counter() - begun)


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[None]:
    """That many keep-alive connections, each after one request."""
    socks: list[socket.socket] = []
    try:
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port), timeout=30)
            socks.append(sock)
            sock.sendall(b"GET /small HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            got = b""
            while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 1024:
                data = sock.recv(4096)
                if not data:
                    raise ConnectionError("an idle connection was closed")
                got += data
        yield
    finally:
        for sock in socks:
            sock.close()


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"wrk said something else: {text}")
    return float(found[1])


def _latency(percent: int, text: str) -> float:
    found = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", text)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
