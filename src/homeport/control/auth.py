"""Who may call the control API: one token for processes of this user, sessions for browsers, keys that open a session.

Secrets that we hand out are kept as hashes, and every comparison takes constant time. Right secrets never wait.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable

from homeport.model.backoff import Backoff
from homeport.model.secret import Secrets, hashed

KEY_LIFE_S = 60.0
SESSIONS = 64  # more browsers than anyone has; the oldest session goes first
KEYS = 256
DELAYED_LIMIT = 32  # refusals that wait at a time; further ones are answered at once


class Auth:
    """All that opens this engine. It lives as long as the engine: a restart logs every browser out."""

    def __init__(
        self,
        token: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token, self._clock, self._sleep = hashed(token), clock, sleep
        self._sessions: Secrets[bool] = Secrets(SESSIONS)
        self._keys: Secrets[bool] = Secrets(KEYS)
        self._backoff = Backoff()
        self._delayed = 0

    def one_time(self) -> str:
        """A key that opens one session, once, within KEY_LIFE_S."""
        return self._keys.make(True, self._clock() + KEY_LIFE_S)

    def enter(self, key: str) -> str | None:
        """The secret of a new session for a one-time key, or None."""
        return self._sessions.make(True) if self._keys.take(key, self._clock()) else None

    def is_token(self, secret: str) -> bool:
        return hmac.compare_digest(hashed(secret), self._token)

    def is_session(self, secret: str) -> bool:
        return self._sessions.find(secret, self._clock()) is not None

    async def wrong(self) -> None:
        """A wrong secret was shown: waits before that is said, longer each time, and not for each peer apart: behind
        the door all of them look the same."""
        delay_s = self._backoff.failed("", self._clock())
        if self._delayed >= DELAYED_LIMIT:
            return
        self._delayed += 1
        try:
            await self._sleep(delay_s)
        finally:
            self._delayed -= 1
