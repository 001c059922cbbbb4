"""Readers of the values that mean something to homeport: commands, ports, durations, ready checks, targets.

They are toml_values readers: Unreadable for what cannot be, and no idea of the key.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from homeport.formats.toml_lines import toml_string
from homeport.formats.toml_values import Reader, Unreadable, did_you_mean, each, expected, filled, listed, text
from homeport.model.app import Ready
from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError

LONGEST_S = 365 * 86400.0  # what is meant to last longer is a typing mistake
_UNITS_S = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?){unit})?" for unit in _UNITS_S))
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def one_or_more(value: object) -> list[str]:
    """A string, or an array of strings, always given back as a list."""
    if isinstance(value, str):
        return [filled(value)]
    if not isinstance(value, list):
        raise expected("a string or an array of strings", value)
    return list(listed(filled)(value))


def env_table(read: Reader) -> Reader:
    """A table from names of environment variables to what `read` reads."""

    def read_all(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise expected("a table", value)
        return each(value, read, env_name)

    return read_all


def command(value: object) -> str | list[str]:
    """A shell line, or the words of a command, of which the first is the program."""
    if isinstance(value, str):
        return filled(value)
    if not isinstance(value, list):
        raise expected("a shell line or an array of words", value)
    words: list[str] = listed(text)(value)
    if not words or not words[0].strip():
        raise Unreadable(((), "names no program to run"))
    return words


def port(value: object) -> int | None:
    """A port, or None for "auto": a leased one."""
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise expected('a port or "auto"', value)
    if not 1 <= value <= 65535:
        raise Unreadable(((), "expected a port from 1 to 65535"))
    return value


def env_name(value: object) -> str:
    """A name that a shell accepts too (POSIX, environment variables)."""
    if not _ENV_NAME.fullmatch(text(value)):
        name = toml_string(text(value))
        raise Unreadable(
            ((), f"{name} is not the name of a variable: letters, digits and _, not starting with a digit")
        )
    return text(value)


def duration(*, zero: bool = False) -> Reader:
    """Seconds from "15m", "1h30m", "500ms" or a number of seconds."""
    words = 'a duration such as "90s", "15m" or "1h30m", or a number of seconds'

    def read(value: object) -> float:
        if isinstance(value, str):
            match = _DURATION.fullmatch(value)
            if match is None or not value:
                raise Unreadable(((), f"expected {words}, found {toml_string(value)}"))
            seconds = sum(float(match[unit] or 0) * factor for unit, factor in _UNITS_S.items())
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise expected(words, value)
        else:
            seconds = value
        if not 0 <= seconds <= LONGEST_S or (seconds == 0 and not zero):  # not-a-number fails the first
            raise Unreadable(((), f"expected {'0' if zero else 'more than 0'} to 365 days"))
        return float(seconds)

    return read


def ready(value: object) -> Ready:
    """`"/health"`, or one of `{ path = … }`, `{ log = … }` and `{ command = … }`."""
    if isinstance(value, str):
        return Ready(path=_ready_path(value))
    if not isinstance(value, dict):
        raise expected("a path or a table", value)
    readers = {"path": _ready_path, "log": _regex, "command": filled}
    for key in value.keys() - readers.keys():
        raise Unreadable(((key,), f"unknown key{did_you_mean(key, readers)}"))
    if len(value) != 1:
        raise Unreadable(((), "expected exactly one of path, log and command"))
    [(key, inner)] = value.items()
    return Ready(**each({key: inner}, readers[key]))


def _ready_path(value: object) -> str:
    if not text(value).startswith("/") or not text(value).isprintable() or " " in text(value):
        raise Unreadable(((), f'expected a path such as "/health", found {toml_string(text(value))}'))
    return text(value)


def _regex(value: object) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd expressions are the user's business, as long as they compile
        try:
            re.compile(filled(value))
        except (re.error, OverflowError, RecursionError) as error:
            raise Unreadable(((), f"is not a regular expression: {error}")) from None
    return text(value)


def target(value: object) -> str:
    """`http(s)://HOST:PORT`, `unix:PATH`, `tcp:HOST:PORT` or `udp:HOST:PORT`."""
    address = filled(value)
    for prefix in ("http://", "https://", "tcp:", "udp:", "unix:"):
        if not address.startswith(prefix):
            continue
        rest = address if prefix == "unix:" else address.removeprefix(prefix).rstrip("/")
        if prefix in ("http://", "https://") and ":" not in rest.rpartition("]")[2]:
            rest += ":443" if prefix == "https://" else ":80"
        _endpoint(rest)
        return address
    expected = "http(s)://HOST:PORT, unix:PATH, tcp:HOST:PORT or udp:HOST:PORT"
    raise Unreadable(((), f"expected {expected}, found {toml_string(address)}"))


def listen(value: object) -> str:
    """A port, or an address with a port."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise expected("a port or an address with a port", value)
    _endpoint(filled(value))
    return value


def _endpoint(address: str) -> None:
    try:
        parse_endpoint(address)
    except HomeportError as error:
        raise Unreadable(((), f"{error.message}, such as {error.hint}")) from None
