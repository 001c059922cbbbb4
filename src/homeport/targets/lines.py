"""A child's output as lines: any bytes, any length. Pure: it keeps at most one piece and never waits for a newline."""

from __future__ import annotations

import re

PIECE_BYTES = 64 * 1024

Piece = tuple[str, bool]  # text, and whether the same line continues in the next piece

# ECMA-48: control sequences (colours, cursor), and operating system commands (titles, links) up to BEL or ST.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")


class Lines:
    """Feed it what was read. Lines longer than PIECE_BYTES come in pieces, cut between characters."""

    def __init__(self) -> None:
        self._rest = b""
        self._open = False  # a piece of the line in `_rest` was given away already

    @property
    def has_partial(self) -> bool:
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Piece]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        pieces: list[Piece] = []
        for line in whole:
            last = self._cut(line, pieces)
            pieces.append((_text(last.removesuffix(b"\r")), False))
            self._open = False
        self._rest = self._cut(self._rest, pieces)
        return pieces

    def partial(self) -> list[Piece]:
        """What there is of an unfinished line, such as a question that waits for an answer on the same line."""
        rest, self._rest = self._rest, b""
        self._open = self._open or bool(rest)
        return [(_text(rest), True)] if rest else []

    def end(self) -> list[Piece]:
        """The last line, when it had no newline."""
        if not self._rest and not self._open:
            return []
        rest, self._rest, self._open = self._rest, b"", False
        return [(_text(rest.removesuffix(b"\r")), False)]

    def _cut(self, line: bytes, pieces: list[Piece]) -> bytes:
        while len(line) > PIECE_BYTES:
            at = PIECE_BYTES
            while at > PIECE_BYTES - 3 and line[at] & 0xC0 == 0x80:
                at -= 1  # inside a character of UTF-8
            pieces.append((_text(line[:at]), True))
            self._open = True
            line = line[at:]
        return line


def plain(text: str) -> str:
    """Without colours and other terminal sequences."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
