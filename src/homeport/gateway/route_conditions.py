"""Whose network is how, on an HTTP route: everybody's conditions, and those of single clients.

Each connection of a client has connections to the upstream of its own, so that two clients feel two networks. Bytes
wait in conditioned.py; who a client is, is told by ClientChoice.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from homeport.conditions.dice import Dice
from homeport.conditions.http import HttpFaults
from homeport.conditions.plan import Pair, SharedPair, begin
from homeport.conditions.settings import Conditions
from homeport.conditions.standing import Standing
from homeport.gateway.client_choice import EVERYBODY, ClientChoice
from homeport.gateway.conditioned import ConditionedStream, Fate
from homeport.gateway.cut_off import CutOff
from homeport.gateway.h2_call import H2Call
from homeport.gateway.outbound import Outbound
from homeport.gateway.pool import Pool
from homeport.gateway.pump import Pump
from homeport.model.net_client import Fields, Match, Visitor

if TYPE_CHECKING:
    from homeport.gateway.client_side import ClientSide
    from homeport.gateway.h2_outbound import H2Outbound
    from homeport.gateway.h2_upstream import H2Upstream
    from homeport.gateway.visit import Visit
    from homeport.wire.http1 import RequestHead

_clock = time.monotonic


class RouteConditions:
    """Of one route. Made when conditions are first set; afterwards nothing may be set, for what runs on under it."""

    def __init__(self, conditions: Conditions | None, pump: Pump) -> None:
        self._pump = pump
        self._choice = ClientChoice()
        self._felt: dict[str, ClientConditions] = {}
        self._changed = asyncio.Event()
        self.set(conditions)

    def set(
        self,
        conditions: Conditions | None,
        client: str = EVERYBODY,
        matches: tuple[Match, ...] = (),
        visits: Iterable[Visit] = (),
    ) -> None:
        """From the next byte on, for the `visits` under way too. None: a client is as everybody again."""
        self._choice.set(conditions, client, matches)
        if conditions is not None or client in self._felt:
            self._of(client).change(conditions)
        for felt in list(self._felt.values()):
            for stream in list(felt.streams):
                self._of(self._choice.client_of(stream.visitor, stream.fields)).take(stream)
        for visit in visits:
            self._take_over(visit)
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, client: ClientSide, head: RequestHead) -> ClientConditions | None:
        """What the network of this request is; None: as it is."""
        if self._choice.is_clean:
            return None
        return self._now(client.visitor(), head.headers)

    async def enter(self, client: ClientSide, head: RequestHead) -> tuple[ClientConditions, Pair] | None:
        """The planners of a new connection; waits while the network hangs. Raises CutOff where nobody is there."""
        numbers: dict[str, str] = {}
        while True:
            felt = self.of(client, head)
            if felt is None:
                return None
            who = numbers[felt.client] = numbers.get(felt.client) or felt.next_connection()
            pair = felt.begin(who)
            if pair.entry == "open":
                return felt, pair
            if pair.entry != "hang":
                raise CutOff("reset" if pair.entry == "refuse" else "close", "network conditions: outage")
            await self._changed.wait()

    async def admit(self, client: ClientSide, head: RequestHead) -> Callable[[H2Outbound], None] | None:
        """The same, for a connection that other requests of this client may come to use. Answers with what to do with
        it when it is there."""
        entered = await self.enter(client, head)
        if entered is None:
            return None
        felt, pair = entered
        return lambda outbound: felt.hold(pair, outbound, client.visitor(), head.headers)

    def pools(self) -> list[Pool | H2Upstream]:
        """Those of all clients; empty ones are forgotten."""
        return [pool for felt in self._felt.values() for pool in felt.pools()]

    def close(self) -> None:
        """The route is gone: nobody will sweep its idle connections any more."""
        for pool in self.pools():
            if isinstance(pool, Pool):
                pool.close()
            else:
                pool.leave()

    def shared(self) -> list[SharedPair]:
        """What the connections of each client share."""
        return [felt.shared for felt in self._felt.values()]

    def held_up_bytes(self) -> int:
        """Taken from clients, and not yet passed on."""
        return sum(stream.lanes[0].held_bytes for felt in self._felt.values() for stream in felt.streams)

    def total(self, client: str = EVERYBODY) -> Counter[str]:
        """How often each decision was made, "came" and "sent" among them."""
        felt = self._felt.get(client)
        return felt.total() if felt is not None else Counter()

    def _now(self, visitor: Visitor, fields: Fields) -> ClientConditions | None:
        client = self._choice.client_of(visitor, fields)
        return self._of(client) if self._choice.of(client) is not None else None

    def _of(self, client: str) -> ClientConditions:
        if client not in self._felt:
            self._felt[client] = ClientConditions(client, self._choice.of(client), self._pump)
        return self._felt[client]

    def _take_over(self, visit: Visit) -> None:
        """It went out on a network without conditions."""
        outbound, head, client = visit.outbound, visit.head, visit.inbound
        if isinstance(outbound, H2Call):
            self._take_over_shared(outbound.connection)
        if not isinstance(outbound, Outbound) or isinstance(outbound.transport, ConditionedStream) or head is None:
            return
        felt = self.of(client, head)
        if felt is not None:
            outbound.keep_in(felt.pool(client.client))
            felt.hold(felt.begin(felt.next_connection()), outbound, client.visitor(), head.headers)
            outbound.strike(felt.suffer(visit, ran_already=True))
            if client.is_full:
                outbound.transport.pause_reading()

    def _take_over_shared(self, connection: H2Outbound) -> None:
        """Requests of several clients are under way there, so it feels what everybody does."""
        if self._choice.everybody is not None and not isinstance(connection.transport, ConditionedStream):
            felt = self._of(EVERYBODY)
            felt.hold(felt.begin(felt.next_connection()), connection, Visitor(""), ())


class ClientConditions:
    """What one client feels, or everybody without conditions of its own. `conditions` None: a clean network."""

    def __init__(self, client: str, conditions: Conditions | None, pump: Pump) -> None:
        self.client = client
        self.conditions = conditions
        self.streams: set[ConditionedStream] = set()
        self._pump = pump
        self._counts: Counter[str] = Counter()  # of connections that are over
        self.shared = SharedPair()
        self._pools: dict[str, Pool] = {}
        self._h2s: dict[str, H2Upstream] = {}
        self._standing = Standing(conditions)
        self._connections = 0
        self._faults = _faults(conditions)

    def change(self, conditions: Conditions | None) -> None:
        before, self.conditions = self.conditions, conditions
        if self._standing.set(conditions):
            self._connections = 0
        if conditions is not None and (before is None or conditions.http != before.http):  # else they count on
            self._faults = _faults(conditions)
        for stream in list(self.streams):
            stream.change(conditions, self.shared)

    def take(self, stream: ConditionedStream) -> None:
        """It feels these from the next byte on."""
        if stream.felt is not self:
            stream.felt.streams.discard(stream)
            stream.felt = self
            self.streams.add(stream)
            stream.change(self.conditions, self.shared)

    def decide(self, visit: Visit, method: str, target: str) -> Fate:
        """What goes wrong with one request."""
        fate = self.suffer(visit)
        if fate.decisions is not None:
            fate.decisions.felt.requests = self._faults.next_numbers()
        decision = self._faults.decide(method, target.partition("?")[0])
        self.count(Counter(what for what, _ in decision.why))
        if fate.decisions is not None:
            fate.decisions.of_request(_clock(), decision.why)
        return msgspec.structs.replace(fate, fault=decision)

    def suffer(self, visit: Visit, *, ran_already: bool = False) -> Fate:
        """The network of its exchange is ours, from now on."""
        decisions = self._standing.begin(_clock(), ran_already=ran_already)
        if decisions is not None:
            decisions.felt.client = self.client
            visit.exchange.conditions = decisions.felt
        return Fate(decisions)

    def pool(self, client: str) -> Pool:
        """The idle connections of one connection of a client."""
        return self._pools.setdefault(client, Pool())

    def h2(self, client: str, of_route: H2Upstream) -> H2Upstream:
        """The one connection to an upstream that speaks HTTP/2, for one connection of a client."""
        if client not in self._h2s:
            self._h2s[client] = of_route.apart()
        return self._h2s[client]

    def pools(self) -> list[Pool | H2Upstream]:
        self._pools = {client: pool for client, pool in self._pools.items() if not pool.is_empty}
        self._h2s = {client: h2 for client, h2 in self._h2s.items() if not h2.is_empty}
        return [*self._pools.values(), *self._h2s.values()]

    def next_connection(self) -> str:
        """Its number, in the order of their coming."""
        self._connections += 1
        return str(self._connections)

    def begin(self, who: str) -> Pair:
        return begin(self.conditions or Conditions(), "stream", _clock(), who, self.shared)

    def hold(self, pair: Pair, outbound: Outbound | H2Outbound, visitor: Visitor, fields: Fields) -> None:
        """All that passes there feels these conditions."""
        self.streams.add(ConditionedStream(outbound, pair, self._pump, self, visitor, fields))

    def left(self, stream: ConditionedStream) -> None:
        self.streams.discard(stream)
        for lane in stream.lanes:
            self.count(lane.planner.counts)

    def count(self, decided: Counter[str]) -> None:
        """They are over, and nobody else counts them."""
        self._counts += decided

    def total(self) -> Counter[str]:
        running = (lane.planner.counts for stream in self.streams for lane in stream.lanes)
        return sum(running, Counter(self._counts))


def _faults(conditions: Conditions | None) -> HttpFaults:
    conditions = conditions or Conditions()
    return HttpFaults(conditions.http, Dice(f"{conditions.seed}/http"))
