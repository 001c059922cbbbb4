"""Who called a command: the process that what it is given belongs to. It looks, and watches nobody.

That is our parent, with one exception: in `PORT=$(homeport lease | head -1)` it is a copy of the shell, which ends with
the line. Such a copy is told from a shell that was started by its memory map: the kernel places arguments and
environment anew with every exec(2), and leaves them where they are with fork(2).
"""

from __future__ import annotations

import os
import sys

from homeport.machine import proc

SHELLS = frozenset({"ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "sh", "yash", "zsh"})
# Fields 45 to 51 of /proc/PID/stat, counted from the state (3): start_data … env_end (proc(5)); 0 where not allowed.
_MAP = slice(42, 49)
_DEPTH = 8


def caller() -> int:
    """A pid; 1 where our parent has ended already, 0 where it may not be seen: outside the container that we run in."""
    if sys.platform == "win32":
        return _behind_launchers()
    pid = os.getppid()
    for _ in range(_DEPTH):
        parent = _original(pid)
        if parent is None:
            break
        pid = parent
    return pid


def _original(pid: int) -> int | None:
    """The shell whose copy this shell is."""
    if sys.platform != "linux":
        return _original_by_arguments(pid)
    status = proc.stat(pid)
    if status is None or status.parent <= 0 or proc.read(f"/proc/{pid}/comm").strip() not in SHELLS:
        return None
    ours = _map(pid)
    return status.parent if any(ours) and ours == _map(status.parent) else None


def _map(pid: int) -> list[int]:
    return [int(field) for field in proc.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[_MAP]]


def _original_by_arguments(pid: int) -> int | None:
    """The same where no memory map is to be seen: the same name and words. A shell of a shell passes for a copy."""
    import psutil

    try:
        process = psutil.Process(pid)
        parent = process.parent()
        if parent and process.name() in SHELLS and process.cmdline() == parent.cmdline():
            return parent.pid
    except psutil.Error:
        pass
    return None


def _behind_launchers() -> int:
    """pip's homeport.exe and the python.exe of an environment each start the next and wait for it."""
    import psutil

    pid = os.getppid()
    try:
        for process in psutil.Process(os.getpid()).parents()[:3]:
            if process.name().lower() == "homeport.exe":
                return process.ppid()
    except psutil.Error:
        pass
    return pid
