"""A `.env` file, read as honcho 2.0.0 reads it: `NAME=value` in the words of a POSIX shell, one a line.

Nothing is expanded: `$OTHER` stays as it is. Lines that honcho drops are handed back with their number, never with
their text, which may be a secret.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from homeport.formats.procfile import Dropped
from homeport.model.errors import HomeportError

_NAME = re.compile(r"[A-Za-z_]")
_SPELLED = (("\\n", "\n"), ("\\t", "\t"))  # after unquoting: only single quotes or doubled backslashes keep them


class EnvFile(NamedTuple):
    """`values` in the file's order; the last of several lines with one name wins."""

    values: dict[str, str]
    dropped: list[Dropped]


def parse_env(text: str, file: str = ".env") -> EnvFile:
    """Read a whole file. Raises HomeportError("bad-config") for a quote that does not close, as honcho fails."""
    values: dict[str, str] = {}
    dropped: list[Dropped] = []
    mistakes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = list(shlex.shlex(line, posix=True))
        except ValueError as error:
            mistakes.append(f"{file}:{number}: {str(error)[:1].lower()}{str(error)[1:]}")
            continue
        if len(words) > 2 and words[1] == "=" and _NAME.match(words[0]):
            values[words[0]] = _value(words[2:])
        elif words:
            dropped.append(Dropped(number, _why(words)))
    if mistakes:
        raise HomeportError("bad-config", "\n".join(mistakes))
    return EnvFile(values, dropped)


def _value(words: list[str]) -> str:
    value = "".join(words)  # spaces outside quotes vanish: A=1 2 is "12"
    for spelled, character in _SPELLED:
        value = value.replace(spelled, character)
    return value


def _why(words: list[str]) -> str:
    if words[0] == "export":
        return "there is no `export` in this format, write NAME=value"
    if len(words) == 2 and words[1] == "=" and _NAME.match(words[0]):
        return f'{words[0]} has no value, write {words[0]}="" for an empty one'
    return "it is not NAME=value"
