"""The network of a computer that is not Linux, as far as psutil knows it. Accept queues are not told there."""

from __future__ import annotations

import os
import sys

import psutil

from homeport.machine.network import Loopback, Queue


class PsutilNetwork:
    """See Network."""

    def loopback(self) -> Loopback:
        states = psutil.net_if_stats()
        for name, addresses in psutil.net_if_addrs().items():
            own = tuple(address.address.partition("%")[0] for address in addresses)
            if "127.0.0.1" in own or "::1" in own or name in ("lo0", "lo"):
                return Loopback(name=name, is_up=states[name].isup if name in states else None, addresses=own)
        return Loopback()

    def queues(self, port: int) -> list[Queue]:
        return []

    def time_wait(self) -> int | None:
        try:
            return sum(one.status == psutil.CONN_TIME_WAIT for one in psutil.net_connections("tcp"))
        except psutil.AccessDenied:
            return None

    def open_files(self) -> tuple[int, int] | None:
        return None

    def files_of(self, pid: int) -> tuple[int, int] | None:
        return None

    def is_clock_synchronised(self) -> bool | None:
        return None

    def hosts_file(self) -> str:
        if sys.platform == "win32":
            return os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), r"System32\drivers\etc\hosts")
        return "/etc/hosts"
