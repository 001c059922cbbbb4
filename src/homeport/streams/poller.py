"""Which sockets can be read or written now: one face over epoll and over what `selectors` finds elsewhere.

epoll is used edge-triggered and told once; level-triggered selectors are told every change of mind. So whoever uses a
poller does both: reads until a call would block (or comes back short), and says with `want` what it waits for.
An event is a hint, never a promise: a call may still block. A poller never reads, writes or closes a socket.
"""

from __future__ import annotations

import select
import selectors
from typing import Protocol

# The numbers are epoll's own, so that its events need no translation (22 µs per request leave no room for one).
READ = 0x001
WRITE = 0x004
ERROR = 0x008  # the connection was reset, or could not be made
# Everything else means that the end or something out of band is near: a short read is then no proof of emptiness.

MAX_EVENTS = 256


class Poller(Protocol):
    """One thread's set of watched file descriptors."""

    is_told_once: bool  # `want` and `forget` do nothing here, and need not be called

    def watch(self, fd: int, *, reading: bool, writing: bool) -> None:
        """Begin. Raises OSError when the system has no room."""

    def want(self, fd: int, *, reading: bool, writing: bool) -> None:
        """What is waited for from now on. Never raises for a watched descriptor."""

    def forget(self, fd: int) -> None:
        """Stop watching; to be called before `fd` is closed, and harmless when it was never watched."""

    def poll(self, timeout_s: float | None) -> list[tuple[int, int]]:
        """Wait until something happened, at most `timeout_s` (None: for ever); pairs of descriptor and events."""

    def close(self) -> None:
        """Free the poller itself; the watched descriptors stay as they are."""


class EpollPoller:
    """Edge-triggered epoll: every descriptor is registered once, for everything, and never changed (one call less
    for each stop and go). A write edge comes only after a write has found the socket full."""

    is_told_once = True

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLPRI | select.EPOLLET

    def watch(self, fd: int, *, reading: bool, writing: bool) -> None:
        self._epoll.register(fd, self._everything)

    def want(self, fd: int, *, reading: bool, writing: bool) -> None:
        pass

    def forget(self, fd: int) -> None:
        pass  # closing does it, and saves a system call for each socket

    def poll(self, timeout_s: float | None) -> list[tuple[int, int]]:
        return self._epoll.poll(timeout_s, MAX_EVENTS)

    def close(self) -> None:
        self._epoll.close()


class SelectorPoller:
    """The best of `selectors` (kqueue, poll, select), level-triggered: it repeats itself until told otherwise."""

    is_told_once = False

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wanted: dict[int, int] = {}

    def watch(self, fd: int, *, reading: bool, writing: bool) -> None:
        self._wanted[fd] = 0
        self.want(fd, reading=reading, writing=writing)

    def want(self, fd: int, *, reading: bool, writing: bool) -> None:
        before = self._wanted.get(fd)
        wanted = (selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if writing else 0)
        if before is None or wanted == before:
            return
        if not wanted:  # selectors refuse to watch for nothing
            self._selector.unregister(fd)
        elif before:
            self._selector.modify(fd, wanted)
        else:
            self._selector.register(fd, wanted)
        self._wanted[fd] = wanted

    def forget(self, fd: int) -> None:
        if self._wanted.pop(fd, 0):
            self._selector.unregister(fd)

    def poll(self, timeout_s: float | None) -> list[tuple[int, int]]:
        return [
            (key.fd, (READ if mask & selectors.EVENT_READ else 0) | (WRITE if mask & selectors.EVENT_WRITE else 0))
            for key, mask in self._selector.select(timeout_s)
        ]

    def close(self) -> None:
        self._selector.close()


def new_poller() -> Poller:
    """The best poller of this system."""
    return EpollPoller() if hasattr(select, "epoll") else SelectorPoller()
