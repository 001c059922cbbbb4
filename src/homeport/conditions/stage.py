"""What every condition's stage promises: parcels in, the same or later parcels out. Stages never look at a clock.

The due of a parcel that comes in is the moment it arrives at the stage. On a stream parcels come in the order of their
dues and must leave in it; one with an ending is the last.
"""

from __future__ import annotations

from math import inf

from homeport.conditions.parcel import Parcel, What


class Stage:
    """Passes everything on. `wake_s` is when it wants `wake` called though nothing came."""

    wake_s = inf

    def __init__(self) -> None:
        self.dropped: list[Parcel] = []  # the planner takes them after each call

    def plan(self, parcel: Parcel) -> list[Parcel]:
        return [parcel]

    def miss(self) -> None:
        """A datagram found no room before it came here. Throw the dice as for any other: what befalls the next ones
        must not hang on how fast they came."""

    def wake(self, now_s: float) -> list[Parcel]:
        return []

    def read_again_s(self) -> float:
        """A stream should not be read before this moment: what is under way fills the queue."""
        return -inf

    def adopt(self, old: Stage) -> None:
        """Take over what the stage of the settings before knows: fill of a queue, counts, states."""

    def release(self) -> list[Parcel]:
        """What it holds back without a due, handed over when the settings change."""
        return []

    def drop(self, parcel: Parcel, what: What) -> list[Parcel]:
        self.dropped.append(Parcel(parcel.data, parcel.due_s, None, (*parcel.why, (what, 0.0))))
        return []


def later(parcel: Parcel, due_s: float, what: What, amount: float) -> Parcel:
    return Parcel(parcel.data, due_s, parcel.ending, (*parcel.why, (what, amount)))
