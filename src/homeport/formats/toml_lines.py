"""On which line each key of a TOML document stands, which tomllib does not tell.

It reads only documents that tomllib has accepted, so it knows where things end and leaves judging them to tomllib.
A path is the keys (and array positions) that lead to a value: ("apps", "web", "needs", 0).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # up to two quotes may touch the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")  # numbers, booleans, dates (which may hold a space)
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def key_lines(text: str) -> dict[Path, int]:
    """Each path with the line, counted from 1, where it is named first. The root, (), is on line 1."""
    return _Scanner(text).document()


def toml_path(path: Path) -> str:
    """A path as TOML writes it: `apps."my.app".needs[0]`."""
    words = ""
    for step in path:
        if isinstance(step, int):
            words += f"[{step}]"
        else:
            words += ("." if words else "") + toml_key(step)
    return words


def toml_key(key: str) -> str:
    """The key bare where TOML allows it, otherwise quoted."""
    return key if _BARE_KEY.fullmatch(key) else toml_string(key)


def toml_string(text: str) -> str:
    """A basic string on one line. Lone surrogates cannot be written in TOML and become U+FFFD."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character < " " or character == "\x7f":
        return f"\\u{ord(character):04x}"
    return "\ufffd" if "\ud800" <= character <= "\udfff" else character


class _Scanner:
    """A cursor in the text; every method leaves it behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")  # as tomllib does
        self.at = 0
        self.lines: dict[Path, int] = {(): 1}
        self._breaks = [index for index, character in enumerate(self.text) if character == "\n"]
        self._tables: dict[Path, int] = {}  # how many [[tables]] stand at a path so far

    def document(self) -> dict[Path, int]:
        table: Path = ()
        self._gap()
        while self.at < len(self.text):
            if self._sees("["):
                table = self._header()
            else:
                self._pair(table)
            self._gap()
        return self.lines

    def _header(self) -> Path:
        is_array = self._sees("[[")
        self.at += 2 if is_array else 1
        steps = self._key()
        self.at += 2 if is_array else 1
        path: Path = ()
        for position, step in enumerate(steps, 1):
            path = self._note((*path, step))
            if is_array and position == len(steps):
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = self._note((*path, self._tables[path] - 1))
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for step in self._key():
            path = self._note((*path, step))
        self.at += 1  # =
        self._gap()
        self._value(path)

    def _key(self) -> list[str]:
        """A dotted key, and the gap behind it."""
        steps: list[str] = []
        while True:
            self._gap()
            if self.text[self.at] in "\"'":
                steps.append(tomllib.loads(f"k = {self._take(_STRING)}")["k"])
            else:
                steps.append(self._take(_BARE_KEY))
            self._gap()
            if not self._sees("."):
                return steps
            self.at += 1

    def _value(self, path: Path) -> None:
        if self._sees("["):
            self._array(path)
        elif self._sees("{"):
            self._inline_table(path)
        elif self.text[self.at] in "\"'":
            self._take(_STRING)
        else:
            self._take(_PLAIN)

    def _array(self, path: Path) -> None:
        self.at += 1
        self._gap()
        position = 0
        while not self._sees("]"):
            self._value(self._note((*path, position)))
            position += 1
            self._comma()
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        self._gap()
        while not self._sees("}"):
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        self._gap()
        if self._sees(","):
            self.at += 1
            self._gap()

    def _note(self, path: Path) -> Path:
        self.lines.setdefault(path, bisect_right(self._breaks, self.at - 1) + 1)
        return path

    def _gap(self) -> None:
        self._take(_GAP)

    def _sees(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match is not None, "tomllib accepted this text"
        self.at = match.end()
        return match.group()
