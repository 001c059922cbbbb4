"""The goals, as ratios between things measured in the same rounds, and whether they are reached.

toxiproxy is not packaged for every system: where it is not measured, its documented ratio to haproxy (14,102 to 20,325
requests/s, 1,657 to 4,246 connections/s, both on one CPU) stands in for it, and the goal says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bench import start, vite
from bench.rounds import Results
from bench.tcp_conditions import FAR, NONE

TOXIPROXY_REQUESTS = 14_102 / 20_325
TOXIPROXY_CONNECTIONS = 1_657 / 4_246
DOCUMENTED = "toxiproxy (documented figures)"


@dataclasses.dataclass(frozen=True)
class Goal:
    """`limit` is the most allowed, or with `at_least` the least."""

    topic: str
    what: str
    limit: float
    unit: str
    value: Callable[[Results], float | None]
    at_least: bool = False

    def reached(self, results: Results) -> bool | None:
        value = self.value(results)
        if value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


def ratio(peer: str, other: str, name: str, scale: float = 1.0) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        found = results.ratio(peer, other, name)
        return None if found is None else found / scale

    return value


def plain(peer: str, name: str, scale: float = 1.0) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        found = results.median(peer, name)
        return None if found is None else found / scale

    return value


def beyond_python(command: str) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        mine, python = results.median(command, "ms"), results.median("python -c pass", "ms")
        return None if mine is None or python is None else mine - python

    return value


RATE_10K = "10,000 datagrams/s"
SOCKET, PROCESS = "call: the socket, homeport", "call: its process, homeport"
CPU, RATE, SHORT = "CPU µs/request", "requests/s", "connections/s"

GOALS = [
    Goal("http", "CPU per request, not recorded", 1.25, "x nginx", ratio("homeport", "nginx", CPU)),
    Goal("http", "requests/s, not recorded", 3.5, "x caddy", ratio("homeport", "caddy", RATE), at_least=True),
    Goal("http", "requests/s, recorded", 2.5, "x caddy", ratio("homeport recording", "caddy", RATE), at_least=True),
    Goal(
        "http", "requests/s, recorded", 30, "x mitmdump",
        ratio("homeport recording", "mitmdump", RATE), at_least=True,
    ),
    Goal("http", "added latency p50, 1 connection", 1.3, "x nginx", ratio("homeport", "nginx", "added p50 µs")),
    Goal("http", "p99, 1 connection, recorded", 1.0, "ms", plain("homeport recording", "p99 µs", 1000)),
    Goal(
        "https", "full TLS 1.3 handshakes/s, with one request each", 0.9, "x nginx",
        ratio("homeport", "nginx", "handshakes/s"), at_least=True,
    ),
    Goal("https", "CPU per request, HTTP/1.1, not recorded", 1.5, "x nginx", ratio("homeport", "nginx", CPU)),
    Goal(
        "https", "HTTP/2 requests/s to an HTTP/1.1 upstream", 0.8, "x nginx",
        ratio("homeport", "nginx", "h2 requests/s"), at_least=True,
    ),
    Goal("vite", "first page over HTTP/2", 1.0, f"x {vite.H1}", ratio(vite.H2, vite.H1, "load ms")),
    Goal(
        "vite", "first page over HTTP/2, Vite 20 ms away", 1.0, f"x {vite.H1}",
        ratio(vite.H2, vite.H1, "load ms, 20 ms away"),
    ),
    Goal("tcp", "requests/s", 1.0, "x haproxy tcp", ratio("homeport tcp", "haproxy tcp", RATE), at_least=True),
    Goal(
        "tcp", "requests/s", 1.4, f"x {DOCUMENTED}",
        ratio("homeport tcp", "haproxy tcp", RATE, TOXIPROXY_REQUESTS), at_least=True,
    ),
    Goal("tcp", "CPU per GB", 0.2, "x haproxy tcp", ratio("homeport tcp", "haproxy tcp", "CPU ms/GB")),
    Goal(
        "tcp", "new connections/s", 1.8, f"x {DOCUMENTED}",
        ratio("homeport tcp", "haproxy tcp", SHORT, TOXIPROXY_CONNECTIONS), at_least=True,
    ),
    # 10 µs are 100,000 datagrams/s of one CPU.
    Goal("udp", "CPU per datagram, no conditions", 10, "µs", plain("homeport", "CPU µs/datagram")),
    Goal("udp", "CPU per datagram, delayed", 20, "µs", plain("homeport, 5 ms", "CPU µs/datagram")),
    Goal("delays", "p99 of the delay's error, 10,000 datagrams/s", 500, "µs", plain(RATE_10K, "late p99 µs")),
    Goal("delays", "the earliest, 10,000 datagrams/s", 0, "µs late", plain(RATE_10K, "earliest µs"), at_least=True),
    Goal("conditions", "bulk through 50 ms", 0.9, "x none", ratio(FAR, NONE, "bulk MB/s"), at_least=True),
    Goal("start", "homeport version, beyond python -c pass", 80, "ms", beyond_python("homeport version")),
    Goal("start", "homeport status, beyond python -c pass", 80, "ms", beyond_python("homeport status")),
    Goal("start", start.FIRST, 400, "ms", plain(start.FIRST, "ms")),
    *(
        goal
        for topic, many in (("ports", "50 sockets"), ("ports-2000", "2,000 sockets"))
        for goal in (
            Goal(topic, f"who PORT, {many}", 1.0, "x lsof", ratio("homeport who", "lsof", "ms")),
            Goal(topic, f"who PORT, {many}, beyond python -c pass", 80, "ms", beyond_python("homeport who")),
            Goal(topic, f"look-up of the socket, {many}", 1.0, "ms", plain(SOCKET, "ms")),
            Goal(topic, f"look-up to the process, {many}", 10, "ms", plain(PROCESS, "ms")),
            Goal(topic, f"look-up to the process, {many}", 1.0, "x ss -ltnp", ratio(PROCESS, "ss", "ms")),
        )
    ),
    Goal("memory", "all engine processes at rest", 50, "MiB", plain("homeport recording", "at rest MiB")),
    Goal("memory", "an idle keep-alive connection", 12, "KiB", plain("homeport", "KiB per idle connection")),
]  # fmt: skip

NOT_YET = [
    "1,000 routes with 10,000 idle connections",
]
