"""The network conditions of a TCP route, and of each connection that feels them.

They belong to the relay's thread. A route that never had any has none of this, and pays nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from homeport.conditions.plan import Entry, SharedPair
from homeport.conditions.settings import Conditions
from homeport.gateway.client_choice import EVERYBODY, ClientNetwork, ClientNetworks
from homeport.gateway.underway import Room, Underway
from homeport.model.net_client import Match, Visitor

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
    """Of one route, from the first that were set on it."""

    def __init__(self, calls: Calls, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self.room = room
        self.clock = clock
        self.networks = ClientNetworks()
        self._calls = calls
        self._felt: set[Felt] = set()

    def set(self, settings: Conditions | None, client: str = EVERYBODY, matches: tuple[Match, ...] = ()) -> None:
        """For connections to come; those that run are told by whoever has them."""
        self.networks.set(settings, client, matches)

    @property
    def refuses_all(self) -> bool:
        return self.networks.refuse_all

    def begin(self, exchange: Exchange, visitor: Visitor, *, ran_already: bool = False) -> Felt | None:
        """What a connection feels; None while nothing is asked of its network."""
        network = self.networks.of(visitor)
        if network.settings is None:
            return None
        felt = Felt(self, exchange, visitor, network, ran_already=ran_already)
        self._felt.add(felt)
        return felt

    def left(self, felt: Felt) -> None:
        self._felt.discard(felt)
        felt.network.gone_up += felt.pair.up.counts
        felt.network.gone_down += felt.pair.down.counts

    def shared(self) -> list[SharedPair]:
        """What the connections of each client share."""
        return [network.shared for network in self.networks.all()]

    def call_at(self, at_s: float, call: Callable[[object, float], object]) -> None:
        self._calls.put(at_s, call, None)

    def held_bytes(self) -> tuple[int, int]:
        """Read, and not yet passed on: up and down. May be asked from any thread, and be a parcel wrong."""
        felt = list(self._felt)
        return sum(one.up.held_bytes for one in felt), sum(one.down.held_bytes for one in felt)

    def state(self, client: str = EVERYBODY) -> TcpConditionsState:
        """May be asked from any thread: sums can be a decision apart."""
        network = self.networks.called(client)
        felt = [one for one in list(self._felt) if one.network is network]
        return TcpConditionsState(
            settings=network.settings,
            connections=len(felt),
            held_bytes=sum(one.held_bytes for one in felt),
            up=dict(sum((one.pair.up.counts for one in felt), Counter(network.gone_up))),
            down=dict(sum((one.pair.down.counts for one in felt), Counter(network.gone_down))),
        )


class Felt:
    """What one connection feels: the planners of both directions, and what they have under way."""

    __slots__ = ("_exchange", "_visitor", "down", "network", "of_route", "pair", "up")

    def __init__(
        self,
        of_route: TcpConditions,
        exchange: Exchange,
        visitor: Visitor,
        network: ClientNetwork,
        *,
        ran_already: bool,
    ) -> None:
        self.of_route = of_route
        self.network = network
        self.pair, exchange.conditions = network.begin("stream", of_route.clock(), ran_already=ran_already)
        pair = self.pair
        self.up = Underway(pair.up, of_route.room)
        self.down = Underway(pair.down, of_route.room)
        self._exchange, self._visitor = exchange, visitor

    @property
    def entry(self) -> Entry:
        return self.pair.entry

    @property
    def held_bytes(self) -> int:
        return self.up.cost + self.down.cost

    def change(self) -> None:
        """What holds for it now, for the next byte."""
        if self._exchange.conditions is not None:
            self._exchange.conditions.changes += 1
        self.network = network = self.of_route.networks.of(self._visitor)
        up, down = self.pair.change(network.settings, self.of_route.clock(), network.shared)
        self.up.take(up)
        self.down.take(down)

    def left(self) -> None:
        self.pair.end_record()
        self.of_route.left(self)
