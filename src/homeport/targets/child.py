"""One started process with its output. It knows no other process: what its tree does is for others to see.

Nothing here decides when a child ends; closing it while it runs kills it, so that none is ever forgotten.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from homeport.targets.lines import Lines, Piece

# A child that writes faster than this is slowed down by its pipe, as a terminal would: 5 MiB/s of log cost a fifth of
# the loop that also carries the requests.
_WINDOW_S = 0.05
_WINDOW_BYTES = 256 * 1024
_PARTIAL_S = 0.5  # how long an unfinished line is kept back

OnLine = Callable[[str, str, bool], None]  # stream, text, continues
OnEnd = Callable[[], None]


class Child(asyncio.SubprocessProtocol):
    """`ended` is set when the process itself has ended; its descendants may still write to its pipes then."""

    def __init__(self, on_line: OnLine, on_end: OnEnd) -> None:
        self._on_line = on_line
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._lines = {1: Lines(), 2: Lines()}
        self._flushes: dict[int, asyncio.TimerHandle] = {}
        self._resume: asyncio.TimerHandle | None = None
        self._window_ends_s = 0.0
        self._window_bytes = 0
        self._transport: asyncio.SubprocessTransport | None = None
        self._disconnected = asyncio.Event()
        self.ended = asyncio.Event()
        self.pid = 0

    @classmethod
    async def start(
        cls, words: str | list[str], cwd: str, env: Mapping[str, str], on_line: OnLine, on_end: OnEnd
    ) -> Child:
        """A shell line or the words of a command, in a session of its own. Raises OSError."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": cwd, "env": dict(env), **_session()}
        child: Child
        if isinstance(words, str):
            _, child = await loop.subprocess_shell(lambda: cls(on_line, on_end), words, **options)
        else:
            _, child = await loop.subprocess_exec(lambda: cls(on_line, on_end), *words, **options)
        return child

    @property
    def exit_code(self) -> int | None:
        """128 + signal where a signal ended it."""
        code = self._transport.get_returncode() if self._transport and self.ended.is_set() else None
        return code if code is None or code >= 0 else 128 - code

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)  # uvloop's does not inherit from it
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        lines = self._lines[fd]
        self._give(fd, lines.feed(data))
        if lines.has_partial and fd not in self._flushes:
            self._flushes[fd] = self._loop.call_later(_PARTIAL_S, self._flush, fd)
        self._slow_down(len(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in self._lines:
            self._give(fd, self._lines[fd].end())

    def process_exited(self) -> None:
        self.ended.set()
        self._on_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disconnected.set()

    async def drained(self, limit_s: float) -> None:
        """Wait until all its output has been read; whoever else holds its pipes is not waited for."""
        try:
            await asyncio.wait_for(self._disconnected.wait(), limit_s)
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Close its pipes; kills it, should it still run."""
        for handle in (*self._flushes.values(), self._resume):
            if handle:
                handle.cancel()
        if self._transport:
            self._transport.close()
            await self._disconnected.wait()

    def _give(self, fd: int, pieces: list[Piece]) -> None:
        stream = "out" if fd == 1 else "err"
        for text, continues in pieces:
            self._on_line(stream, text, continues)

    def _flush(self, fd: int) -> None:
        self._flushes.pop(fd, None)
        self._give(fd, self._lines[fd].partial())

    def _slow_down(self, size: int) -> None:
        now_s = self._loop.time()
        if now_s >= self._window_ends_s:
            self._window_ends_s, self._window_bytes = now_s + _WINDOW_S, 0
        self._window_bytes += size
        if self._window_bytes > _WINDOW_BYTES and self._resume is None:
            self._for_each_pipe("pause_reading")
            self._resume = self._loop.call_at(self._window_ends_s, self._go_on)

    def _go_on(self) -> None:
        self._resume = None
        self._for_each_pipe("resume_reading")

    def _for_each_pipe(self, verb: str) -> None:
        for fd in (1, 2):
            pipe = self._transport.get_pipe_transport(fd) if self._transport else None
            if pipe and not pipe.is_closing():
                getattr(pipe, verb)()


def _session() -> dict[str, Any]:
    """A session of its own keeps the terminal's Ctrl-C away from it and lets its whole group be signalled."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
