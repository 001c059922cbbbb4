"""Interleaved rounds: every peer is measured once per round, so that a busy moment of the machine hits all of them.

What is kept are the numbers of every round; ratios are taken within a round, and then their median.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterable

from bench.load import download, flood
from bench.machine import cpu_s, pss_mib
from bench.peers import LARGE, Peer

Numbers = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Effort:
    """How long each part takes."""

    rounds: int = 7
    seconds: float = 2
    latency_seconds: float = 2
    downloads: int = 4


QUICK = Effort(rounds=2, seconds=1, latency_seconds=1, downloads=2)


class Results:
    """Peer name -> quantity -> one number per round."""

    def __init__(self) -> None:
        self.rounds: dict[str, dict[str, list[float]]] = {}
        self.errors: dict[str, int] = {}

    def add(self, peer: str, numbers: Numbers) -> None:
        mine = self.rounds.setdefault(peer, {})
        for name, value in numbers.items():
            mine.setdefault(name, []).append(value)

    def peers(self) -> list[str]:
        return list(self.rounds)

    def median(self, peer: str, name: str) -> float | None:
        values = self.rounds.get(peer, {}).get(name)
        return statistics.median(values) if values else None

    def ratio(self, peer: str, other: str, name: str) -> float | None:
        """The median of the ratios within each round."""
        mine, theirs = (self.rounds.get(one, {}).get(name, []) for one in (peer, other))
        pairs = [a / b for a, b in zip(mine, theirs, strict=False) if b > 0]
        return statistics.median(pairs) if pairs else None

    def spread(self, peer: str, name: str) -> tuple[float, float] | None:
        values = self.rounds.get(peer, {}).get(name)
        return (min(values), max(values)) if values else None


def measure(peers: Iterable[Peer], effort: Effort, wrk: str, say: Callable[[str], None], topic: str) -> Results:
    results = Results()
    everyone = list(peers)
    for number in range(effort.rounds):
        say(f"{topic}: round {number + 1} of {effort.rounds}")
        base = 0.0
        for peer in everyone:
            numbers, errors = _one_round(peer, effort, wrk)
            base = base or numbers["p50 µs"]
            numbers["added p50 µs"] = numbers["p50 µs"] - base
            results.add(peer.name, numbers)
            results.errors[peer.name] = results.errors.get(peer.name, 0) + errors
    return results


def _one_round(peer: Peer, effort: Effort, wrk: str) -> tuple[Numbers, int]:
    before = cpu_s(peer.pids)
    many = flood(wrk, peer.port, connections=32, seconds=effort.seconds)
    used = cpu_s(peer.pids) - before
    one = flood(wrk, peer.port, connections=1, seconds=effort.latency_seconds)
    short = flood(wrk, peer.port, connections=32, seconds=effort.seconds, close=True)
    before = cpu_s(peer.pids)
    speed = download(peer.port, effort.downloads)
    moved = cpu_s(peer.pids) - before
    numbers = {
        "requests/s": many.per_second,
        "CPU µs/request": used / many.requests * 1e6,
        "p50 µs": one.p50_us,
        "p99 µs": one.p99_us,
        "connections/s": short.per_second,
        "download GB/s": speed / 1e9,
        "CPU ms/64 MiB": moved * 1e3 / effort.downloads,
        "CPU ms/GB": moved * 1e3 / (effort.downloads * LARGE / 1e9),
    }
    if peer.pids:
        numbers["memory MiB"] = pss_mib(peer.pids)
    return numbers, many.errors + one.errors + short.errors
