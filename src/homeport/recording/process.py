"""The recorder as a child of the engine: how it is started, and how it is seen off. What it does is in recorder.py."""

from __future__ import annotations

import asyncio
import os
import socket

from homeport.recording.command import Command

_SOCKET_BUFFER_BYTES = 1 << 20  # a commit of the recorder may take a while; the kernel gives what it allows
_FAREWELL_S = 10.0  # to write the rest, once the engine's side is closed


class RecorderProcess:
    """A recorder that was started, and our end of the socket to it."""

    def __init__(self, process: asyncio.subprocess.Process, sock: socket.socket) -> None:
        self._process = process
        self.sock = sock

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls, command: Command) -> RecorderProcess:
        """Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            for sock in (ours, theirs):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    sock.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER_BYTES)
            process = await _spawn(command(theirs.fileno()), theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    async def gone(self) -> int:
        """Wait for its end, once the socket is closed; it is killed when that takes too long."""
        try:
            return await asyncio.wait_for(self._process.wait(), _FAREWELL_S)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()


async def _spawn(words: list[str], sock: socket.socket) -> asyncio.subprocess.Process:
    """In a session of its own, so that Ctrl-C in a terminal is the engine's business alone."""
    null = asyncio.subprocess.DEVNULL
    if os.name == "posix":
        return await asyncio.create_subprocess_exec(
            *words, stdin=null, stdout=null, pass_fds=[sock.fileno()], start_new_session=True
        )
    sock.set_inheritable(True)
    return await asyncio.create_subprocess_exec(*words, stdin=null, stdout=null, close_fds=False)
