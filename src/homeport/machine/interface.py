"""What homeport asks of a computer. linux.py, macos.py, windows.py and fake.py answer it alike.

All calls are synchronous and quick. "Not allowed to see" and "gone meanwhile" are data here (nothing, None, ""), never
an exception: processes end while they are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec

from homeport.model.endpoint import Endpoint


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """One listening socket, TCP or Unix. `pid` is 0 where its process may not be seen."""

    endpoint: Endpoint
    pid: int = 0
    v6only: bool = False  # `::` that does not take IPv4 as well


class Lock(Protocol):
    """An exclusive lock on a file; the system releases it when its process dies."""

    def release(self) -> None: ...


class Machine(Protocol):
    """This computer."""

    def boot_id(self) -> str:
        """Differs after every boot, so that a pid with its start time is never mistaken for one of an earlier boot."""

    def start_time(self, pid: int) -> float | None:
        """With the pid the identity of a process; None when there is no such process (or only a zombie of it).

        Seconds on a clock of the system's choice: compare it only with other answers of the same boot.
        """

    def tree(self, root_pids: Collection[int], marker: str) -> list[int]:
        """The living processes of an app: the roots, their descendants, and orphans that carry its marker.

        The marker is the value of HOMEPORT_APP in their environment. Orphans are looked for among those we adopted.
        """

    def session(self, session_id: int) -> list[int]:
        """The living processes of a session, which has the pid of the process that began it. Looks at all processes."""

    def strays(self) -> dict[int, str]:
        """Children of ours that may be adopted orphans of an app, zombies included: their session is not ours.

        With each its marker, '' where its environment cannot be read (any more). A process whose environment can be
        read and names no app is none of them.
        """

    def marked(self, prefix: str) -> dict[int, str]:
        """Every process whose HOMEPORT_APP begins with the prefix. Looks at all processes: milliseconds, not less."""

    def command(self, pid: int) -> str:
        """The name of a process, '' when unknown."""

    def listeners(self, pids: Collection[int]) -> list[Listener]:
        """What these processes listen on: TCP of both families, and Unix sockets that have a path."""

    def client_process(self, client_host: str, client_port: int, server_port: int) -> str | None:
        """The process at the other end of a loopback connection: `curl (4121)`. Takes milliseconds."""

    def client_is_gone(self, client_host: str, client_port: int, server_port: int) -> bool:
        """Whether the client's end of a loopback connection, which has sent FIN, is closed and not only half-closed.

        False where that is not known.
        """

    def ephemeral_range(self) -> tuple[int, int]:
        """The ports, both ends included, that the kernel gives to outgoing connections."""

    def adopt_orphans(self) -> None:
        """Become the parent of descendants whose parent ended, where the system offers that."""

    def reap(self, pid: int) -> int | None:
        """Collect an adopted child that ended: its exit code, 128 + signal; None while it runs or is not ours."""

    def signal_processes(self, identities: Mapping[int, float], *, force: bool = False) -> None:
        """Ask processes (pid -> start time) to end, or end them by force. Never ourselves, never an ancestor of ours.

        A pid that meanwhile belongs to another process is left alone. Whole process groups that are led by one of
        these processes get the signal at once.
        """

    def lock_file(self, path: str) -> Lock | None:
        """Take the lock, or None when another process has it. The file is made when it is missing (0600)."""

    def git_branch_of_worktree(self, folder: str) -> str:
        """The branch as a label of a host name, in a git worktree other than the main one; else ''."""
