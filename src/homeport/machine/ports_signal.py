"""Ending a process that was looked at a moment ago, and no other that got its pid since. POSIX only.

On Linux a pidfd is opened first and the identity compared after, so that nothing can come between look and signal.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection

from homeport.model.ports import ProcessFact


def end(
    process: ProcessFact,
    look: Callable[[], ProcessFact | None],
    protected: Collection[int],
    *,
    group: bool,
    force: bool,
) -> str:
    """See Ports.end. `look` asks for the same pid again."""
    pid, number = process.pid, signal.SIGKILL if force else signal.SIGTERM
    if pid <= 1 or pid in protected:
        return f"pid {pid} is homeport itself, its ancestor or the first process"
    descriptor = _open(pid)
    try:
        now = look()
        if now is None or now.start != process.start:
            return f"pid {pid} is not the same process any more"
        if group and (now.group != pid or pid == os.getpgrp()):
            return f"pid {pid} does not lead its process group any more"
        if group:
            os.killpg(pid, number)  # a group keeps its number as long as anybody is in it
        elif descriptor is not None:
            signal.pidfd_send_signal(descriptor, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return ""  # it ended meanwhile
    except PermissionError:
        return f"it belongs to {process.user or 'another user'}"
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return ""


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None  # not Linux, a kernel before 5.3, or gone: then the look says so
