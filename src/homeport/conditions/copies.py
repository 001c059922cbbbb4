"""Datagrams that come twice, and datagrams that come with a wrong bit or byte."""

from __future__ import annotations

from homeport.conditions.dice import Dice
from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import Corruption, Duplication
from homeport.conditions.stage import Stage, later


class DuplicationStage(Stage):
    """Copies are made before all else, so each has a fate of its own."""

    def __init__(self, settings: Duplication, dice: Dice) -> None:
        super().__init__()
        self._rate, self._copies, self._dice = settings.rate, settings.copies, dice

    def plan(self, parcel: Parcel) -> list[Parcel]:
        if not self._dice.happens(self._rate):
            return [parcel]
        copies = (later(parcel, parcel.due_s, "duplicated", number) for number in range(1, self._copies + 1))
        return [parcel, *copies]


class CorruptionStage(Stage):
    def __init__(self, settings: Corruption, dice: Dice) -> None:
        super().__init__()
        self._rate, self._unit, self._dice = settings.rate, settings.unit, dice

    def plan(self, parcel: Parcel) -> list[Parcel]:
        if not parcel.data or not self._dice.happens(self._rate):
            return [parcel]
        data = bytearray(parcel.data)
        if self._unit == "bit":
            position = self._dice.below(len(data) * 8)
            data[position // 8] ^= 0x80 >> position % 8
        else:
            position = self._dice.below(len(data))
            data[position] ^= 1 + self._dice.below(255)
        return [Parcel(bytes(data), parcel.due_s, parcel.ending, (*parcel.why, ("corrupted", position)))]
