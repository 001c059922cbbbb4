"""When the engine may end by itself: a while after nothing needs it. It arms one timer and never polls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Idle:
    """`touch` is called when somebody called, or when something that was needed may not be any more."""

    def __init__(self, after_s: float | None, is_needed: Callable[[], bool], end: Callable[[], None]) -> None:
        """`after_s` None: never."""
        self._after_s, self._is_needed, self._end = after_s, is_needed, end
        self._loop = asyncio.get_running_loop()
        self._touched_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        self._touched_s = self._loop.time()
        if self._timer is None and self._after_s is not None:
            self._timer = self._loop.call_at(self._touched_s + self._after_s, self._look)

    def close(self) -> None:
        self._after_s = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._after_s is None or self._is_needed():
            return  # whatever needs it touches us when it is gone
        due_s = self._touched_s + self._after_s
        # uvloop's timers tick in milliseconds and may fire up to 1.4 ms early.
        if self._loop.time() + 0.002 < due_s:
            self._timer = self._loop.call_at(due_s, self._look)
        else:
            self._end()
