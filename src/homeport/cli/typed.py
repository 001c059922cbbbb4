"""stdin as pieces to send: as they come, by lines, or as typed hex.

It is read by a thread, because files and consoles cannot be waited for as sockets can, and a terminal that is made
non-blocking stays so for the shell. The thread ends with the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from typing import Literal

from homeport.cli.peer_text import typed_hex

Form = Literal["bytes", "lines", "crlf", "messages", "hex"]
_READ_BYTES = 64 * 1024
_AHEAD = 16  # pieces that are read before the first is sent


class Shaper:
    """Pure: bytes as they were typed in, pieces to send out. `mistake` is told about a line that is not hex."""

    def __init__(self, form: Form, mistake: Callable[[str], None]) -> None:
        self._form = form
        self._mistake = mistake
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        if self._form == "bytes":
            return [data]
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [piece for line in lines if (piece := self._line(line, b"\n")) is not None]

    def end(self) -> list[bytes]:
        """A last line without its end is sent as it is."""
        rest, self._rest = self._rest, b""
        piece = self._line(rest, b"") if rest else None
        return [] if piece is None else [piece]

    def _line(self, line: bytes, line_end: bytes) -> bytes | None:
        if self._form == "lines":
            return line + line_end
        line = line.removesuffix(b"\r")
        if self._form == "crlf":
            return line + (line_end and b"\r\n")
        if self._form == "messages":
            return line
        text = line.decode("ascii", "replace").strip()
        try:
            return typed_hex(text) or None
        except ValueError:
            self._mistake(text)
            return None


async def typed(read: Callable[[int], bytes], shaper: Shaper) -> AsyncIterator[bytes]:
    """Pieces until the end of input. `read` blocks, and answers b"" at the end."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
    threading.Thread(target=_read_all, args=(read, loop, queue), name="stdin", daemon=True).start()
    while data := await queue.get():
        for piece in shaper.feed(data):
            yield piece
    for piece in shaper.end():
        yield piece


def _read_all(read: Callable[[int], bytes], loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[bytes]) -> None:
    data = b"?"
    while data:
        try:
            data = read(_READ_BYTES)
        except OSError:
            data = b""  # the terminal is gone
        putting = queue.put(data)
        try:
            asyncio.run_coroutine_threadsafe(putting, loop).result()
        except (RuntimeError, CancelledError):  # of concurrent.futures, which is not asyncio's
            putting.close()  # the conversation is over
            return
