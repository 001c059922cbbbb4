"""portpicker's portserver protocol on a Unix socket: a client sends its pid and a newline, and is sent a port.

That is all of it: "0" is the answer where there is no port, and the client then picks one by itself. PyPI `portpicker`
finds the socket by PORTSERVER_ADDRESS. The lease belongs to the pid that was sent and ends with it. Users other than
ours are sent away, whatever the socket's folder lets through.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import cast

from homeport.control.server import listen_unix
from homeport.model.errors import HomeportError
from homeport.model.lease import LeaseSpec, LeaseState

LINE_LIMIT_BYTES = 32  # the largest pid of Linux has seven digits
ASK_LIMIT_S = 5.0
NO_PORT = b"0\n"

Take = Callable[..., list[LeaseState]]  # LeaseTable.take


class Portserver:
    """`address` is "" on systems without Unix sockets."""

    def __init__(self, path: str, take: Take) -> None:
        self.address = path if hasattr(socket, "AF_UNIX") else ""
        self._take = take
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        if self.address:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(lambda: Caller(self._port), sock=listen_unix(self.address))

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        await self._server.wait_closed()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)

    def _port(self, pid: int) -> int:
        """0 for the processes that nothing can be leased to: init, the kernel's, and those that have ended."""
        if pid <= 1:
            return 0
        try:
            return self._take(LeaseSpec(folder="", pid=pid), by_portserver=True)[0].port
        except HomeportError:
            return 0


class Caller(asyncio.Protocol):
    """One question, one answer. Who asks nothing is not waited for."""

    def __init__(self, port: Callable[[int], int]) -> None:
        self._port = port
        self._line = b""
        self._transport: asyncio.Transport
        self._late: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it
        self._late = asyncio.get_running_loop().call_later(ASK_LIMIT_S, self._transport.abort)
        if not is_ours(transport.get_extra_info("socket")):
            self._answer(NO_PORT)

    def data_received(self, data: bytes) -> None:
        self._line += data
        if b"\n" in self._line or len(self._line) > LINE_LIMIT_BYTES:
            self._answer(b"%d\n" % self._port(parse_pid(self._line)))

    def eof_received(self) -> None:
        if self._line:  # portpicker's shell client may end without a newline
            self._answer(b"%d\n" % self._port(parse_pid(self._line)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()

    def _answer(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
            self._transport.close()


def parse_pid(line: bytes) -> int:
    """The pid in the first line, 0 where there is none."""
    word = line.split(b"\n", 1)[0].strip()
    return int(word) if word.isdigit() and len(word) <= 10 else 0


def is_ours(peer: socket.socket) -> bool:
    """Whether the process at the other end is ours or root's. Elsewhere the folder's 0700 has to say so."""
    if sys.platform != "linux":
        return True
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (os.getuid(), 0)
