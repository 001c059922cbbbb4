"""When an app counts as ready, where that is a path that answers, a line of its log, or a command that ends with 0.

Paths and commands are asked again and again; each outcome is kept in words, "" when it was good enough. An asking never
raises and never outlives its limit.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping

from homeport.model.app import Ready
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.targets.seams import Pace


class ReadyCheck:
    """The check of one run. `met` is called once it is met; `kill` ends a process and its descendants by force."""

    def __init__(
        self,
        ready: Ready,
        pace: Pace,
        cwd: str,
        env: Mapping[str, str],
        met: Callable[[], None],
        kill: Callable[[int], None],
    ) -> None:
        """Raises HomeportError when the line is no regular expression."""
        self.is_met = False
        self.seen = ""
        self.is_wanted = bool(ready.path or ready.log or ready.command)
        self._ready = ready
        self._line = _pattern(ready.log)
        self._pace = pace
        self._cwd, self._env = cwd, env
        self._met = met
        self._kill = kill
        self._endpoint: Endpoint | None = None
        self._asking: asyncio.Task[None] | None = None

    def hear(self, line: str) -> None:
        if self._line and not self.is_met and self._line.search(line):
            self._note("")

    def look(self, endpoint: Endpoint | None) -> None:
        """Where the app listens now. Begins to ask, unless that goes on already or there is nothing to ask."""
        self._endpoint = endpoint
        asks = self._ready.path or self._ready.command
        if asks and not self.is_met and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(), name="ready check")

    def begin_again(self) -> None:
        """The app stopped listening. What was met by a line stays met: it may not be written twice."""
        self.is_met = bool(self._line) and self.is_met

    async def close(self) -> None:
        if self._asking:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        while not self.is_met:
            if self._ready.command:
                self._note(await self._command())
            elif self._endpoint:
                self._note(await self._path(self._endpoint))
            if not self.is_met:
                await asyncio.sleep(self._pace.check_s)

    def _note(self, seen: str) -> None:
        self.seen = seen
        if not seen:
            self.is_met = True
            self._met()

    async def _path(self, endpoint: Endpoint) -> str:
        """GET answers with a status below 400."""
        limit_s = self._pace.check_limit_s
        try:
            async with asyncio.timeout(limit_s):
                return await _get(endpoint, self._ready.path)
        except TimeoutError:
            return f"no answer within {limit_s:g} s"
        except OSError as error:
            return _words_of(error)

    async def _command(self) -> str:
        """A shell line ends with 0."""
        limit_s, silent = self._pace.check_limit_s, asyncio.subprocess.DEVNULL
        # In our own session, so that it is never taken for an orphan of the app (see Machine.strays).
        try:
            process = await asyncio.create_subprocess_shell(
                self._ready.command, stdin=silent, stdout=silent, stderr=silent, cwd=self._cwd, env=dict(self._env)
            )
        except OSError as error:
            return _words_of(error)
        try:
            async with asyncio.timeout(limit_s):
                code = await process.wait()
        except TimeoutError:
            return f"not done within {limit_s:g} s"
        finally:
            if process.returncode is None:
                self._kill(process.pid)
                await process.wait()
        return f"exit code {code}" if code else ""


async def _get(endpoint: Endpoint, path: str) -> str:
    if endpoint.is_unix:
        reader, writer = await asyncio.open_unix_connection(endpoint.path)
    else:
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        host = "localhost" if endpoint.is_unix else f"localhost:{endpoint.port}"
        target = path if path.startswith("/") else f"/{path}"
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: homeport-ready\r\nAccept: */*\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        line = await reader.readline()
    except ValueError:
        return "an answer that is not HTTP"  # a first line without end
    finally:
        writer.transport.abort()
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return "an answer that is not HTTP" if line else "connection closed without an answer"
    return "" if int(words[1]) < 400 else f"status {int(words[1])}"


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise HomeportError("bad-config", f"{text!r} is no regular expression: {error}") from error


def _words_of(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
