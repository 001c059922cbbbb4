"""What the loopback self-test found: facts, and the numbers made of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from homeport.machine.loopback import Tuning
from homeport.machine.network import Loopback

# Upper ends of the buckets of a histogram, in µs: steps that the eye takes for even, as times are spread.
BUCKETS_US = tuple(step * 10**power for power in range(6) for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8))


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Round trips, summed up. `histogram`: how many took at most so many µs, and longer than the one before."""

    count: int
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float
    histogram: tuple[tuple[float, int], ...] = ()


class Echoed(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol on one address, really tried. `error` is '' where every byte came back."""

    protocol: Literal["tcp", "udp"]
    address: str
    error: str = ""
    times: Times | None = None
    bytes_per_s: float | None = None  # one direction, TCP


class LoopbackFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the self-test knows. `time_wait` None: not known."""

    system: str  # as sys.platform names it
    loopback: Loopback
    tuning: Tuning
    echoed: tuple[Echoed, ...]
    ephemeral: tuple[int, int]
    time_wait: int | None = None

    @property
    def ephemeral_count(self) -> int:
        low, high = self.ephemeral
        return high - low + 1


def summed(times_us: Sequence[float]) -> Times:
    """Percentiles by nearest rank. At least one time is needed."""
    ordered = sorted(times_us)

    def rank(percent: float) -> float:
        return ordered[math.ceil(percent / 100 * len(ordered)) - 1]

    return Times(
        count=len(ordered),
        p50_us=rank(50),
        p90_us=rank(90),
        p99_us=rank(99),
        max_us=ordered[-1],
        histogram=_histogram(ordered),
    )


def _histogram(ordered: Sequence[float]) -> tuple[tuple[float, int], ...]:
    """From the first bucket that holds one to the last that does; what is longer than all is in an endless one."""
    counts = [0] * (len(BUCKETS_US) + 1)
    at = 0
    for time_us in ordered:
        while at < len(BUCKETS_US) and time_us > BUCKETS_US[at]:
            at += 1
        counts[at] += 1
    used = [place for place, count in enumerate(counts) if count]
    ends = (*BUCKETS_US, math.inf)
    return tuple((ends[place], counts[place]) for place in range(used[0], used[-1] + 1))
