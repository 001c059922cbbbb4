"""Pipes for os.splice: bytes move from socket to socket inside the kernel, 64 MiB for about 20 ms of CPU.

A pipe is borrowed while a direction moves bulk and given back empty; idle ones are pooled. Where splice or a further
pipe is not to be had, `borrow` answers None and the bytes are copied instead.
"""

from __future__ import annotations

import os
import sys

KEEP = 32  # idle pipes; making one costs 10 µs, keeping one costs two descriptors and no memory
# A pipe holds 16 pieces unless told otherwise, and a piece of a sent file is one 4 KiB page. Unprivileged users may
# have 64 MiB of pipes in all, then new ones shrink to two pieces: hence not the largest allowed.
PIPE_BYTES = 256 * 1024
F_SETPIPE_SZ = 1031  # linux/fcntl.h; the fcntl module does not exist everywhere

HAS_SPLICE = hasattr(os, "splice") and sys.platform.startswith("linux")


class Pipe:
    """A pipe and how many bytes are in it."""

    __slots__ = ("held", "inlet", "outlet")

    def __init__(self) -> None:
        self.outlet, self.inlet = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.held = 0

    def close(self) -> None:
        os.close(self.outlet)
        os.close(self.inlet)


class Pipes:
    """The pool of one relay thread."""

    def __init__(self) -> None:
        self._idle: list[Pipe] = []

    def borrow(self) -> Pipe | None:
        """An empty pipe, or None when there is none to be had."""
        if self._idle:
            return self._idle.pop()
        if not HAS_SPLICE:
            return None
        try:
            pipe = Pipe()
        except OSError:  # out of descriptors: copying needs none
            return None
        _widen(pipe)
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """Keep it for the next one, unless bytes are stuck in it or there are enough."""
        if pipe.held or len(self._idle) >= KEEP:
            pipe.close()
        else:
            self._idle.append(pipe)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _widen(pipe: Pipe) -> None:
    import fcntl

    try:
        fcntl.fcntl(pipe.inlet, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # above this user's share: the size it has will do
