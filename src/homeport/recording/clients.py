"""Which process a client is: asked for while it is still there, remembered for a while.

Asking may walk the process table (6 to 69 ms), so it is rationed: 20 times a second, and a fifth of the
recorder's time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from homeport.model.exchange import Exchange
from homeport.recording.channel import NEWCOMERS_PER_S, Newcomer

Who = Callable[[str, int], str | None]  # ("127.0.0.1:53211", 62893) -> "curl (4121)"

_FRESH_S = 1.0  # an exchange that ended longer ago says nothing about who has that port now
_KEPT_S = 20.0  # ports of clients are given out again
_SETTLED_S = 2.0  # but not at once
_KEPT = 1024
_SHARE = 5  # of the time at most one part in five


class Clients:
    """Owns the names. `who` is asked; without it nobody is known."""

    def __init__(self, who: Who | None, door_port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._who = who
        self._door_port = door_port
        self._clock = clock
        self._names: dict[str, tuple[str, float]] = {}  # client -> (name, until when)
        self._next_ask_s = 0.0

    def greet(self, newcomer: Newcomer) -> None:
        """A client may have just connected; several that talk in turns look like it, too."""
        known = self._names.get(newcomer.client)
        if known is None or known[1] - self._clock() < _KEPT_S - _SETTLED_S:
            self._ask(newcomer.client, newcomer.server_port)

    def name_of(self, exchange: Exchange, clock_s: float) -> str:
        """The process behind an exchange of a batch that was sent at `clock_s`; "" where it is not known."""
        known = self._names.get(exchange.client)
        if known is not None and known[1] > self._clock():
            return known[0]
        if self._who is None or (exchange.closed_s and clock_s - exchange.closed_s > _FRESH_S):
            return ""
        return self._ask(exchange.client, exchange.server_port)

    def _ask(self, client: str, server_port: int) -> str:
        now_s = self._clock()
        if self._who is None or now_s < self._next_ask_s or not client:
            return ""
        try:
            name = self._who(client, server_port or self._door_port) or ""
        except Exception:
            name = ""  # not allowed to see is an answer like any other
        took_s = self._clock() - now_s
        self._next_ask_s = now_s + max(1 / NEWCOMERS_PER_S, took_s * _SHARE)
        if len(self._names) >= _KEPT:
            del self._names[next(iter(self._names))]
        self._names[client] = (name, now_s + _KEPT_S)
        return name
