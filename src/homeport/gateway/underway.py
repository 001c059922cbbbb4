"""What is under way in one direction of a stream: its planner, and what that planned, in the order in which it leaves.

It never reads or writes, and never looks at a clock. Its owner asks `may_read` before it reads: that bounds the memory.
"""

from __future__ import annotations

from collections import deque
from math import inf

from homeport.conditions.parcel import Ending, Parcel
from homeport.conditions.plan import Planner

PARCEL_BYTES = 256  # what a parcel takes besides its bytes
SURE_BYTES = 256 * 1024  # each direction may hold this much, however much the others do
MOST_BYTES = 64 * 1024 * 1024  # 50 ms of 10 Gbit/s
STUCK_BYTES = 4 * 1024 * 1024  # while the sink takes no more: 50 ms of what a sink of 80 MB/s wants next
ALL_BYTES = 256 * 1024 * 1024  # of a whole relay, beyond which each has what is sure
SMALLEST_CHUNK = 512
FIRST_CHUNK = 4 * 1024
LARGEST_CHUNK = 64 * 1024
_MANY_PARCELS = 64
_LONG_S = 0.05


class Room:
    """How much all connections of a relay hold together."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class Underway:
    """`chunk` is how much to read at once: what a slow line cannot take soon should stay where it is."""

    __slots__ = ("_parcels", "_room", "chunk", "cost", "planner")

    def __init__(self, planner: Planner, room: Room) -> None:
        self.planner = planner
        self.chunk = FIRST_CHUNK
        self.cost = 0
        self._room = room
        self._parcels: deque[Parcel] = deque()

    def __len__(self) -> int:
        return len(self._parcels)

    def feed(self, data: bytes, now_s: float) -> None:
        parcels = self.planner.plan(data, now_s)
        self.take(parcels)
        if len(parcels) > _MANY_PARCELS or (parcels and parcels[-1].due_s - parcels[0].due_s > _LONG_S):
            self.chunk = max(SMALLEST_CHUNK, self.chunk // 2)
        elif len(data) == self.chunk:
            self.chunk = min(LARGEST_CHUNK, self.chunk * 2)

    def end(self, now_s: float, ending: Ending = "close") -> None:
        self.take(self.planner.end(now_s, ending))

    def wake(self, now_s: float) -> None:
        if self.planner.wake_s <= now_s:
            self.take(self.planner.wake(now_s))

    def take(self, parcels: list[Parcel]) -> None:
        """The planner's dues never fall, so what comes last leaves last."""
        self._parcels.extend(parcels)
        self._account(sum(len(parcel.data) + PARCEL_BYTES for parcel in parcels))

    def put_back(self, parcel: Parcel) -> None:
        self._parcels.appendleft(parcel)
        self._account(len(parcel.data) + PARCEL_BYTES)

    def next_due(self, now_s: float) -> Parcel | None:
        """Takes it out; None where nothing is due yet."""
        if not self._parcels or self._parcels[0].due_s > now_s:
            return None
        parcel = self._parcels.popleft()
        self._account(-len(parcel.data) - PARCEL_BYTES)
        return parcel

    @property
    def held_bytes(self) -> int:
        return self.cost - PARCEL_BYTES * len(self._parcels)

    @property
    def next_s(self) -> float:
        return self._parcels[0].due_s if self._parcels else inf

    @property
    def is_clear(self) -> bool:
        """Nothing is asked of this direction any more, and all that was under way has left."""
        return not self._parcels and self.planner.is_idle

    def may_read(self, now_s: float, *, is_stuck: bool = False) -> bool:
        """`is_stuck`: the sink takes no more for now."""
        planner = self.planner
        if planner.has_ended:
            return False
        if planner.is_idle:
            return not self._parcels  # first what is under way, then as without conditions
        most = STUCK_BYTES if is_stuck else MOST_BYTES
        if self.cost >= (SURE_BYTES if self._room.held >= ALL_BYTES else most):
            return False
        return planner.read_again_s() <= now_s

    def forget(self) -> None:
        self._account(-self.cost)
        self._parcels.clear()

    def _account(self, cost: int) -> None:
        self.cost += cost
        self._room.held += cost
