"""Random secrets and what is kept of them: a hash, never the secret. The caller brings the time.

SHA-256 is enough for 256 random bits: nobody can try them all. Passwords are homeport.model.password.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


def new_secret() -> str:
    """32 random bytes, in letters that need no escaping in a URL or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Secrets(Generic[T]):
    """Secrets that were handed out, each for something, until a time. At most `limit`: the oldest goes first.

    They are looked up by their hash, so the time that a look-up takes says nothing about the secret.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def make(self, meant_for: T, ends_s: float = float("inf")) -> str:
        secret = new_secret()
        if len(self._known) >= self._limit:
            self._known.popitem(last=False)
        self._known[hashed(secret)] = (ends_s, meant_for)
        return secret

    def find(self, secret: str, now_s: float) -> T | None:
        ends_s, meant_for = self._known.get(hashed(secret), (now_s, None))
        return meant_for if now_s <= ends_s else None

    def take(self, secret: str, now_s: float) -> T | None:
        """Like `find`, but it works once."""
        found = self.find(secret, now_s)
        self._known.pop(hashed(secret), None)
        return found
