"""A Procfile, read as honcho 2.0.0 reads it: `NAME: COMMAND`, one a line, every other line dropped.

What is dropped is handed back with its line, so that the user can be told. Never expands variables and never assigns
ports: honcho counts PORT up from 5000 by 100 for each process, homeport leases one for each instead.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from homeport.model.errors import HomeportError

_PROCESS = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$")


class Dropped(NamedTuple):
    """A line that says nothing to honcho, and why. `line` counts from 1."""

    line: int
    why: str


class Procfile(NamedTuple):
    """`processes` maps names to shell lines, in the file's order."""

    processes: dict[str, str]
    dropped: list[Dropped]


def parse_procfile(text: str, file: str = "Procfile") -> Procfile:
    """Read a whole Procfile. Raises HomeportError("bad-config") when a name stands in it twice, as honcho does."""
    processes: dict[str, str] = {}
    first_lines: dict[str, int] = {}
    dropped: list[Dropped] = []
    mistakes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _PROCESS.match(line)
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                dropped.append(Dropped(number, _why(line)))
            continue
        name, command = match.groups()
        if name in processes:
            mistakes.append(f"{file}:{number}: {name} is defined twice, first on line {first_lines[name]}")
        processes[name] = command
        first_lines.setdefault(name, number)
    if mistakes:
        raise HomeportError("bad-config", "\n".join(mistakes))
    return Procfile(processes, dropped)


def _why(line: str) -> str:
    name, colon, command = line.partition(":")
    if not colon:
        return "it is not NAME: COMMAND"
    if not command:
        return f"{name} has no command"
    if name != name.strip():
        return f"there is a space before or after the name {name.strip()}"
    return f"{name!r} may hold only letters, digits, - and _"
