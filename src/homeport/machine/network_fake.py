"""A network made of values, for tests: a healthy one unless told otherwise."""

from __future__ import annotations

import os

from homeport.machine.network import Loopback, Queue
from homeport.model.endpoint import Endpoint


class FakeNetwork:
    """See Network. `hosts` is the path of a hosts file, where a test has one."""

    def __init__(self) -> None:
        self.interface = Loopback(name="lo", is_up=True, addresses=("127.0.0.1", "::1"))
        self.listening: list[Queue] = []
        self.closed: int | None = 0
        self.files: tuple[int, int] | None = (1_000, 1_000_000)
        self.processes: dict[int, tuple[int, int]] = {}  # pid -> open files, and how many it may have
        self.synchronised: bool | None = True
        self.hosts = os.devnull

    def fill(self, endpoint: Endpoint, waiting: int, limit: int) -> None:
        """A listening socket with connections that nobody has accepted."""
        self.listening.append(Queue(endpoint=endpoint, waiting=waiting, limit=limit))

    def loopback(self) -> Loopback:
        return self.interface

    def queues(self, port: int) -> list[Queue]:
        return [queue for queue in self.listening if queue.endpoint.port == port]

    def time_wait(self) -> int | None:
        return self.closed

    def open_files(self) -> tuple[int, int] | None:
        return self.files

    def files_of(self, pid: int) -> tuple[int, int] | None:
        return self.processes.get(pid)

    def is_clock_synchronised(self) -> bool | None:
        return self.synchronised

    def hosts_file(self) -> str:
        return self.hosts
