"""The use cases on clients whose network is their own: what `homeport net client` names, lists and forgets."""

from __future__ import annotations

import builtins

from homeport.app.client_book import ClientBook
from homeport.app.conditions import ConditionsUseCases
from homeport.app.seams import Conditioned
from homeport.model.errors import HomeportError
from homeport.model.net_client import NetClient, NetClientSpec


class ClientsUseCases:
    def __init__(self, book: ClientBook, conditions: ConditionsUseCases, conditioned: Conditioned) -> None:
        self._book, self._conditions, self._conditioned = book, conditions, conditioned

    async def name(self, spec: NetClientSpec) -> NetClient:
        """A new one, or other words for one that is known: what was set for it holds for them from the next byte on."""
        before = next((one for one in self._book.states() if one.name == spec.name), None)
        made = self._book.name(spec)
        try:
            self._conditioned.client_changed(made.name)
        except HomeportError:  # a route that it has conditions on cannot tell it by these words
            if before is not None:
                self._book.name(NetClientSpec(name=before.name, words=before.words))
                self._conditioned.client_changed(before.name)
            raise
        return made

    async def list(self) -> builtins.list[NetClient]:
        return self._book.states()

    async def forget(self, name: str) -> NetClient:
        """What was set for it is cleared."""
        for state in await self._conditions.list():
            if state.client == name:
                await self._conditions.clear(state.route, name)
        return self._book.remove(name)
