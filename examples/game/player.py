"""One player's side: it does not wait for the server, but moves its boat at once and corrects itself when told.

    own boat     predicted: where the server last saw it, and every steering since that the server has not seen
    other boat   dead reckoning: where the server last saw it, and straight on

What is drawn is wrong for as long as datagrams are missing, and jumps when the next one comes: `jumped`.
"""

from __future__ import annotations

import random
from collections import deque

from messages import MOST_STEERINGS, Boat, Snapshot, Steerings, pack_steerings
from world import Place, Steer, buoy, distance, start, step, towards

JUMP = 2.5  # columns: more than a turn that nobody could foresee


class Errors:
    """How far something was drawn from where it turned out to be, in columns."""

    def __init__(self) -> None:
        self.largest = self.total = 0.0
        self.corrections = self.jumps = 0
        self.recent: deque[float] = deque(maxlen=40)  # one a tick
        self._now = 0.0

    def add(self, error: float) -> None:
        self.largest = max(self.largest, error)
        self.total += error
        self.corrections += error > 0
        self.jumps += error >= JUMP
        self._now = max(self._now, error)

    def next_tick(self) -> None:
        self.recent.append(self._now)
        self._now = 0.0


class Player:
    """`resends`: each datagram carries every steering that the server has not seen yet, not only the last."""

    def __init__(self, name: str, *, resends: bool = False) -> None:
        self.name = name
        self.place = start(name)  # predicted, and drawn
        self.others: dict[str, Boat] = {}
        self.known: Boat | None = None  # as the server last told
        self.jumped: tuple[Place, Place] | None = None
        self.own, self.other = Errors(), Errors()
        self.sent = self.received = self.missed = 0
        self._resends = resends
        self._match = random.getrandbits(32)
        self._unseen: deque[tuple[int, Steer]] = deque(maxlen=MOST_STEERINGS)
        self._tick = 0

    @property
    def goal(self) -> Place:
        return buoy(self.name, self.known.fetched if self.known else 0)

    @property
    def is_settled(self) -> bool:
        return not self._unseen

    def next_tick(self, steer: Steer | None = None) -> bytes:
        """Move at once, and answer with the datagram to send. None: go for the buoy."""
        steer = towards(self.place, self.goal) if steer is None else steer
        self.sent += 1
        self._unseen.append((self.sent, steer))
        self.place = step(self.place, steer)
        for name, boat in self.others.items():
            self.others[name] = boat._replace(place=step(boat.place, boat.steer))
        self.own.next_tick()
        self.other.next_tick()
        unseen = list(self._unseen) if self._resends else [(self.sent, steer)]
        return pack_steerings(Steerings(self.name, self._match, unseen[0][0], [one for _, one in unseen]))

    def told(self, snapshot: Snapshot) -> None:
        """The server's word is final."""
        mine = snapshot.boats.get(self.name)
        if snapshot.tick <= self._tick or mine is None or mine.match != self._match:
            return  # overtaken by a newer one, or for somebody else
        self.missed += max(0, snapshot.tick - self._tick - 1) if self._tick else 0
        self.received += 1
        self._tick, self.known = snapshot.tick, mine
        self._correct(mine)
        for name, boat in snapshot.boats.items():
            if name == self.name:
                continue
            if name in self.others and self.others[name].match == boat.match:
                self.other.add(distance(self.others[name].place, boat.place))
            self.others[name] = boat

    def _correct(self, mine: Boat) -> None:
        while self._unseen and self._unseen[0][0] <= mine.seen:
            self._unseen.popleft()
        place = mine.place
        for _, steer in self._unseen:
            place = step(place, steer)
        error = distance(self.place, place)
        self.own.add(error)
        if error >= JUMP:
            self.jumped = self.place, place
        self.place = place
