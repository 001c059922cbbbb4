"""Passes "port unreachable" on: while nobody is at the upstream's port, the system refuses our clients as well.

Only the system may send ICMP errors, and it does so for ports where no socket listens. A UDP socket that is connected
to its own address hears nobody but itself and still holds the port, so everybody else is answered with the error; to
disconnect it opens the port again. Linux only: elsewhere clients hear nothing, as behind most proxies.

While a port is closed we cannot see who knocks, so it is looked every 50 ms whether somebody is there again.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from homeport.model.endpoint import Endpoint

if TYPE_CHECKING:
    from homeport.gateway.tcp_loop import RelayLoop

LOOK_S = 0.05  # a look takes 0.2 ms
# What we cannot see may answer all the same (a container's port, a network namespace): after so long, who knocks is let
# through again.
LONGEST_S = 10.0
_UNSPECIFIED = struct.pack("=H14x", socket.AF_UNSPEC)
IsBound = Callable[[Endpoint], bool]  # whether somebody receives there


class Refusing:
    """The listening sockets of one route, open or closed. It belongs to the relay's thread."""

    def __init__(self, loop: RelayLoop, listeners: list[socket.socket], is_bound: IsBound | None) -> None:
        self.is_closed = False
        self._loop = loop
        self._listeners = listeners
        self._is_bound = is_bound if sys.platform.startswith("linux") else None
        self._until_s = 0.0
        self._is_held = False  # by network conditions

    def upstream_refused(self, endpoint: Endpoint) -> None:
        """Nobody was at the upstream's port a moment ago."""
        if self._is_bound is None or self.is_closed or not endpoint.is_loopback or self._is_bound(endpoint):
            return
        self._until_s = time.monotonic() + LONGEST_S
        self._close()
        self._look_later(endpoint)

    def never_again(self) -> None:
        """The upstream answers though we see nobody there: our looks are worth nothing."""
        self._is_bound = None

    def hold(self, *, closed: bool) -> None:
        """Network conditions want the port closed, or do not care."""
        self._is_held = closed and sys.platform.startswith("linux")
        if self._is_held:
            self._close()
        else:
            self._open()

    def end(self) -> None:
        self._listeners = []

    def _look_later(self, endpoint: Endpoint) -> None:
        self._loop.later(LOOK_S, lambda: self._look(endpoint))

    def _look(self, endpoint: Endpoint) -> None:
        if self._is_held or not self.is_closed or not self._listeners:
            return
        if self._is_bound is None or time.monotonic() >= self._until_s or self._is_bound(endpoint):
            self._open()
        else:
            self._look_later(endpoint)

    def _close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            for listener in self._listeners:
                listener.connect(listener.getsockname())

    def _open(self) -> None:
        if self.is_closed:
            self.is_closed = False
            for listener in self._listeners:
                # Python's connect cannot say AF_UNSPEC. The port stays ours: streams.udp_listen asked for its number.
                ctypes.PyDLL(None).connect(listener.fileno(), _UNSPECIFIED, len(_UNSPECIFIED))
