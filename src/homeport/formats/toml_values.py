"""Readers of TOML values of any meaning: each takes what tomllib made and gives what a table of ours holds.

A reader that cannot raises Unreadable with what it expected and what it found. It never knows which key it reads.
Values that mean something to homeport (ports, durations, targets) are read in `app_values`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from homeport.formats.toml_lines import Path, toml_string

Reader = Callable[[Any], Any]

_KINDS = (  # bool before int and datetime before date: each is a subclass of the other
    (str, "a string"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a float"),
    (list, "an array"),
    (dict, "a table"),
    (datetime.datetime, "a date-time"),
    (datetime.date, "a date"),
    (datetime.time, "a time"),
)


class Unreadable(Exception):  # noqa: N818 - a state of the value, like model.finding.Unavailable
    """One or more mistakes in a value; each path is relative to the value."""

    def __init__(self, *problems: tuple[Path, str]) -> None:
        super().__init__(problems)
        self.problems = problems


def expected(what: str, value: object) -> Unreadable:
    """`expected a string, found an integer`; the value itself is not repeated, it may be a secret."""
    return Unreadable(((), f"expected {what}, found {kind(value)}"))


def kind(value: object) -> str:
    """What TOML calls it."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "something else")


def text(value: object) -> str:
    """A string that a command line, a path or an environment can hold."""
    if not isinstance(value, str):
        raise expected("a string", value)
    if "\0" in value:
        raise Unreadable(((), "holds a NUL character, which no command or path can hold"))
    return value


def filled(value: object) -> str:
    """A string that says something."""
    if not text(value).strip():
        raise Unreadable(((), "is empty"))
    return text(value)


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def one_of(*choices: str) -> Reader:
    """One of a few words."""
    words = " or ".join([", ".join(map(toml_string, choices[:-1])), toml_string(choices[-1])])

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise expected(words, value)
        if value not in choices:
            raise Unreadable(((), f"expected {words}, found {toml_string(value)}{did_you_mean(value, choices)}"))
        return value

    return read


def listed(read: Reader) -> Reader:
    """An array of what `read` reads."""

    def read_all(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise expected("an array", value)
        return list(each(dict(enumerate(value)), read).values())

    return read_all


def each(values: dict[Any, object], read: Reader, read_key: Reader = lambda key: key) -> dict[Any, Any]:
    """All of them read, or all their mistakes at once."""
    results: dict[Any, Any] = {}
    problems: list[tuple[Path, str]] = []
    for key, value in values.items():
        try:
            results[read_key(key)] = read(value)
        except Unreadable as error:
            problems += [((key, *path), message) for path, message in error.problems]
    if problems:
        raise Unreadable(*problems)
    return results


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` most likely stands for, or ""."""
    import difflib

    known = list(known)
    for spelling in (word.lower().replace("-", "_"), word.lower()):
        if near := difflib.get_close_matches(spelling, known, 1):
            return near[0]
    return ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "run"?`, or "" when nothing known is near."""
    near = nearest(word, known)
    return f"; did you mean {toml_string(near)}?" if near else ""
