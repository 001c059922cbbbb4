"""What a UDP route costs beside other relays, and how late delayed datagrams leave. CPU is that of the relay alone."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.lateness import LatenessTold
from bench.machine import cpu_s
from bench.rounds import Results

CLIENTS, WINDOW = 64, 16
MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
RUNNER = [sys.executable, "-m", "bench.udp_runner"]
PLAIN = "plain Python"
LATE = ((1_000, 4), (10_000, 4), (50_000, 2))  # datagrams a second, for so many seconds


@contextmanager
def process(*words: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Its port, which is the first thing it prints, and the process."""
    started = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        yield int(started.stdout.readline()), started
    finally:
        started.terminate()
        started.wait(10)


@contextmanager
def nginx(upstream: int, folder: Path) -> Iterator[tuple[int, int]]:
    """Port and pid of one nginx process with its stream module."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(
        f"load_module {MODULE}; daemon off; master_process off; pid {folder / 'pid'}; error_log /dev/null;"
        " events { worker_connections 4096; } stream { server {"
        f" listen 127.0.0.1:{port} udp rcvbuf=4m; proxy_pass 127.0.0.1:{upstream}; }} }}"
    )
    started = subprocess.Popen(["nginx", "-c", str(config), "-e", "/dev/null"])
    try:
        yield port, started.pid
    finally:
        started.terminate()
        started.wait(10)


def flood(port: int, clients: int, most_s: float) -> tuple[int, float]:
    """Datagrams relayed, both ways counted, and seconds. Each client has a window under way."""
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(clients)]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.connect(("127.0.0.1", port))
            sock.settimeout(0.2)
        data, done, began_s = b"x" * 64, 0, time.perf_counter()
        while time.perf_counter() - began_s < most_s:
            for sock in socks:
                for _ in range(WINDOW):
                    sock.send(data)
            for sock in socks:
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    for _ in range(WINDOW):
                        sock.recv(2048)
                        done += 1
        return 2 * done, time.perf_counter() - began_s


def measure(folder: Path, rounds: int, seconds: float, say: Callable[[str], None]) -> Results:
    results = Results()
    with ExitStack() as stack:
        upstream, _ = stack.enter_context(process(*RUNNER, "echo"))
        peers: dict[str, tuple[int, int]] = {}
        if Path(MODULE).exists():
            peers["nginx"] = stack.enter_context(nginx(upstream, folder))
        for name, words in {
            PLAIN: ["plain", str(upstream)],
            "homeport": ["relay", str(upstream)],
            "homeport, 5 ms": ["relay", str(upstream), "latency=5ms"],
            "homeport, 5±2 ms": ["relay", str(upstream), "latency=5ms jitter=2ms"],
        }.items():
            port, started = stack.enter_context(process(*RUNNER, *words))
            peers[name] = port, started.pid
        time.sleep(0.5)
        for number in range(rounds):
            say(f"udp: round {number + 1} of {rounds}")
            for name, (port, pid) in peers.items():
                before = cpu_s([pid])
                datagrams, took_s = flood(port, CLIENTS, seconds)
                used = (cpu_s([pid]) - before) / max(1, datagrams)
                results.add(name, {"datagrams/s": datagrams / took_s, "CPU µs/datagram": used * 1e6})
    return results


def delays(rounds: int, say: Callable[[str], None]) -> Results:
    """Of 50 ± 10 ms: how much later than their due datagrams left."""
    results = Results()
    for number in range(rounds):
        say(f"delays: round {number + 1} of {rounds}")
        for rate, seconds in LATE:
            results.add(f"{rate:,} datagrams/s", _lateness(rate, seconds))
    return results


def _lateness(rate: int, seconds: float) -> dict[str, float]:
    """Sent at an even pace to a sink that nobody reads."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sink.bind(("127.0.0.1", 0))
        with process(*RUNNER, "late", str(sink.getsockname()[1]), "latency=50ms jitter=10ms") as (port, started):
            time.sleep(0.5)
            sock.connect(("127.0.0.1", port))
            began_s, sent, before = time.perf_counter(), 0, cpu_s([started.pid])
            while (now_s := time.perf_counter() - began_s) < seconds:
                while sent < now_s * rate:
                    sock.send(b"x" * 64)
                    sent += 1
                time.sleep(0.0005)
            time.sleep(0.3)
            used = cpu_s([started.pid]) - before
            started.terminate()
            assert started.stdout is not None
            told = LatenessTold.of(started.stdout.read())
    lost = 100 * (1 - told.total / sent)
    return {**told.numbers, "not relayed %": lost, "CPU µs/datagram": used / sent * 1e6}
