"""The network conditions of a TCP route, and of each connection that feels them.

They belong to the relay's thread. A route that never had any has none of this, and pays nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from homeport.conditions.plan import Entry, Pair, SharedPair, begin
from homeport.conditions.settings import Conditions, Outage
from homeport.conditions.standing import Standing
from homeport.gateway.underway import Room, Underway

if TYPE_CHECKING:
    from homeport.gateway.pump import Release
    from homeport.model.exchange import Exchange


class TcpConditionsState(msgspec.Struct, frozen=True):
    """How a route stands. The counts are decisions since it was made: "came", "sent", "delayed", "lost" ..."""

    settings: Conditions | None
    connections: int  # that feel them
    held_bytes: int
    up: dict[str, int]  # what clients sent
    down: dict[str, int]


class Calls(Protocol):
    """What of a Pump is needed here."""

    def put(self, due_s: float, release: Release, what: object) -> None: ...


class TcpConditions:
    """Of one route, from the first that were set on it. `settings` None: cleared."""

    def __init__(self, calls: Calls, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self.room = room
        self.clock = clock
        self._calls = calls
        self.shared = SharedPair()
        self._standing = Standing()
        self._felt: set[Felt] = set()
        self._gone_up: Counter[str] = Counter()
        self._gone_down: Counter[str] = Counter()

    @property
    def settings(self) -> Conditions | None:
        return self._standing.settings

    def set(self, settings: Conditions | None) -> None:
        """For connections to come."""
        self._standing.set(settings)

    @property
    def refuses_all(self) -> bool:
        settings = self.settings
        return (
            settings is not None
            and settings.share == 1
            and any(
                isinstance(one, Outage) and one.how == "refuse" and one.share == 1
                for one in (*settings.up, *settings.down)
            )
        )

    def begin(self, exchange: Exchange) -> Felt | None:
        """What a connection feels; None while there are no conditions."""
        now_s = self.clock()
        decisions = self._standing.begin(now_s)
        if self.settings is None or decisions is None:
            return None
        exchange.conditions = decisions.felt
        pair = begin(self.settings, "stream", now_s, str(decisions.felt.number), self.shared)
        pair.record(decisions)
        felt = Felt(self, exchange, pair)
        self._felt.add(felt)
        return felt

    def left(self, felt: Felt) -> None:
        self._felt.discard(felt)
        self._gone_up += felt.pair.up.counts
        self._gone_down += felt.pair.down.counts

    def call_at(self, at_s: float, call: Callable[[object, float], object]) -> None:
        self._calls.put(at_s, call, None)

    def held_bytes(self) -> tuple[int, int]:
        """Read, and not yet passed on: up and down. May be asked from any thread, and be a parcel wrong."""
        felt = list(self._felt)
        return sum(one.up.held_bytes for one in felt), sum(one.down.held_bytes for one in felt)

    def state(self) -> TcpConditionsState:
        """May be asked from any thread: sums can be a decision apart."""
        felt = list(self._felt)
        return TcpConditionsState(
            settings=self.settings,
            connections=len(felt),
            held_bytes=sum(one.held_bytes for one in felt),
            up=dict(sum((one.pair.up.counts for one in felt), Counter(self._gone_up))),
            down=dict(sum((one.pair.down.counts for one in felt), Counter(self._gone_down))),
        )


class Felt:
    """What one connection feels: the planners of both directions, and what they have under way."""

    __slots__ = ("_exchange", "down", "of_route", "pair", "up")

    def __init__(self, of_route: TcpConditions, exchange: Exchange, pair: Pair) -> None:
        self.of_route = of_route
        self.pair = pair
        self.up = Underway(pair.up, of_route.room)
        self.down = Underway(pair.down, of_route.room)
        self._exchange = exchange

    @property
    def entry(self) -> Entry:
        return self.pair.entry

    @property
    def held_bytes(self) -> int:
        return self.up.cost + self.down.cost

    def change(self, settings: Conditions | None) -> None:
        """For the next byte."""
        if self._exchange.conditions is not None:
            self._exchange.conditions.changes += 1
        up, down = self.pair.change(settings, self.of_route.clock())
        self.up.take(up)
        self.down.take(down)

    def left(self) -> None:
        self.of_route.left(self)
