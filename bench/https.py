"""HTTPS at the door beside nginx and Caddy: kept connections, new ones with full and resumed handshakes, HTTP/2.

All three have a certificate of the same kind (ECDSA P-256), speak TLS 1.3 and lead to the same plain backend. New
connections are made by a client of our own: wrk resumes its sessions, so nothing of it is a full handshake.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bench import homeport, peers
from bench.load import flood
from bench.machine import cpu_s
from bench.peers import Peer, Stage, Starter
from bench.process import free_port, running
from bench.rounds import Effort, Numbers, Results

_STREAMS = "32"  # at a time on each of 8 connections; so 256 connections to the backend are kept


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
    numbers = {
        "requests/s": many.per_second,
        "CPU µs/request": used / many.requests * 1e6,
        "p50 µs": many.p50_us,
        **_new_connections(peer, effort.seconds, "handshake", resumes=False),
        **_new_connections(peer, effort.seconds, "resumption", resumes=True),
    }
    if "h2load" in programs and not peer.name.endswith("recording"):
        before = cpu_s(peer.pids)
        rate, count = _h2load(programs["h2load"], peer.port, effort.seconds)
        numbers |= {"h2 requests/s": rate, "CPU µs/h2 request": (cpu_s(peer.pids) - before) / max(count, 1) * 1e6}
    return numbers, many.errors


def _new_connections(peer: Peer, seconds: float, kind: str, *, resumes: bool) -> Numbers:
    """One after the other, each with a handshake and one request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    session = _connect_once(context, peer.port, None)
    count, before, begun = 0, cpu_s(peer.pids), time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        session = _connect_once(context, peer.port, session if resumes else None)
        count += 1
    used = cpu_s(peer.pids) - before
    return {f"{kind}s/s": count / passed, f"CPU µs/{kind}": used / count * 1e6}


def _connect_once(context: ssl.SSLContext, port: int, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
    """The session to resume."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as sock,
        context.wrap_socket(sock, server_hostname="localhost", session=session) as secure,
    ):
        if secure.session_reused != (session is not None):
            raise ConnectionError("a full handshake instead of a resumption, or the other way about")
        secure.sendall(b"GET /small HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % port)
        answer = b""
        while data := secure.recv(64 * 1024):
            answer += data
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise ConnectionError(f"instead of the page: {answer[:100]!r}")
        return secure.session


def _h2load(program: str, port: int, seconds: float) -> tuple[float, int]:
    """Requests a second, and all of them."""
    command = [program, "-c8", f"-m{_STREAMS}", f"-D{seconds:.0f}", f"https://localhost:{port}/small"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    succeeded = re.search(r"(\d+) succeeded", done.stdout)
    if succeeded is None or not int(succeeded[1]) or "h2" not in done.stdout:
        return 0.0, 0
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", done.stdout)
    return float(rate[1]) if rate else 0.0, int(succeeded[1])


@contextmanager
def nginx(stage: Stage) -> Iterator[Peer]:
    port = free_port()
    certificate, key = _certificate(stage)
    tls = f"ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {certificate}; ssl_certificate_key {key};"
    config = peers.nginx_config(
        stage.folder / "nginx-tls",
        f"upstream backend {{ server 127.0.0.1:{stage.backend_port}; keepalive 256; keepalive_requests 100000000; }}"
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
