"""A timer that wakes a poller to the microsecond: a timerfd, where the system has one.

The poll's own timeout is in whole milliseconds with epoll and at the mercy of the timer slack (50 µs) elsewhere. It
never rings early, and never calls anybody: its descriptor becomes readable.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_CLOCK_MONOTONIC = 1  # that of time.monotonic()
_TFD_TIMER_ABSTIME = 1
_TFD_FLAGS = 0o4000 | 0o2000000  # TFD_NONBLOCK and TFD_CLOEXEC
_SETTING = struct.Struct("@qqqq")  # itimerspec: no interval, then seconds and nanoseconds of the moment


class Alarm:
    """One moment at a time, on the clock of time.monotonic()."""

    def __init__(self) -> None:
        # PyDLL: the calls are shorter than letting go of the interpreter. os.timerfd_create came with Python 3.13.
        self._libc = ctypes.PyDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_FLAGS)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "no timerfd")

    def fileno(self) -> int:
        return self._fd

    def set(self, due_s: float) -> None:
        """Ring then, at once if that is past; an earlier setting is forgotten."""
        nanos = max(1, int(due_s * 1e9) + 1)  # 0 would switch it off, and rounding down would be early
        seconds, nanos = divmod(nanos, 1_000_000_000)
        if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, _SETTING.pack(0, 0, seconds, nanos), None):
            raise OSError(ctypes.get_errno(), "the timer was refused")

    def hush(self) -> None:
        """It rang: do not be readable any more."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            pass  # it was set again meanwhile

    def close(self) -> None:
        os.close(self._fd)


def new_alarm() -> Alarm | None:
    """None where there is no timerfd: the poll's timeout has to do."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return Alarm()
    except (OSError, AttributeError):
        return None
