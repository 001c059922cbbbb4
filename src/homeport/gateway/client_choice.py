"""Which conditions hold for a client of a route: those that were set for it alone, else those for everybody.

It looks at nobody by itself: a visitor is described by who accepted it, and its process is looked up only where one is
asked for.
"""

from __future__ import annotations

from homeport.conditions.settings import Conditions
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
