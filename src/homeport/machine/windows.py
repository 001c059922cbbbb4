"""Windows: psutil, netsh, and locks by msvcrt. Nothing is inherited from Unix: no sessions, no signals, no orphans."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from homeport.machine.by_psutil import ByPsutil, ancestors
from homeport.machine.interface import Lock

_LIMIT_S = 5.0


class WindowsLock:
    """The first byte of the file, locked; the system releases it when the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Windows(ByPsutil):
    """See Machine."""

    def boot_id(self) -> str:
        import psutil

        return str(round(psutil.boot_time() / 60))  # its seconds move when the clock is set

    def client_process(self, client_host: str, client_port: int, server_port: int) -> str | None:
        for own, peer, _, pid in _connections():
            if pid and peer and (own.port, peer.port) == (client_port, server_port):
                return f"{self.command(pid)} ({pid})"
        return None

    def client_is_gone(self, client_host: str, client_port: int, server_port: int) -> bool:
        """Not known, so nobody is given up."""
        return False

    def ephemeral_range(self) -> tuple[int, int]:
        return parse_netsh(_run("netsh", "int", "ipv4", "show", "dynamicport", "tcp"))

    def adopt_orphans(self) -> None:
        """There is no such thing on Windows."""

    def reap(self, pid: int) -> int | None:
        return None

    def signal_processes(self, identities: Mapping[int, float], *, force: bool = False) -> None:
        protected = ancestors()
        for pid, started in identities.items():
            if pid > 4 and pid not in protected and self.start_time(pid) == started:
                _end(pid, force)

    def lock_file(self, path: str) -> Lock | None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform == "win32":
            import msvcrt

            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                os.close(descriptor)
                return None
        return WindowsLock(descriptor)


def _connections() -> Iterator[tuple[Any, Any, str, int]]:
    """Every TCP socket: its own address, the other end's (or ()), its status, and its process (or 0)."""
    import psutil

    for connection in psutil.net_connections(kind="tcp"):
        if connection.laddr:
            yield connection.laddr, connection.raddr, connection.status, connection.pid or 0


def parse_netsh(text: str) -> tuple[int, int]:
    """Its words are translated, its two numbers are not: where the range starts, and how many ports it has."""
    numbers = [int(number) for number in re.findall(r":\s*(\d+)\s*$", text, re.MULTILINE)]
    return (numbers[0], numbers[0] + numbers[1] - 1) if len(numbers) == 2 else (49152, 65535)


def _end(pid: int, force: bool) -> None:
    """Ctrl-Break is the only request that exists, and only the leader of a process group takes it."""
    import psutil

    request: Any = getattr(signal, "CTRL_BREAK_EVENT", None)
    try:
        if force or request is None:
            psutil.Process(pid).kill()
        else:
            os.kill(pid, request)
    except (psutil.Error, OSError):
        pass  # it ended meanwhile, or it shares no console with us: the force that follows needs none


def _run(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, timeout=_LIMIT_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
