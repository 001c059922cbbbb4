"""macOS: psutil, and the system's own sysctl where psutil knows nothing. Ports are in ports_macos.py."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from homeport.machine import posix
from homeport.machine.by_psutil import ByPsutil, ancestors
from homeport.machine.interface import Lock

_LIMIT_S = 3.0


class MacOS(ByPsutil):
    """See Machine."""

    def boot_id(self) -> str:
        return _run("sysctl", "-n", "kern.bootsessionuuid").strip()

    def client_process(self, client_host: str, client_port: int, server_port: int) -> str | None:
        """Not known: only lsof could tell, and it takes a tenth of a second for each connection."""
        return None

    def client_is_gone(self, client_host: str, client_port: int, server_port: int) -> bool:
        """Not known, so nobody is given up."""
        return False

    def ephemeral_range(self) -> tuple[int, int]:
        return parse_sysctl(_run("sysctl", "-n", "net.inet.ip.portrange.first", "net.inet.ip.portrange.last"))

    def adopt_orphans(self) -> None:
        """There is no such thing on macOS."""

    def reap(self, pid: int) -> int | None:
        return posix.reap(pid)

    def signal_processes(self, identities: Mapping[int, float], *, force: bool = False) -> None:
        posix.signal_processes(identities, force=force, start_time=self.start_time, protected=ancestors())

    def lock_file(self, path: str) -> Lock | None:
        return posix.lock_file(path)


def parse_sysctl(text: str) -> tuple[int, int]:
    numbers = [int(word) for word in text.split() if word.isdigit()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (49152, 65535)


def _run(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, timeout=_LIMIT_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
