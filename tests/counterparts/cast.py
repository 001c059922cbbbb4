"""Processes that are to be gone, and the addresses on which they listened. It ends nothing by itself."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from homeport.machine import this_machine
from homeport.model.endpoint import Endpoint


@dataclass
class Cast:
    """Processes, and the addresses on which they listen."""

    processes: list[psutil.Process]
    addresses: list[Endpoint]

    @classmethod
    def of(cls, processes: Iterable[psutil.Process]) -> Cast:
        whole = list(processes)
        # psutil would read the sockets of the whole system, which takes seconds beside a test that opens thousands.
        listeners = this_machine().listeners([process.pid for process in whole])
        return cls(whole, [listener.endpoint for listener in listeners])

    def left(self, limit_s: float = 0.0) -> list[str]:
        """What still runs or listens, after it had so long to end."""
        ends_s = time.monotonic() + limit_s
        while any(map(runs, self.processes)) and time.monotonic() < ends_s:
            time.sleep(0.01)
        return [*map(line, filter(runs, self.processes)), *map(str, filter(_is_open, self.addresses))]


def is_engine(process: psutil.Process) -> bool:
    """It, or its recorder: they stay when a foreground command ends."""
    return any(word in ("homeport.build", "homeport.recorder") for word in process.cmdline())


def runs(process: psutil.Process) -> bool:
    """A zombie does not; where process 1 does not wait for orphans, one stays behind."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def line(process: psutil.Process) -> str:
    with process.oneshot():
        return f"{process.pid} {' '.join(process.cmdline()) or process.name()}"


def _is_open(endpoint: Endpoint) -> bool:
    family = socket.AF_UNIX if endpoint.is_unix else socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    with socket.socket(family) as client:
        return client.connect_ex(endpoint.path or (endpoint.host, endpoint.port)) == 0
