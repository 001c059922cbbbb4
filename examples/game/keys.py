"""The arrow keys (or WASD) of a terminal, without waiting for them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

_NAMES = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left", "w": "up", "s": "down", "d": "right",
    "a": "left", " ": "stop", "àH": "up", "àP": "down", "àM": "right", "àK": "left",
}  # fmt: skip


@contextlib.contextmanager
def pressed() -> Iterator[Callable[[], set[str]]]:
    """Asked once a tick: the keys since then."""
    if sys.platform == "win32":
        import msvcrt

        yield lambda: _named("".join(msvcrt.getwch() for _ in iter(msvcrt.kbhit, False)))
        return
    import os
    import select
    import termios
    import tty

    def read() -> set[str]:
        is_there = select.select([sys.stdin], [], [], 0)[0]
        return _named(os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace")) if is_there else set()

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield read
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _named(typed: str) -> set[str]:
    return {name for sequence, name in _NAMES.items() if sequence in typed}
