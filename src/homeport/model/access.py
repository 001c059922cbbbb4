"""Who may use a route: the conditions as a user writes them, and what is known about who is at the other end.

Conditions of accounts (`same_user`, `users`) say whose processes may connect, those of secrets (`token`, `basic`) what
they must show. Deciding is homeport.gateway.access; nothing here looks at a connection.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ANYONE_LOCAL, SAME_USER, TOKEN, PUBLIC = "anyone-local", "same-user", "token", "public"
WORDS = (ANYONE_LOCAL, SAME_USER, TOKEN, PUBLIC)  # what may be written as one word; users and passwords need more

CrossSite = Literal["allow", "deny"]


class Access(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nothing set: every local process. An account and a secret are both asked for where both are set."""

    same_user: bool = False  # processes of the user that the engine belongs to
    users: list[str | int] = []  # names or uids of local accounts that may connect
    token: bool = False  # a token of `homeport token`
    basic: dict[str, str] = {}  # user -> password as homeport.model.password hashes it; or a token, where both are set
    public: bool = False  # everybody, other computers too where it is exposed to them; stands alone

    def __str__(self) -> str:
        """`same-user`, `users ann, 1001`, `same-user and token or password`, without any secret."""
        accounts = [SAME_USER] if self.same_user else []
        if self.users:
            accounts.append(f"users {', '.join(map(str, self.users))}")
        secrets = [TOKEN] if self.token else []
        if self.basic:
            secrets.append("password")
        asked = " and ".join(" or ".join(words) for words in (accounts, secrets) if words)
        return asked or (PUBLIC if self.public else ANYONE_LOCAL)

    @property
    def needs_secret(self) -> bool:
        return self.token or bool(self.basic)


EVERYONE = Access()


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the process at the other end of a connection; `uid` is None where that is not known, because
    `why`. `can_tell` is False where this system never says."""

    uid: int | None = None
    why: str = ""
    can_tell: bool = True


class TokenSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What `homeport token new` asks for."""

    name: str
    route: str = ""  # the only route that it opens; "" is every route that takes tokens
    lasts_s: float | None = None


class TokenState(msgspec.Struct, kw_only=True):
    """One token as `homeport token` lists it. Times are ISO 8601, UTC."""

    name: str
    route: str = ""
    created: str = ""
    ends: str = ""  # "" for never
    has_ended: bool = False


class NewToken(msgspec.Struct, kw_only=True):
    """The only answer that ever holds the token itself."""

    token: str
    state: TokenState
