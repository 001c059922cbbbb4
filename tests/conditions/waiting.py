"""Parcels that wait for their due, in the order in which they leave. It holds them; a pump looks at the clock."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

from homeport.conditions.parcel import Parcel


class Waiting:
    """A heap by due; what is due at the same moment leaves in the order of its coming, so streams keep theirs."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Parcel]] = []
        self._came = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            self._came += 1
            self.bytes += len(parcel.data)
            heappush(self._heap, (parcel.due_s, self._came, parcel))

    @property
    def next_due_s(self) -> float:
        return self._heap[0][0] if self._heap else inf

    def take_due(self, now_s: float) -> list[Parcel]:
        """All that is due by now, never one that is not."""
        out: list[Parcel] = []
        while self._heap and self._heap[0][0] <= now_s:
            parcel = heappop(self._heap)[2]
            self.bytes -= len(parcel.data)
            out.append(parcel)
        return out
