"""The command line of a recorder process, written by the engine and read by the recorder. It starts nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from homeport.model.settings import Settings

Command = Callable[[int], list[str]]  # the descriptor that the child inherits -> the words of its command


def recorder_command(path: Path, settings: Settings, entry: Sequence[str] = ("-m", "homeport.recording")) -> Command:
    """The usual command. An own `entry` gets the same three words behind it: see `arguments`."""
    table = msgspec.json.encode(settings).decode()
    return lambda fd: [sys.executable, *entry, str(fd), str(path), table]


def arguments(words: Sequence[str]) -> tuple[int, str, Settings]:
    """What `recorder_command` appended: the first arguments of recorder.main."""
    fd, path, table = words
    return int(fd), path, msgspec.json.decode(table, type=Settings)
