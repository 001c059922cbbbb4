"""Counts of one direction of datagrams, and a histogram of delays. It never looks at a clock."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, log2

from homeport.model.udp import DatagramCounts

_PER_OCTAVE = 16  # buckets from 1 µs on, each 4.4 % wider than the one before
_BUCKETS = 32 * _PER_OCTAVE  # up to 71 minutes


class Delays:
    """How long datagrams were held back."""

    __slots__ = ("_buckets", "largest_s", "total")

    def __init__(self) -> None:
        self._buckets = [0] * _BUCKETS
        self.total = 0
        self.largest_s = 0.0

    def add(self, delay_s: float) -> None:
        micros = delay_s * 1e6
        bucket = int(log2(micros) * _PER_OCTAVE) if micros > 1 else 0
        self._buckets[bucket if bucket < _BUCKETS else -1] += 1
        self.total += 1
        if delay_s > self.largest_s:
            self.largest_s = delay_s

    def merge(self, other: Delays) -> None:
        self._buckets = [mine + theirs for mine, theirs in zip(self._buckets, other._buckets, strict=True)]
        self.total += other.total
        self.largest_s = max(self.largest_s, other.largest_s)

    def percentile_s(self, share: float) -> float:
        """The middle of the bucket that holds it; 0.0 where nothing was added."""
        wanted, seen = max(1, ceil(self.total * share)), 0
        for bucket, count in enumerate(self._buckets):
            seen += count
            if seen >= wanted:
                return min(self.largest_s, 2 ** ((bucket + 0.5) / _PER_OCTAVE) * 1e-6)
        return 0.0


class Counts:
    """Written by the relay's thread, read from anywhere."""

    __slots__ = ("bytes", "datagrams", "delays", "dropped", "duplicated", "reordered", "unsent_bytes")

    def __init__(self) -> None:
        self.unsent_bytes = 0  # of what conditions dropped, less what they doubled
        self.datagrams = self.bytes = self.dropped = self.duplicated = self.reordered = 0
        self.delays: Delays | None = None  # None: nothing was ever delayed

    def delayed(self, delay_s: float) -> None:
        if self.delays is None:
            self.delays = Delays()
        self.delays.add(delay_s)

    @property
    def passed_bytes(self) -> int:
        return self.bytes - self.unsent_bytes

    def merge(self, other: Counts) -> None:
        self.datagrams += other.datagrams
        self.bytes += other.bytes
        self.dropped += other.dropped
        self.duplicated += other.duplicated
        self.reordered += other.reordered
        self.unsent_bytes += other.unsent_bytes
        if other.delays is not None:
            self.delays = self.delays or Delays()
            self.delays.merge(other.delays)

    def state(self) -> DatagramCounts:
        state = DatagramCounts(
            datagrams=self.datagrams,
            bytes=self.bytes,
            dropped=self.dropped,
            duplicated=self.duplicated,
            reordered=self.reordered,
        )
        if self.delays is not None:
            state.delay_p50_ms = round(self.delays.percentile_s(0.5) * 1000, 3)
            state.delay_p99_ms = round(self.delays.percentile_s(0.99) * 1000, 3)
            state.delay_max_ms = round(self.delays.largest_s * 1000, 3)
        return state


def total(parts: Iterable[Counts]) -> Counts:
    whole = Counts()
    for part in parts:
        whole.merge(part)
    return whole
