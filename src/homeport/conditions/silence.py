"""Nothing passes: a black hole that swallows or holds, and an outage where nobody seems to be there."""

from __future__ import annotations

from math import inf

from homeport.conditions.parcel import Ending, Parcel
from homeport.conditions.settings import Outage, Silence
from homeport.conditions.stage import Stage

HELD_BYTES = 1 << 20


class SwallowStage(Stage):
    """Silence and outages for datagrams."""

    def __init__(self, *, is_outage: bool) -> None:
        super().__init__()
        self._is_outage = is_outage

    def plan(self, parcel: Parcel) -> list[Parcel]:
        return self.drop(parcel, "outage" if self._is_outage else "silence")


class HoldStage(Stage):
    """Silence on a stream, and the outage that hangs: bytes stay, unread if the pump asks `read_again_s`, until the
    settings change or the silence has lasted so long that the connection closes."""

    def __init__(self, settings: Silence | Outage, now_s: float) -> None:
        super().__init__()
        self._close_after_s = settings.close_after_ms / 1000 if isinstance(settings, Silence) else 0.0
        self._held: list[Parcel] = []
        self._restart(now_s)

    def _restart(self, now_s: float) -> None:
        if self._close_after_s:
            self.wake_s = now_s + self._close_after_s

    def plan(self, parcel: Parcel) -> list[Parcel]:
        self._held.append(parcel)
        self._restart(parcel.due_s)
        return []

    def wake(self, now_s: float) -> list[Parcel]:
        if now_s < self.wake_s:
            return []
        due_s, self.wake_s = self.wake_s, inf
        return [Parcel(b"", due_s, "close", (("silence", 0.0),))]

    def read_again_s(self) -> float:
        """Bytes must be seen to start its time anew, as far as there is room for them."""
        has_room = self._close_after_s and sum(len(parcel.data) for parcel in self._held) < HELD_BYTES
        return -inf if has_room else inf

    def release(self) -> list[Parcel]:
        held, self._held = self._held, []
        return held


class CutStage(Stage):
    """An outage that refuses or drops, for connections that run already: they end at once."""

    def __init__(self, settings: Outage, now_s: float) -> None:
        super().__init__()
        self._ending: Ending = "reset" if settings.how == "refuse" else "close"
        self.wake_s = now_s

    def plan(self, parcel: Parcel) -> list[Parcel]:
        self.wake_s = inf
        return [Parcel(b"", parcel.due_s, self._ending, (*parcel.why, ("outage", 0.0)))]

    def wake(self, now_s: float) -> list[Parcel]:
        return self.plan(Parcel(b"", now_s)) if now_s >= self.wake_s else []
