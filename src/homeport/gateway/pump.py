"""Holds back what is not due yet: a heap by due time and one alarm. It decides nothing, and lets nothing go early.

It belongs to the thread of its loop. What has the same due leaves in the order in which it was put in.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from homeport.streams.alarm import Alarm, new_alarm

if TYPE_CHECKING:
    from homeport.gateway.tcp_loop import Handler, Watched


class Loop(Protocol):
    """What of a loop is needed here: a RelayLoop has it, and engine_pump.py has it from asyncio's."""

    def watch(self, sock: Watched, handler: Handler, *, reading: bool, writing: bool) -> bool: ...

    def release(self, sock: Watched) -> None: ...

    def later(self, delay_s: float, call: Callable[[], object]) -> None: ...


# Setting a timer costs 5 µs on a virtual machine, more than a datagram's way through the kernel: so what is due this
# soon after others have left waits for what comes right behind it.
TOGETHER_S = 100e-6
TURN = 64  # that are due, before the sockets get their turn and what goes together is sent
Release = Callable[[Any, float], object]  # what was put in, and the moment it was due


class Pump:
    """Watches its alarm from the first `put` on; who never delays anything pays nothing."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Release, Any]] = []
        self._numbers = count()
        self._alarm: Alarm | None = None
        self._set_s = 0.0  # what the alarm is set to; 0.0: nothing
        self._has_begun = False
        self._after: list[Callable[[], object]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, due_s: float, release: Release, what: object) -> None:
        """Have `release(what, due_s)` called once it is due, never before."""
        heapq.heappush(self._heap, (due_s, next(self._numbers), release, what))
        if not self._set_s or due_s < self._set_s:
            self._set()

    def after_turn(self, call: Callable[[], object]) -> None:
        """From a `release`: have `call` run when all have been let go that are due now."""
        self._after.append(call)

    def close(self) -> None:
        """Forget what waits."""
        self._heap.clear()
        if self._alarm is not None:
            self._loop.release(self._alarm)
            self._alarm = None

    def _set(self, not_before_s: float = 0.0) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._alarm = new_alarm()
            if self._alarm is not None:
                self._loop.watch(self._alarm, self._rang, reading=True, writing=False)
        if not self._heap:
            self._set_s = 0.0
            if self._alarm is not None:
                self._alarm.hush()  # where it is set again it need not be read: a system call less
            return
        self._set_s = due_s = self._heap[0][0]
        if self._alarm is not None:
            self._alarm.set(max(due_s, not_before_s))
        else:
            self._loop.later(due_s - time.monotonic(), lambda: self._is_time(due_s))

    def _rang(self, _events: int) -> None:
        self._let_go()

    def _is_time(self, due_s: float) -> None:
        """Without an alarm: timers of the loop cannot be set to something else, so that old ones are passed over."""
        if due_s == self._set_s:
            self._let_go()

    def _let_go(self) -> None:
        heap, clock = self._heap, time.monotonic
        try:
            for _ in range(TURN):
                if not heap or heap[0][0] > clock():
                    break
                due_s, _, release, what = heapq.heappop(heap)
                release(what, due_s)
        finally:
            while self._after:
                self._after.pop()()
            self._set(clock() + TOGETHER_S if heap and heap[0][0] > clock() else 0.0)
