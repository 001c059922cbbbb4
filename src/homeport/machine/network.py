"""What the doctor asks of a computer about its loopback: the interface, accept queues, and what may run out.

"Not known" is None. Nothing here changes anything; every call is quick.
"""

from __future__ import annotations

import sys
from typing import Protocol

import msgspec

from homeport.model.endpoint import Endpoint


class Loopback(msgspec.Struct, frozen=True, kw_only=True):
    """The loopback interface. `is_up` None: not known."""

    name: str = ""
    is_up: bool | None = None
    addresses: tuple[str, ...] = ()


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Connections that a listening socket was given and nobody accepted yet, and how many may wait."""

    endpoint: Endpoint
    waiting: int
    limit: int

    @property
    def is_full(self) -> bool:
        """Linux takes one more than the limit (sk_acceptq_is_full), then drops what asks."""
        return self.waiting > self.limit


class Network(Protocol):
    """The network of this computer, as seen from loopback."""

    def loopback(self) -> Loopback: ...

    def queues(self, port: int) -> list[Queue]:
        """Of the listening TCP sockets of a port; nothing where the system does not tell."""

    def time_wait(self) -> int | None:
        """How many closed connections still keep their ports."""

    def open_files(self) -> tuple[int, int] | None:
        """Of the whole system, and how many there may be."""

    def files_of(self, pid: int) -> tuple[int, int] | None:
        """Open files of a process, and how many it may have."""

    def is_clock_synchronised(self) -> bool | None: ...

    def hosts_file(self) -> str:
        """Where it lies."""


def this_network() -> Network:
    if sys.platform == "linux":
        from homeport.machine.network_linux import LinuxNetwork

        return LinuxNetwork()
    from homeport.machine.network_psutil import PsutilNetwork

    return PsutilNetwork()
