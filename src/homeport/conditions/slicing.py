"""A stream cut into small pieces, for readers that believe one read is one message.

The cuts are places in the stream, whatever chunks it comes in: the same bytes are cut at the same places again.
"""

from __future__ import annotations

from math import inf

from homeport.conditions.dice import Dice
from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import Slicing
from homeport.conditions.stage import Stage


class SlicingStage(Stage):
    def __init__(self, settings: Slicing, dice: Dice) -> None:
        super().__init__()
        self._least = settings.size_bytes - settings.variation_bytes
        self._spread = 2 * settings.variation_bytes + 1
        self._apart_s = settings.delay_us / 1_000_000
        self._dice = dice
        self._left = 0  # bytes of the piece that has begun
        self._piece_s = self._next_s = -inf  # when that one leaves, and when the next one may

    def adopt(self, old: Stage) -> None:
        if isinstance(old, SlicingStage):
            self._next_s = old._next_s

    def plan(self, parcel: Parcel) -> list[Parcel]:
        if not parcel.data:
            return [Parcel(b"", max(parcel.due_s, self._next_s), parcel.ending, parcel.why)]
        goes_on = self._left > 0
        ends = self._ends(len(parcel.data))
        starts = [0, *ends[:-1]]
        return [
            self._piece(parcel, start, end, len(ends), goes_on=goes_on and not start)
            for start, end in zip(starts, ends, strict=True)
        ]

    def _ends(self, size: int) -> list[int]:
        ends, end = [], 0
        while end < size:
            if not self._left:
                self._left = self._least + (self._dice.below(self._spread) if self._spread > 1 else 0)
            step = min(self._left, size - end)
            self._left -= step
            end += step
            ends.append(end)
        return ends

    def _piece(self, parcel: Parcel, start: int, end: int, pieces: int, *, goes_on: bool) -> Parcel:
        due_s = self._piece_s = max(parcel.due_s, self._piece_s if goes_on else self._next_s)
        self._next_s = due_s + self._apart_s
        why = (*parcel.why, ("sliced", pieces)) if pieces > 1 else parcel.why
        ending = parcel.ending if end == len(parcel.data) else None
        return Parcel(parcel.data[start:end], due_s, ending, why)
