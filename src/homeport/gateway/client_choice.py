"""Which conditions hold for a client of a route: those that were set for it alone, else those for everybody.

It looks at nobody by itself: a visitor is described by who accepted it, and its process is looked up only where one is
asked for.
"""

from __future__ import annotations

from collections import Counter

from homeport.conditions.plan import Pair, SharedPair, begin
from homeport.conditions.settings import Conditions, Layer, Outage
from homeport.conditions.standing import Standing
from homeport.model.conditions_felt import ConditionsFelt
from homeport.model.net_client import Fields, Match, Visitor

EVERYBODY = ""


class ClientChoice:
    """Of one route. A `client` is what it was called when its conditions were set; "" is everybody."""

    def __init__(self) -> None:
        self._settings: dict[str, Conditions] = {}
        self._matches: dict[str, tuple[Match, ...]] = {}
        self._narrowest: list[tuple[Match, str]] = []

    @property
    def everybody(self) -> Conditions | None:
        return self._settings.get(EVERYBODY)

    @property
    def is_clean(self) -> bool:
        """Nothing is set, for nobody."""
        return not self._settings

    @property
    def has_own(self) -> bool:
        """Not everybody is treated alike."""
        return bool(self._narrowest)

    def set(self, conditions: Conditions | None, client: str = EVERYBODY, matches: tuple[Match, ...] = ()) -> None:
        """None: as everybody again; and for everybody a network without faults. Of two that fit alike, the one that
        was set last counts."""
        self._settings.pop(client, None)
        self._matches.pop(client, None)
        if conditions is not None:
            self._settings[client] = conditions
            if client != EVERYBODY:
                self._matches[client] = matches
        every = [(match, client) for client, matches in reversed(self._matches.items()) for match in matches]
        self._narrowest = sorted(every, key=lambda one: one[0].rank)

    def client_of(self, visitor: Visitor, fields: Fields = ()) -> str:
        for match, client in self._narrowest:
            if match.fits(visitor, fields):
                return client
        return EVERYBODY

    def of(self, client: str) -> Conditions | None:
        """None: nothing is asked of its network."""
        return self._settings.get(client)


class ClientNetwork:
    """Conditions as they stand for one client, or for everybody: their numbers, their bottlenecks, and what was decided
    about those who have left."""

    __slots__ = ("client", "gone_down", "gone_up", "shared", "standing")

    def __init__(self, client: str) -> None:
        self.client = client
        self.standing = Standing()
        self.shared = SharedPair()
        self.gone_up: Counter[str] = Counter()
        self.gone_down: Counter[str] = Counter()

    @property
    def settings(self) -> Conditions | None:
        return self.standing.settings

    def begin(self, layer: Layer, now_s: float, *, ran_already: bool) -> tuple[Pair, ConditionsFelt | None]:
        """The planners of somebody who begins to feel these, and what is recorded of it."""
        decisions = self.standing.begin(now_s, ran_already=ran_already)
        if decisions is None:  # a clean network
            return begin(Conditions(), layer, now_s, "", self.shared), None
        felt = decisions.felt
        felt.client = self.client
        pair = begin(self.settings or Conditions(), layer, now_s, str(felt.number), self.shared)
        pair.record(decisions)
        return pair, felt


class ClientNetworks:
    """All networks of one route."""

    def __init__(self) -> None:
        self._choice = ClientChoice()
        self._all = {EVERYBODY: ClientNetwork(EVERYBODY)}

    def set(self, conditions: Conditions | None, client: str = EVERYBODY, matches: tuple[Match, ...] = ()) -> None:
        """See ClientChoice."""
        self._choice.set(conditions, client, matches)
        self.called(client).standing.set(conditions)

    @property
    def is_clean(self) -> bool:
        """Nothing is set, for nobody."""
        return self._choice.is_clean

    def of(self, visitor: Visitor) -> ClientNetwork:
        """Its own, or everybody's; `settings` None: a clean one."""
        return self.called(self._choice.client_of(visitor))

    def called(self, client: str) -> ClientNetwork:
        if client not in self._all:
            self._all[client] = ClientNetwork(client)
        return self._all[client]

    def all(self) -> list[ClientNetwork]:
        return list(self._all.values())

    @property
    def refuse_all(self) -> bool:
        """Nobody is there, for nobody: the port itself may be closed."""
        settings = self._choice.everybody
        if settings is None or settings.share < 1 or self._choice.has_own:
            return False
        every = (*settings.up, *settings.down)
        return any(isinstance(one, Outage) and one.how == "refuse" and one.share == 1 for one in every)
