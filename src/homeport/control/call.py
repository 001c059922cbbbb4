"""One request to the control API and its answer: as little of HTTP/1.1 as our own server speaks (RFC 9112).

A connection for each request, since a Unix socket connects in 30 µs and a fresh one is never stale. It imports nothing
but `socket`: the standard library's client costs 40 ms of start-up, more than everything else a command does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from homeport.model.errors import HomeportError

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 30.0  # twice what the engine itself waits for its recorder
HEAD_LIMIT_BYTES = 64 * 1024
READ_BYTES = 256 * 1024


def connect(address: str) -> socket.socket:
    """Connect to the control socket; without Unix sockets its file holds a loopback port. Raises OSError."""
    if hasattr(socket, "AF_UNIX"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        target: str | tuple[str, int] = address
    else:
        with open(address, encoding="ascii") as file:
            target = ("127.0.0.1", int(file.read()))
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_LIMIT_S)
        connection.connect(target)
    except OSError:
        connection.close()
        raise
    connection.settimeout(None)
    return connection


class Answer:
    """The head of an answer, and its body as it arrives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self.status, self.headers = self._head()

    def _head(self) -> tuple[int, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT_BYTES:
                raise broken("its answer has no end")
            self._more()
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise broken("its answer is not HTTP")
        pairs = (line.partition(":") for line in lines)
        return int(rest[:3]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    def read(self) -> bytes:
        return b"".join(self)

    def __iter__(self) -> Iterator[bytes]:
        """The body in pieces, framing removed. The connection closes with its end."""
        with self._connection:
            if self.status in (204, 304):
                return
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                yield from self._chunks()
            elif "content-length" in self.headers:
                yield from self._exactly(int(self.headers["content-length"]))
            else:
                yield from self._until_close()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._line().partition(b";")[0], 16):
            yield from self._exactly(size)
            self._line()
        while self._line():
            pass  # trailers

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._buffer:
                self._more()
            piece = bytes(self._buffer[:size])
            del self._buffer[:size]
            size -= len(piece)
            yield piece

    def _until_close(self) -> Iterator[bytes]:
        yield bytes(self._buffer)
        while data := self._receive():
            yield data

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _more(self) -> None:
        data = self._receive()
        if not data:
            raise broken("it ended in the middle of an answer")
        self._buffer += data

    def _receive(self) -> bytes:
        try:
            return self._connection.recv(READ_BYTES)
        except OSError as error:
            raise broken(os.strerror(error.errno) if error.errno else str(error)) from error

    def close(self) -> None:
        self._connection.close()


def ask(
    address: str,
    method: str,
    target: str,
    token: str,
    body: bytes | None = None,
    limit_s: float | None = ANSWER_LIMIT_S,
) -> Answer:
    """Send one request; the answer's head is read. `target` is a path, percent-encoded, with its query.

    `limit_s` bounds each wait for bytes; None waits for ever: for apps, which may take their time, and for events.
    """
    try:
        connection = connect(address)
    except OSError as error:
        raise broken(error.strerror or str(error)) from error
    peer = connection.getpeername()
    host = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "homeport"
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}", "Connection: close"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    try:
        connection.settimeout(limit_s)
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + (body or b""))
        return Answer(connection)
    except OSError as error:
        connection.close()
        raise broken(error.strerror or str(error)) from error
    except BaseException:
        connection.close()
        raise


def broken(why: str) -> HomeportError:
    return HomeportError("engine-unreachable", f"the engine does not answer: {why}", "homeport status")
