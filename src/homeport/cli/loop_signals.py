"""Signals of a command that runs in an asyncio loop, as calls in that loop. Restores what was there before.

The loop's own handlers write to a descriptor that it waits for. A plain handler would only be run when the wait ends,
so a Ctrl-C in the moment before the loop begins to wait would be heeded with the next byte that comes, if ever.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from homeport.cli.signals import on_stop


@contextmanager
def calling(stop: Callable[[], object], *names: str) -> Iterator[None]:
    """`stop()` for each of these signals that this system has and nobody chose to ignore (nohup ignores SIGHUP)."""
    loop = asyncio.get_running_loop()
    known = [number for name in names if (number := getattr(signal, name, None)) is not None]
    numbers = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
    try:
        for number in numbers:
            loop.add_signal_handler(number, stop)
    except NotImplementedError:  # Windows: its loop wakes up for signals by itself
        with on_stop(lambda number: _later(loop, stop)):
            yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _later(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    loop.call_soon_threadsafe(stop)
