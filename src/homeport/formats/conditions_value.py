"""The reader of `conditions` and of `[profiles]` in homeport.toml: words such as "3g loss=1%", or a table of such keys.

Either way they become the KEY=VALUE words of homeport.conditions.text. What the name of a profile means is looked up
once the whole file is read. The keys are imported when somebody writes some: most projects have none.
"""

from __future__ import annotations

from homeport.formats.toml_lines import Path
from homeport.formats.toml_values import Unreadable, expected, filled, kind
from homeport.model.errors import HomeportError

PROFILE = "profile"  # the key of a table that names one


def conditions(value: object) -> str:
    """`"3g loss=1%"`, or `{ profile = "3g", loss = "1%", up = { rate = "64kbit" }, seed = 7 }`."""
    if isinstance(value, str):
        return " ".join(filled(value).split())
    if not isinstance(value, dict):
        raise expected("words or a table", value)
    words = _all_words(value)
    if not words:
        raise Unreadable(((), "is empty"))
    return " ".join(sorted(words, key=lambda word: "=" in word))  # a profile first: the rest overrides it


def _all_words(table: dict[str, object]) -> list[str]:
    words: list[str] = []
    problems: list[tuple[Path, str]] = []
    for key, value in table.items():
        try:
            words += _words(key, value)
        except Unreadable as error:
            problems += [((key, *path), message) for path, message in error.problems]
    if problems:
        raise Unreadable(*problems)
    return words


def _words(key: str, value: object) -> list[str]:
    from homeport.conditions.keys import SIDES

    if key == PROFILE:
        return filled(value).split()
    if key in SIDES:
        if not isinstance(value, dict):
            raise expected("a table", value)
        return [f"{key}.{word}" for word in _all_words(value)]
    return [_checked(f"{key}={_written(value)}")]


def _written(value: object) -> str:
    """`yes` may be written as true, and numbers without a unit (seed, burst) as numbers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return filled(value).replace(" ", "")
    raise Unreadable(((), f'expected a value such as "50ms", found {kind(value)}'))


def _checked(word: str) -> str:
    """The word, if its key exists and its value can be one; whether it fits the others is seen later."""
    from homeport.conditions.keys import KEYS, TOP

    key, _, text = word.partition("=")
    if key not in KEYS and key not in TOP:
        explain([word], {})
    elif key in KEYS:
        try:
            KEYS[key].read(text)
        except ValueError as error:
            raise Unreadable(((), str(error))) from error
    return word


def explain(words: list[str], own: dict[str, str]) -> None:
    """Raises Unreadable for words that cannot be conditions. `own` are the project's profiles."""
    from homeport.conditions.profiles import BY_NAME
    from homeport.conditions.text import parse

    try:
        parse(words, BY_NAME | own)
    except HomeportError as error:
        raise Unreadable(((), error.message)) from error
