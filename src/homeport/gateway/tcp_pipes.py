"""Pipes for os.splice: bytes move from socket to socket inside the kernel, 64 MiB for about 20 ms of CPU.

A pipe is borrowed while a direction moves bulk and given back empty; idle ones are pooled. Where splice or a further
pipe is not to be had, `borrow` answers None and the bytes are copied instead.
"""

from __future__ import annotations

import os
import sys

KEEP = 32  # idle pipes; making one costs 10 µs, keeping one costs two descriptors and no memory
# A pipe holds 16 pieces unless told otherwise, and a piece of a sent file is one 4 KiB page: 63 ms of CPU for 64 MiB
# through 64 KiB pipes, 46 through 256 KiB, 20 through 1 MiB, the most that a user may ask for. But a user has 64 MiB of
# pipes in all, and after that everybody's new ones shrink to two pieces: so only a few of ours are wide.
PIPE_BYTES = 1024 * 1024
WIDE_PIPES = 16
F_SETPIPE_SZ = 1031  # linux/fcntl.h; the fcntl module does not exist everywhere

HAS_SPLICE = hasattr(os, "splice") and sys.platform.startswith("linux")


class Pipe:
    """A pipe, how many bytes are in it, and whether it is one of the wide ones."""

    __slots__ = ("held", "inlet", "outlet", "wide")

    def __init__(self) -> None:
        self.outlet, self.inlet = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.held = 0
        self.wide = False

    def close(self) -> None:
        os.close(self.outlet)
        os.close(self.inlet)


class Pipes:
    """The pool of one relay thread."""

    def __init__(self) -> None:
        self._idle: list[Pipe] = []
        self._wide = 0

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
        if self._wide < WIDE_PIPES and _widen(pipe):
            pipe.wide = True
            self._wide += 1
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """Keep it for the next one, unless bytes are stuck in it or there are enough."""
        if not pipe.held and len(self._idle) < KEEP:
            self._idle.append(pipe)
            return
        self._wide -= pipe.wide
        pipe.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _widen(pipe: Pipe) -> bool:
    import fcntl

    try:
        fcntl.fcntl(pipe.inlet, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return False  # above this user's share: the size it has will do
    return True
