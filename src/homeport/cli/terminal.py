"""The terminal: where data and talk go, how wide it is, and whether it may be coloured.

Data goes to stdout, talk to stderr, each with its own answer to "colour?", because one may be piped and the other not.
Nothing here knows what an app or a request is. Imports almost nothing: `homeport status` starts here.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from typing import TextIO

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bright_red": "91",
    "bright_green": "92",
    "bright_yellow": "93",
    "bright_blue": "94",
    "bright_magenta": "95",
    "bright_cyan": "96",
}

NARROW = 60  # columns: below this nothing is fitted any more, lines wrap instead


class Paint:
    """Wraps text in colour, or leaves it alone where colour is off."""

    __slots__ = ("enabled",)

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, text: str, *styles: str) -> str:
        if not self.enabled or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


class Terminal:
    """stdout and stderr of this command. `width` is None where stdout is not a terminal: then nothing is cut."""

    __slots__ = ("err", "is_interactive", "no_colour", "out", "width")

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.no_colour = False
        self.is_interactive = _is_terminal(self.out)
        self.width = _columns(self.out) if self.is_interactive else None
        for stream in (self.out, self.err):
            _never_fail_on_encoding(stream)

    @property
    def talks_to_person(self) -> bool:
        """Whether somebody looks at what is said."""
        return _is_terminal(self.err)

    @property
    def paint(self) -> Paint:
        """For data on stdout."""
        return Paint(not self.no_colour and may_colour(self.out))

    @property
    def paint_talk(self) -> Paint:
        """For talk on stderr."""
        return Paint(not self.no_colour and may_colour(self.err))

    def data(self, text: str, end: str = "\n") -> None:
        self.out.write(text + end)
        self.out.flush()

    def say(self, text: str) -> None:
        self.err.write(text + "\n")
        self.err.flush()


def may_colour(stream: TextIO) -> bool:
    """NO_COLOR (no-color.org) wins over FORCE_COLOR, which wins over what the stream is."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    if not _is_terminal(stream) or os.environ.get("TERM") == "dumb":
        return False
    # The old Windows console prints escape sequences as they are; Windows Terminal and Git's shells set one of these.
    return sys.platform != "win32" or "WT_SESSION" in os.environ or "TERM" in os.environ


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # a closed stream
        return False


def _columns(stream: TextIO) -> int:
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 80
    return max(columns or 80, NARROW)


def _never_fail_on_encoding(stream: TextIO) -> None:
    """A stream that cannot encode a character gets `?` for it: a log line must not end the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
