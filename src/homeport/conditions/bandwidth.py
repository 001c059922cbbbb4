"""A bottleneck: a token bucket that says when the last byte of each parcel is through.

The bucket is kept as the moment when all of it will be through (virtual scheduling), counted in bytes from where the
queue was last empty, so that no error adds up over millions of parcels.
"""

from __future__ import annotations

from math import inf

from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import Bandwidth
from homeport.conditions.stage import Stage, later

SLICE_S = 0.02  # a stream flows in pieces of this time, as on a real line, and not in one lump per read
SMALLEST_SLICE_BYTES = 512


class Bucket:
    """One bottleneck, of one connection or shared by all of a route."""

    def __init__(self, settings: Bandwidth) -> None:
        self._bytes_per_s = settings.rate_bps / 8
        self._burst_s = settings.burst_bytes / self._bytes_per_s if settings.rate_bps else 0.0
        self._empty_s = -inf
        self._bytes = 0

    def adopt(self, old: Bucket) -> None:
        """What is queued stays queued, at the rate that it was promised."""
        through_s = old.through_s()
        if through_s < inf:
            self._empty_s, self._bytes = through_s, 0

    def through_s(self) -> float:
        if not self._bytes_per_s:
            return inf if self._bytes else self._empty_s
        return self._empty_s + self._bytes / self._bytes_per_s

    def wait_s(self, now_s: float) -> float:
        """How long something that comes now waits before its first byte."""
        return max(0.0, self.through_s() - self._burst_s - now_s)

    def take(self, size_bytes: int, now_s: float) -> float:
        """When the last byte of it is through."""
        if self.through_s() <= now_s:
            self._empty_s, self._bytes = now_s, 0
        self._bytes += size_bytes
        return max(now_s, self.through_s() - self._burst_s)


class BandwidthStage(Stage):
    def __init__(self, settings: Bandwidth, bucket: Bucket, *, is_stream: bool) -> None:
        super().__init__()
        self._bucket, self._is_stream = bucket, is_stream
        self._queue_s = settings.queue_ms / 1000
        self._slice_bytes = max(SMALLEST_SLICE_BYTES, int(settings.rate_bps / 8 * SLICE_S))
        self._held: list[Parcel] = []
        self._is_shut = settings.rate_bps == 0

    def adopt(self, old: Stage) -> None:
        if isinstance(old, BandwidthStage) and old._bucket is not self._bucket and not old._is_shut:
            self._bucket.adopt(old._bucket)

    def read_again_s(self) -> float:
        return inf if self._is_shut else self._bucket.through_s() - self._queue_s

    def release(self) -> list[Parcel]:
        held, self._held = self._held, []
        return held

    def plan(self, parcel: Parcel) -> list[Parcel]:
        if self._is_shut:
            return self._shut(parcel)
        if not self._is_stream:
            if self._bucket.wait_s(parcel.due_s) > self._queue_s:
                return self.drop(parcel, "queue-full")
            return [self._through(parcel, parcel.data, parcel.ending)]
        size, step = len(parcel.data), self._slice_bytes
        if size <= step:
            return [self._through(parcel, parcel.data, parcel.ending)]
        starts = range(0, size, step)
        return [
            self._through(parcel, parcel.data[start : start + step], parcel.ending if start == starts[-1] else None)
            for start in starts
        ]

    def _through(self, parcel: Parcel, data: bytes, ending: object) -> Parcel:
        due_s = self._bucket.take(len(data), parcel.due_s)
        piece = Parcel(data, due_s, parcel.ending if ending else None, parcel.why)
        return later(piece, due_s, "queued", due_s - parcel.due_s) if due_s > parcel.due_s else piece

    def _shut(self, parcel: Parcel) -> list[Parcel]:
        if not self._is_stream:
            return self.drop(parcel, "queue-full")
        self._held.append(parcel)
        return []
