"""Which datagram sockets can be read: a poller that is told what is waited for and repeats itself until it is read.

A datagram that was sent frees its buffer, and edge-triggered epoll that waits for everything then wakes its thread for
each one. So this one waits for reading alone. Level-triggered, because a second read that only finds the end of the
queue costs more than the repetition: one system call and an exception for each datagram.
"""

from __future__ import annotations

import select

from homeport.streams.poller import MAX_EVENTS, READ, WRITE, Poller, SelectorPoller


class ReadingPoller:
    """Level-triggered epoll."""

    is_told_once = False

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def watch(self, fd: int, *, reading: bool, writing: bool) -> None:
        self._epoll.register(fd, READ * reading | WRITE * writing)

    def want(self, fd: int, *, reading: bool, writing: bool) -> None:
        self._epoll.modify(fd, READ * reading | WRITE * writing)

    def forget(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except OSError:
            pass  # it was never watched

    def poll(self, timeout_s: float | None) -> list[tuple[int, int]]:
        return self._epoll.poll(timeout_s, MAX_EVENTS)

    def close(self) -> None:
        self._epoll.close()


def new_datagram_poller() -> Poller:
    """The best poller of this system for datagrams."""
    return ReadingPoller() if hasattr(select, "epoll") else SelectorPoller()
