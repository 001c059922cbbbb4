"""How a stream ends too early, or too late: after so many bytes, with a reset, with a slow close."""

from __future__ import annotations

from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import DataLimit, Reset, SlowClose
from homeport.conditions.stage import Stage, later


class DataLimitStage(Stage):
    def __init__(self, settings: DataLimit) -> None:
        super().__init__()
        self._limit, self._ending, self._passed = settings.limit_bytes, settings.ending, 0

    def adopt(self, old: Stage) -> None:
        if isinstance(old, DataLimitStage):
            self._passed = old._passed

    def plan(self, parcel: Parcel) -> list[Parcel]:
        room = max(0, self._limit - self._passed)
        self._passed += len(parcel.data)
        if len(parcel.data) < room or not parcel.data:
            return [parcel]
        return [Parcel(parcel.data[:room], parcel.due_s, self._ending, (*parcel.why, ("limit", self._limit)))]


class ResetStage(Stage):
    """What comes between the first bytes and the reset is not delivered."""

    def __init__(self, settings: Reset) -> None:
        super().__init__()
        self._after_s = settings.after_ms / 1000

    def plan(self, parcel: Parcel) -> list[Parcel]:
        return [Parcel(b"", parcel.due_s + self._after_s, "reset", (*parcel.why, ("reset", 0.0)))]


class SlowCloseStage(Stage):
    """Bytes that come with the close leave at once; only the close waits."""

    def __init__(self, settings: SlowClose) -> None:
        super().__init__()
        self._delay_s = settings.delay_ms / 1000

    def plan(self, parcel: Parcel) -> list[Parcel]:
        if parcel.ending != "close":
            return [parcel]
        close = later(Parcel(b"", 0.0, "close", parcel.why), parcel.due_s + self._delay_s, "slow-close", self._delay_s)
        return [Parcel(parcel.data, parcel.due_s, None, parcel.why), close] if parcel.data else [close]
