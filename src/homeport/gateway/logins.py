"""Looks at passwords: each one that is new in a thread, two at a time, and what was right once is known from then on.

What is remembered is a keyed hash that means nothing outside of this process. A user that does not exist takes as long
as a wrong password.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import OrderedDict

from homeport.gateway.access import Rule
from homeport.model.password import LN, P, R, is_password

AT_A_TIME = 2  # of 32 MiB each
_KNOWN = 256
_NOBODYS = f"$scrypt$ln={LN},r={R},p={P}${'A' * 22}${'A' * 43}"


class Logins:
    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def are_known(self, rule: Rule, user: str, password: str) -> bool:
        """Whether it was found right before, and the route has not been given another password since."""
        return user in rule.logins and self._mark(rule, user, password) in self._known

    async def verify(self, rule: Rule, user: str, password: str) -> bool:
        async with self._turns:
            hashed = rule.logins.get(user, _NOBODYS)
            is_right = await asyncio.to_thread(is_password, password, hashed) and user in rule.logins
        if is_right:
            if len(self._known) >= _KNOWN:
                self._known.popitem(last=False)
            self._known[self._mark(rule, user, password)] = None
        return is_right

    def _mark(self, rule: Rule, user: str, password: str) -> bytes:
        words = "\0".join((rule.logins[user], user, password))
        return hmac.digest(self._key, words.encode("utf-8", "surrogatepass"), "sha256")
