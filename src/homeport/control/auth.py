"""Who may call the control API: one token for processes of this user, sessions for browsers, keys that open a session.

Secrets that we hand out are kept as hashes, and every comparison takes constant time. Right secrets never wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

KEY_LIFE_S = 60.0
SESSIONS = 64  # more browsers than anyone has; the oldest session goes first
KEYS = 256
DELAY_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)  # before the n-th wrong secret in a row is answered
DELAYED_LIMIT = 32  # refusals that wait at a time; further ones are answered at once
FORGIVEN_S = 60.0  # after so long without a wrong one, the row starts anew


def new_secret() -> str:
    """32 random bytes, in letters that need no escaping in a URL or a cookie."""
    return secrets.token_urlsafe(32)


class Auth:
    """All that opens this engine. It lives as long as the engine: a restart logs every browser out."""

    def __init__(
        self,
        token: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token, self._clock, self._sleep = _hash(token), clock, sleep
        self._sessions: OrderedDict[bytes, None] = OrderedDict()
        self._keys: OrderedDict[bytes, float] = OrderedDict()  # hash -> when it ends
        self._failures = 0
        self._failed_s = 0.0
        self._delayed = 0

    def one_time(self) -> str:
        """A key that opens one session, once, within KEY_LIFE_S."""
        key = new_secret()
        if len(self._keys) >= KEYS:
            self._keys.popitem(last=False)
        self._keys[_hash(key)] = self._clock() + KEY_LIFE_S
        return key

    def enter(self, key: str) -> str | None:
        """The secret of a new session for a one-time key, or None."""
        ends_s = self._keys.pop(_hash(key), None)  # a look-up by hash: its time says nothing about the key
        if ends_s is None or ends_s < self._clock():
            return None
        session = new_secret()
        if len(self._sessions) >= SESSIONS:
            self._sessions.popitem(last=False)
        self._sessions[_hash(session)] = None
        return session

    def is_token(self, secret: str) -> bool:
        return hmac.compare_digest(_hash(secret), self._token)

    def is_session(self, secret: str) -> bool:
        return _hash(secret) in self._sessions

    async def wrong(self) -> None:
        """A wrong secret was shown: waits before that is said, longer each time."""
        now_s = self._clock()
        if now_s - self._failed_s > FORGIVEN_S:
            self._failures = 0
        self._failed_s = now_s
        self._failures += 1
        if self._delayed >= DELAYED_LIMIT:
            return
        self._delayed += 1
        try:
            await self._sleep(DELAY_S[min(self._failures, len(DELAY_S)) - 1])
        finally:
            self._delayed -= 1


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
