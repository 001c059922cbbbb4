"""What homeport asks of a computer about its ports. one file per system, and ports_fake.py, answer alike.

"Not allowed to see" and "gone meanwhile" are data (nothing, None, ""), never an exception. Signals go only to a process
that still is the one that was looked at.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence

from homeport.model.ports import BIND_ADDRESSES, Bindable, Occupant, ProcessFact, SocketFact

TYPE_CHECKING = False  # see homeport.model.fact
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class Ports(Protocol):
    """The ports of this computer."""

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        """Every listening TCP socket (and bound UDP socket), or those of one port, with all their holders."""

    def occupants(self, port: int) -> list[Occupant]:
        """Whatever else uses the TCP port: connections, TIME_WAIT, sockets that are bound and do not listen."""

    def process(self, pid: int) -> ProcessFact | None:
        """None when there is no such process (or only a zombie of it)."""

    def parents(self, process: ProcessFact) -> list[ProcessFact]:
        """Its ancestors, nearest first."""

    def group(self, group: int) -> list[int]:
        """The living processes of a process group."""

    def bindable(self, port: int) -> dict[str, Bindable]:
        """For each address of BIND_ADDRESSES what a server that binds there now meets; really tried."""

    def ephemeral_range(self) -> tuple[int, int]: ...

    def reserved(self) -> list[tuple[int, int]]:
        """Ports that the kernel never gives to outgoing connections, or that the system keeps for itself."""

    def unprivileged_from(self) -> int:
        """The lowest port that anybody may bind."""

    def repository(self, folder: str) -> tuple[str, str]:
        """The folder of the git work tree around a folder, and its branch; ("", "") outside git."""

    def namespaces_sockets(self, port: int) -> list[tuple[str, SocketFact]]:
        """Listeners of the port in other network namespaces, with what people know each namespace by."""

    def environment(self, pid: int) -> dict[str, str]:
        """With what a process was started; {} where that may not be seen."""

    def ask(self, words: Sequence[str]) -> str:
        """What another tool of this computer prints; '' where it is missing, fails, or takes longer than a second."""

    def run(self, words: Sequence[str], waiting: Callable[[float], None]) -> str:
        """Let a tool do its work: '' when it did, else what it said. `waiting` hears the seconds."""

    def has_tool(self, program: str) -> bool: ...

    def protected(self) -> set[int]:
        """Never to be signalled: the first process, ourselves and those above us."""

    def end(self, process: ProcessFact, *, group: bool = False, force: bool = False) -> str:
        """Signal the process (or the group that it leads): '' when that was done, else why not, in words."""


def this_computer() -> Ports:
    if sys.platform == "linux":
        from homeport.machine.ports_linux import LinuxPorts

        return LinuxPorts()
    if sys.platform == "win32":
        from homeport.machine.ports_windows import WindowsPorts

        return WindowsPorts()
    if sys.platform == "darwin":
        from homeport.machine.ports_macos import MacPorts

        return MacPorts()
    from homeport.machine.ports_psutil import PsutilPorts

    return PsutilPorts()


def try_binds(port: int) -> dict[str, Bindable]:
    """Bind as a server does, on each of the four addresses, and let go at once. Never listens."""
    return {host: _try_bind(host, port) for host in BIND_ADDRESSES}


def _try_bind(host: str, port: int) -> Bindable:
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return "absent"  # a kernel without IPv6
    with probe:
        try:
            if sys.platform == "win32":
                # There SO_REUSEADDR would share the port with its listener.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "taken"
            return "denied" if error.errno in (errno.EACCES, errno.EPERM) else "absent"
    return "free"
