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
LATE_BYTES = 4 * 1024 * 1024  # that are due, but that the sink does not take: what is on its way goes on coming
ALL_BYTES = 256 * 1024 * 1024  # of a whole relay, beyond which each has what is sure
SMALLEST_CHUNK = 512
FIRST_CHUNK = 4 * 1024
LARGEST_CHUNK = 256 * 1024  # a fast line is a third faster with it than with 64 KiB
_MANY_PARCELS = 64
_LONG_S = 0.05


class Room:
    """How much all connections of a relay hold together."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class Underway:
    """`chunk` is how much to read at once: what a slow line cannot take soon should stay where it is."""

    __slots__ = ("_late", "_late_cost", "_parcels", "_room", "chunk", "cost", "planner")

    def __init__(self, planner: Planner, room: Room) -> None:
        self.planner = planner
        self.chunk = FIRST_CHUNK
        self.cost = 0
        self._room = room
        self._parcels: deque[Parcel] = deque()
        self._late: deque[Parcel] = deque()  # the first of them, found due when the sink took no more
        self._late_cost = 0

    def __len__(self) -> int:
        return len(self._late) + len(self._parcels)

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
        self._account(sum(map(_cost, parcels)))

    def put_back(self, parcel: Parcel) -> None:
        """It was due, and could not leave."""
        self._late.appendleft(parcel)
        self._late_cost += _cost(parcel)
        self._account(_cost(parcel))

    def next_due(self, now_s: float) -> Parcel | None:
        """Takes it out; None where nothing is due yet."""
        if self._late:
            parcel = self._late.popleft()
            self._late_cost -= _cost(parcel)
        elif self._parcels and self._parcels[0].due_s <= now_s:
            parcel = self._parcels.popleft()
        else:
            return None
        self._account(-_cost(parcel))
        return parcel

    @property
    def held_bytes(self) -> int:
        return self.cost - PARCEL_BYTES * len(self)

    @property
    def next_s(self) -> float:
        first = self._late or self._parcels
        return first[0].due_s if first else inf

    @property
    def is_clear(self) -> bool:
        """Nothing is asked of this direction any more, and all that was under way has left."""
        return not len(self) and self.planner.is_idle

    def may_read(self, now_s: float, *, is_stuck: bool = False) -> bool:
        """`is_stuck`: the sink takes no more for now."""
        planner = self.planner
        if planner.has_ended:
            return False
        if planner.is_idle:
            return not len(self)  # first what is under way, then as without conditions
        if self.cost >= (SURE_BYTES if self._room.held >= ALL_BYTES else MOST_BYTES):
            return False
        if is_stuck and self._is_too_late(now_s):
            return False
        return planner.read_again_s() <= now_s

    def forget(self) -> None:
        self._account(-self.cost)
        self._parcels.clear()
        self._late.clear()
        self._late_cost = 0

    def _is_too_late(self, now_s: float) -> bool:
        """The sink is behind by more than its buffer would be, had it one. A pause of its own makes it late, too: the
        line must not run empty for that."""
        while self._parcels and self._parcels[0].due_s <= now_s and self._late_cost < LATE_BYTES:
            parcel = self._parcels.popleft()
            self._late.append(parcel)
            self._late_cost += _cost(parcel)
        return self._late_cost >= LATE_BYTES

    def _account(self, cost: int) -> None:
        self.cost += cost
        self._room.held += cost


def _cost(parcel: Parcel) -> int:
    return len(parcel.data) + PARCEL_BYTES
