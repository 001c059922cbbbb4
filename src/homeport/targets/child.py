"""One started process with its output. It knows no other process: what its tree does is for others to see.

Nothing here decides when a child ends; closing it while it runs kills it, so that none is ever forgotten.
"""

from __future__ import annotations

import asyncio
import os
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

    def __init__(self, on_end: OnEnd, outputs: list[Output]) -> None:
        self._on_end = on_end
        self._outputs = outputs
        self._transport: asyncio.SubprocessTransport | None = None
        self._is_closed = asyncio.Event()
        self.ended = asyncio.Event()
        self.pid = 0

    @classmethod
    async def start(
        cls, words: str | list[str], cwd: str, env: Mapping[str, str], on_line: OnLine, on_end: OnEnd
    ) -> Child:
        """A shell line or the words of a command, in a session of its own. Raises OSError."""
        loop = asyncio.get_running_loop()
        outputs = [Output("out", on_line), Output("err", on_line)]
        # Pipes of our own: uvloop's would be socket pairs, and a child could not open /dev/stdout or /dev/stderr then.
        writers = [await output.open() for output in outputs]
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": writers[0],
            "stderr": writers[1],
            "cwd": cwd,
            "env": dict(env),
            **_session(),
        }
        child: Child
        try:
            if isinstance(words, str):
                _, child = await loop.subprocess_shell(lambda: cls(on_end, outputs), words, **options)
            else:
                _, child = await loop.subprocess_exec(lambda: cls(on_end, outputs), *words, **options)
        except BaseException:
            for output in outputs:
                await output.close()
            raise
        finally:
            for writer in writers:
                os.close(writer)
        return child

    @property
    def exit_code(self) -> int | None:
        """128 + signal where a signal ended it."""
        code = self._transport.get_returncode() if self._transport and self.ended.is_set() else None
        return code if code is None or code >= 0 else 128 - code

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)  # uvloop's does not inherit from it
        self.pid = self._transport.get_pid()

    def process_exited(self) -> None:
        self.ended.set()
        self._on_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed.set()

    async def has_ended(self, limit_s: float) -> bool:
        """Wait for it, but no longer."""
        try:
            async with asyncio.timeout(limit_s):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True

    async def drained(self, limit_s: float) -> None:
        """Wait until all its output has been read; whoever else holds its pipes is not waited for."""
        waiting = [asyncio.ensure_future(output.ended.wait()) for output in self._outputs]
        await asyncio.wait(waiting, timeout=limit_s)
        for future in waiting:
            future.cancel()

    async def close(self) -> None:
        """Close its pipes; kills it, should it still run."""
        if self._transport:
            self._transport.close()
            await self._is_closed.wait()
        for output in self._outputs:
            await output.close()


class Output(asyncio.Protocol):
    """One pipe of a child, read as lines."""

    def __init__(self, stream: str, on_line: OnLine) -> None:
        self._stream = stream
        self._on_line = on_line
        self._loop = asyncio.get_running_loop()
        self._lines = Lines()
        self._flush_later: asyncio.TimerHandle | None = None
        self._go_on_later: asyncio.TimerHandle | None = None
        self._window_ends_s = 0.0
        self._window_bytes = 0
        self._transport: asyncio.ReadTransport | None = None
        self.ended = asyncio.Event()

    async def open(self) -> int:
        """The end that the child is to write to; it belongs to the caller."""
        reader, writer = os.pipe()
        await self._loop.connect_read_pipe(lambda: self, os.fdopen(reader, "rb", buffering=0))
        return writer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._give(self._lines.feed(data))
        if self._lines.has_partial and self._flush_later is None:
            self._flush_later = self._loop.call_later(_PARTIAL_S, self._flush)
        self._slow_down(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._give(self._lines.end())
        self.ended.set()

    async def close(self) -> None:
        for handle in (self._flush_later, self._go_on_later):
            if handle:
                handle.cancel()
        if self._transport:
            self._transport.close()
            await self.ended.wait()

    def _give(self, pieces: list[Piece]) -> None:
        for text, continues in pieces:
            self._on_line(self._stream, text, continues)

    def _flush(self) -> None:
        self._flush_later = None
        self._give(self._lines.partial())

    def _slow_down(self, size: int) -> None:
        now_s = self._loop.time()
        if now_s >= self._window_ends_s:
            self._window_ends_s, self._window_bytes = now_s + _WINDOW_S, 0
        self._window_bytes += size
        if self._window_bytes > _WINDOW_BYTES and self._go_on_later is None and self._transport:
            self._transport.pause_reading()
            self._go_on_later = self._loop.call_at(self._window_ends_s, self._go_on)

    def _go_on(self) -> None:
        self._go_on_later = None
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()


def _session() -> dict[str, Any]:
    """A session of its own keeps the terminal's Ctrl-C away from it and lets its whole group be signalled."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
