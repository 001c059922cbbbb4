"""The use cases on tokens: what `homeport token` lists, makes and revokes."""

from __future__ import annotations

import builtins
from collections.abc import Callable

from homeport.app.token_book import TokenBook
from homeport.model.access import NewToken, TokenSpec, TokenState
from homeport.model.errors import HomeportError
from homeport.model.name import RESERVED, is_route_name

LONGEST_NAME = 64
LONGEST_S = 10 * 365 * 86400.0


class TokensUseCases:
    """`revoked` is called with the name of a token that counts no more."""

    def __init__(self, book: TokenBook, revoked: Callable[[str], None]) -> None:
        self._book, self._revoked = book, revoked

    async def new(self, spec: TokenSpec) -> NewToken:
        if not (spec.name.strip() and spec.name.isprintable() and len(spec.name) <= LONGEST_NAME):
            raise HomeportError("bad-usage", "a token needs a name of up to 64 printable characters", "laptop")
        if spec.route and (spec.route == RESERVED or not is_route_name(spec.route)):
            raise HomeportError("bad-usage", f"{spec.route!r} cannot be a route that takes tokens", "homeport status")
        if spec.lasts_s is not None and not 0 < spec.lasts_s <= LONGEST_S:
            raise HomeportError("bad-usage", "a token lasts more than 0 seconds and at most ten years", "--for 30d")
        token, state = self._book.make(spec.name, spec.route, spec.lasts_s)
        return NewToken(token=token, state=state)

    async def list(self) -> builtins.list[TokenState]:
        return self._book.states()

    async def revoke(self, name: str) -> TokenState:
        """It opens nothing from now on, and what it has opened ends."""
        state = self._book.remove(name)
        if state is None:
            raise HomeportError("not-found", f"no token is called {name!r}", "homeport token")
        self._revoked(name)
        return state
