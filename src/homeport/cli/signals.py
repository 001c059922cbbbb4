"""Signals of a foreground command as calls: asked to stop, asked again, terminal gone. Restores what was there before.

Handlers only set things in motion; the loop that they interrupt goes on reading, so the last log lines are seen.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TerminalGone(Exception):  # noqa: N818 - an event, not a mistake
    """The terminal was closed (SIGHUP): leave without a word, what runs goes on."""


@contextmanager
def on_stop(stop: Callable[[int], None]) -> Iterator[None]:
    """`stop(signal number)` for SIGINT, SIGTERM and Ctrl-Break; TerminalGone is raised for SIGHUP."""
    before = {}
    try:
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is not None:
                before[number] = signal.signal(number, lambda number, _: stop(number))
        hangup = getattr(signal, "SIGHUP", None)
        if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # ignored: nohup asked for that
            before[hangup] = signal.signal(hangup, _hang_up)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hang_up(number: int, frame: object) -> None:
    raise TerminalGone
