"""HTTPS at the door beside nginx and Caddy: kept connections, full handshakes, HTTP/2.

All three have a certificate of the same kind (ECDSA P-256) and lead to the same plain backend.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bench import homeport, peers
from bench.load import flood
from bench.machine import cpu_s
from bench.peers import Peer, Stage, Starter
from bench.process import free_port, running
from bench.rounds import Effort, Numbers, Results

_STREAMS = "32"  # at a time on each of 8 connections


def measure(everyone: Iterable[Peer], effort: Effort, stage: Stage, say: Callable[[str], None]) -> Results:
    results = Results()
    found = list(everyone)
    for number in range(effort.rounds):
        say(f"https: round {number + 1} of {effort.rounds}")
        for peer in found:
            numbers, errors = _one_round(peer, effort, stage.programs)
            results.add(peer.name, numbers)
            results.errors[peer.name] = results.errors.get(peer.name, 0) + errors
    return results


def _one_round(peer: Peer, effort: Effort, programs: dict[str, str]) -> tuple[Numbers, int]:
    before = cpu_s(peer.pids)
    many = flood(programs["wrk"], peer.port, connections=32, seconds=effort.seconds, scheme="https")
    used = cpu_s(peer.pids) - before
    short = flood(programs["wrk"], peer.port, connections=16, seconds=effort.seconds, close=True, scheme="https")
    numbers = {
        "requests/s": many.per_second,
        "CPU µs/request": used / many.requests * 1e6,
        "p50 µs": many.p50_us,
        "handshakes/s": short.per_second,
    }
    if "h2load" in programs and not peer.name.endswith("recording"):
        numbers["h2 requests/s"] = _h2load(programs["h2load"], peer.port, effort.seconds)
    return numbers, many.errors + short.errors


def _h2load(program: str, port: int, seconds: float) -> float:
    command = [program, "-c8", f"-m{_STREAMS}", f"-D{seconds:.0f}", f"https://localhost:{port}/small"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    succeeded = re.search(r"(\d+) succeeded", done.stdout)
    if succeeded is None or not int(succeeded[1]) or "h2" not in done.stdout:
        return 0.0
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", done.stdout)
    return float(rate[1]) if rate else 0.0


@contextmanager
def nginx(stage: Stage) -> Iterator[Peer]:
    port = free_port()
    certificate, key = _certificate(stage)
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    config = peers.nginx_config(
        stage.folder / "nginx-tls",
        f"upstream backend {{ server 127.0.0.1:{stage.backend_port}; keepalive 64; keepalive_requests 100000000; }}"
        f" server {{ listen 127.0.0.1:{port} ssl http2 backlog=4096; {tls}"
        " location / { proxy_pass http://backend; proxy_http_version 1.1;"
        ' proxy_set_header Connection ""; proxy_max_temp_file_size 0; } }',
    )
    command = [stage.programs["nginx"], "-c", str(config), "-e", "/dev/null"]
    with running(command, port, stage.folder / "nginx.log") as pids:
        yield Peer("nginx", port, pids)


@contextmanager
def caddy(stage: Stage) -> Iterator[Peer]:
    port = free_port()
    certificate, key = _certificate(stage)
    config = stage.folder / "Caddyfile"
    config.write_text(
        "{\n  admin off\n  auto_https off\n  persist_config off\n}\n"
        f"https://localhost:{port}, https://127.0.0.1:{port} {{\n  bind 127.0.0.1\n  tls {certificate} {key}\n"
        f"  reverse_proxy 127.0.0.1:{stage.backend_port}\n}}\n"
    )
    command = [stage.programs["caddy"], "run", "--config", str(config), "--adapter", "caddyfile"]
    home = {"XDG_DATA_HOME": str(stage.folder), "XDG_CONFIG_HOME": str(stage.folder), "GOMAXPROCS": "1"}
    with running(command, port, stage.folder / "caddy.log", **home) as pids:
        yield Peer("caddy", port, pids)


def _certificate(stage: Stage) -> tuple[str, str]:
    """For nginx and Caddy, of the same kind as the door's own."""
    folder = stage.folder / "certificate"
    if not folder.exists():
        environment = {**os.environ, "HOMEPORT_HOME": str(stage.folder / "certificate-home")}
        homeport.say(environment, "cert", "localhost", "--out", str(folder))
    return str(folder / "localhost.pem"), str(folder / "localhost-key.pem")


EVERYONE: list[Starter] = [nginx, caddy, homeport.unrecorded, homeport.recorded]
