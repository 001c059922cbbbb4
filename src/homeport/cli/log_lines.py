"""Log lines of apps as text: whole lines put together, the app's name before them where there are several.

Owns where the cursor stands. Never reads or follows a log.
"""

from __future__ import annotations

import zlib

from homeport.cli.terminal import Terminal
from homeport.cli.words import clock, printable
from homeport.model.log import LogLine

# Red and the greys are left to errors and talk.
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")

OWN_LINES = "homeport"  # LogLine.stream of what homeport says about the app


class LogLines:
    """Prints to stdout. A piped log keeps its bytes as they are; a terminal gets colours, but no cursor movements."""

    def __init__(
        self, terminal: Terminal, names: list[str], *, times: bool = False, always_named: bool = False
    ) -> None:
        self._terminal = terminal
        self._times = times
        self._open = ""  # the app whose line is unfinished
        self._is_named = len(names) > 1 or always_named
        self._width = max(map(len, names), default=0)

    def show(self, line: LogLine) -> None:
        start = ""
        if self._open != line.app:
            self.finish()
            start = self._start(line)
        self._open = line.app if line.continues else ""
        self._terminal.data(start + self._text(line), end="" if line.continues else "\n")

    def finish(self) -> None:
        """Whatever is printed next begins on a line of its own."""
        if self._open:
            self._open = ""
            self._terminal.data("")

    def _start(self, line: LogLine) -> str:
        paint = self._terminal.paint
        time = paint(clock(line.at, millis=True), "dim") + " " if self._times else ""
        return time + (self._prefix(line.app) if self._is_named else "")

    def _text(self, line: LogLine) -> str:
        paint = self._terminal.paint
        if line.stream == OWN_LINES:
            return paint(f"[homeport] {line.text}", "dim")
        if self._terminal.is_interactive or self._terminal.no_colour:
            return printable(line.text, colour=paint.enabled)
        return line.text

    def _prefix(self, name: str) -> str:
        return self._terminal.paint(f"{name.ljust(self._width)} │ ", colour_of(name))


def colour_of(name: str) -> str:
    """The same colour for a name on every day: by checksum, because hash() differs from run to run."""
    return _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
