"""One direction of one client under network conditions: the one place that asks when, and whether, a datagram leaves.

Where a route has no conditions there is no lane, and nobody pays. What was planned keeps its due, whatever is changed
later; what finds no room is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from homeport.conditions.parcel import Parcel
from homeport.conditions.plan import Planner
from homeport.gateway.pump import Pump
from homeport.gateway.udp_counts import Counts

HELD_BYTES = 128 * 1024 * 1024  # of one route, each way: 2 s of 50,000 small datagrams a second are 40 MB
OVERHEAD_BYTES = 256  # what Python needs for a datagram that waits, about


class Room:
    """How much is held back in one direction of a route."""

    __slots__ = ("held_bytes",)

    def __init__(self) -> None:
        self.held_bytes = 0

    def take(self, data: bytes) -> bool:
        size = len(data) + OVERHEAD_BYTES
        if self.held_bytes + size > HELD_BYTES:
            return False
        self.held_bytes += size
        return True

    def give_back(self, data: bytes) -> None:
        self.held_bytes -= len(data) + OVERHEAD_BYTES


class UdpLane:
    """`deliver` sends one datagram on, `together` several; they never raise."""

    __slots__ = ("_came", "_counts", "_deliver", "_due", "_newest", "_pump", "_room", "_together", "held", "planner")

    def __init__(
        self,
        planner: Planner,
        counts: Counts,
        pump: Pump,
        room: Room,
        deliver: Callable[[bytes], object],
        together: Callable[[list[bytes]], object],
    ) -> None:
        self.planner = planner
        self.held = 0  # datagrams
        self._counts = counts
        self._pump = pump
        self._room = room
        self._deliver, self._together = deliver, together
        self._due: list[bytes] = []  # to be sent at the end of the pump's turn
        self._came = 0
        self._newest = 0  # the number of the latest datagram that has left

    def feed(self, data: bytes) -> None:
        """A datagram came."""
        now_s = monotonic()  # not the loop's: what came while others were read must not be due earlier
        self._came += 1
        planner = self.planner
        parcels = planner.plan(data, now_s)
        if planner.dropped:
            self._counts.dropped += len(planner.dropped)
            self._counts.unsent_bytes += sum(len(parcel.data) for parcel in planner.dropped)
        if len(parcels) > 1:
            self._counts.duplicated += len(parcels) - 1
            self._counts.unsent_bytes -= len(data) * (len(parcels) - 1)
        self.take(parcels, now_s)

    def take(self, parcels: list[Parcel], now_s: float) -> None:
        """What was planned: let it go, or hold it back."""
        for parcel in parcels:
            data, due_s = parcel.data, parcel.due_s
            if due_s <= now_s:
                self._leaves(self._came)
                self._deliver(data)
            elif self._room.take(data):
                self.held += 1
                self._pump.put(due_s, self._release, (data, self._came, now_s))
            else:
                self._counts.dropped += 1

    def _release(self, held: tuple[bytes, int, float], _due_s: float) -> None:
        data, number, came_s = held
        self.held -= 1
        self._room.give_back(data)
        self._counts.delayed(monotonic() - came_s)
        self._leaves(number)
        if not self._due:
            self._pump.after_turn(self._send_due)
        self._due.append(data)

    def _send_due(self) -> None:
        due, self._due = self._due, []
        self._deliver(due[0]) if len(due) == 1 else self._together(due)

    def _leaves(self, number: int) -> None:
        if number < self._newest:
            self._counts.reordered += 1
        else:
            self._newest = number
