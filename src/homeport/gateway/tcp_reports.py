"""Carries beginnings and endings from the relay's thread to the tap, which lives on the asyncio loop.

In batches: waking the loop for every connection would make both threads fight for the interpreter.
"""

from __future__ import annotations

import asyncio
from collections import deque

from homeport.gateway.seams import Tap, Target
from homeport.model.exchange import Exchange

BATCH_S = 0.02
_Ending = tuple[Target | None, OSError | None]
_Piece = tuple[bool, bytes, float]


class Reports:
    """`opened`, `closed` and `flush` belong to the relay's thread, the rest to the loop."""

    def __init__(self, tap: Tap, loop: asyncio.AbstractEventLoop) -> None:
        self._tap = tap
        self._loop = loop
        self._waiting: deque[tuple[Exchange, _Ending | _Piece | None]] = deque()
        self._scheduled = False

    def opened(self, exchange: Exchange) -> None:
        self._waiting.append((exchange, None))

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float) -> None:
        """A datagram, and when it came (time.perf_counter)."""
        self._waiting.append((exchange, (from_client, data, at_s)))

    def closed(self, exchange: Exchange, target: Target | None, error: OSError | None) -> None:
        """Where dialling failed, `target` is asked to explain `error`: on its own thread, not here."""
        self._waiting.append((exchange, (target, error)))

    def flush(self, *, at_once: bool = False) -> None:
        """To be called after each round of events."""
        if not self._waiting or (self._scheduled and not at_once):
            return
        self._scheduled = True
        try:
            if at_once:
                self._loop.call_soon_threadsafe(self._deliver)
            else:
                self._loop.call_soon_threadsafe(self._loop.call_later, BATCH_S, self._deliver)
        except RuntimeError:  # the loop has closed: nobody listens any more
            self._waiting.clear()

    def _deliver(self) -> None:
        self._scheduled = False  # first: what is appended from here on schedules anew
        waiting = self._waiting
        while waiting:
            exchange, what = waiting.popleft()
            if what is None:
                exchange.id = self._tap.next_id()
                self._tap.opened(exchange)
            elif len(what) == 3:
                self._tap.seen(exchange, *what)
            else:
                self._explain(exchange, *what)
                self._tap.closed(exchange)

    @staticmethod
    def _explain(exchange: Exchange, target: Target | None, error: OSError | None) -> None:
        if target is None:
            return
        finding = target.explain(error)
        exchange.why = f"{finding.what}: {finding.why}" if finding.why else finding.what
