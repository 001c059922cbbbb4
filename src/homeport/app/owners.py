"""The processes that leases belong to, watched until they end. It signals nobody and knows no lease.

On Linux each costs a descriptor that becomes readable when its process ends (pidfd_open(2), 5.3); elsewhere the start
times are looked at once a second. Where nobody is watched, nothing ticks.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Protocol

LOOK_AGAIN_S = 1.0


class StartTimes(Protocol):
    def start_time(self, pid: int) -> float | None: ...


class Owners:
    """`ended` is called with the pid, once, from the loop. A pid that another process has meanwhile counts as ended."""

    def __init__(self, machine: StartTimes, ended: Callable[[int], None], *, with_pidfd: bool = True) -> None:
        self._machine, self._ended, self._with_pidfd = machine, ended, with_pidfd
        self._watched: dict[int, tuple[float, int | None]] = {}  # pid -> its start, its pidfd
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, pid: int) -> bool:
        """False when there is no such process."""
        if pid in self._watched and self.lives(pid):
            return True
        started = self._machine.start_time(pid)
        if started is None:
            return False
        descriptor = _pidfd(pid) if self._with_pidfd else None
        self._watched[pid] = started, descriptor
        if not self.lives(pid):  # it ended while the descriptor was made, which is then that of another
            self.forget(pid)
            return False
        if descriptor is not None:
            asyncio.get_running_loop().add_reader(descriptor, self._end, pid)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look)
        return True

    def lives(self, pid: int) -> bool:
        """Looks at once, before the news of an end have come; ends what is over."""
        known = self._watched.get(pid)
        if known and known[0] == self._machine.start_time(pid):
            return True
        if known:
            self._end(pid)
        return False

    def forget(self, pid: int) -> None:
        _, descriptor = self._watched.pop(pid, (0.0, None))
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        for pid in list(self._watched):
            self.forget(pid)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, pid: int) -> None:
        self.forget(pid)
        self._ended(pid)

    def _look(self) -> None:
        self._timer = None
        for pid, (_, descriptor) in list(self._watched.items()):
            if descriptor is None:
                self.lives(pid)
        if any(descriptor is None for _, descriptor in self._watched.values()):
            self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look)


def _pidfd(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None  # an older kernel, no descriptors left, or gone: then its start time says so
