"""Processes that are to be gone, and the addresses on which they listened. It ends nothing by itself."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil


@dataclass
class Cast:
    """Processes, and the addresses on which they listen."""

    processes: list[psutil.Process]
    addresses: list[tuple[str, int] | str]

    @classmethod
    def of(cls, processes: Iterable[psutil.Process]) -> Cast:
        whole = list(processes)
        return cls(whole, [address for process in whole for address in _listens(process)])

    def left(self) -> list[str]:
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


def _listens(process: psutil.Process) -> Iterator[tuple[str, int] | str]:
    try:
        for connection in process.net_connections("all"):
            if connection.status == psutil.CONN_LISTEN:
                yield connection.laddr.ip, connection.laddr.port
            elif connection.family == socket.AF_UNIX and connection.laddr and connection.type == socket.SOCK_STREAM:
                yield str(connection.laddr)
    except psutil.NoSuchProcess:
        return


def _is_open(address: tuple[str, int] | str) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client:
        return client.connect_ex(address) == 0
