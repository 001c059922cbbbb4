"""What Linux and macOS have in common: locks, children, signals. It never decides who is to be signalled."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Mapping


class FileLock:
    """An exclusive flock(2): it belongs to the open file, so it is gone when the process is, however it ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_file(path: str) -> FileLock | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return FileLock(descriptor)


def reap(pid: int) -> int | None:
    """The exit code of an ended child, 128 + signal; None when it still runs, or is not a child of ours."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    if not ended:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def signal_processes(
    identities: Mapping[int, float],
    *,
    force: bool,
    start_time: Callable[[int], float | None],
    protected: set[int],
) -> None:
    """See Machine.signal_processes. `protected` are ourselves and our ancestors."""
    number = signal.SIGKILL if force else signal.SIGTERM
    living = [
        pid for pid, started in identities.items() if pid > 1 and pid not in protected and start_time(pid) == started
    ]
    groups = {pid: _group(pid) for pid in living}
    led = {group for group in groups.values() if group in groups and group != os.getpgrp()}
    for group in led:
        _quietly(os.killpg, group, number)
    for pid, group in groups.items():
        if group not in led:
            _quietly(os.kill, pid, number)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _quietly(send: Callable[[int, int], None], target: int, number: int) -> None:
    try:
        send(target, number)
    except (ProcessLookupError, PermissionError):
        pass  # it ended meanwhile, or it is a setuid program: what is left is seen by the next look at the tree
