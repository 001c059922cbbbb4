"""The echo server: whatever comes over TCP, UDP, HTTP or WebSocket goes back, all on one port number.

What a TCP client speaks is seen from its first line: an HTTP request, or anything else, which is echoed byte for byte.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Any, Literal

from homeport.play.bind import Bound
from homeport.play.connection import Connection
from homeport.play.echo_http import echo_http
from homeport.play.echo_raw import EchoDatagrams, echo_raw
from homeport.play.echo_ws import serve_websocket
from homeport.play.event import Event, Report
from homeport.wire.sniff import Speech, sniff

Kind = Literal["tcp", "udp", "http", "ws"]
KINDS: tuple[Kind, ...] = ("tcp", "udp", "http", "ws")
STREAMS = frozenset({"tcp", "http", "ws"})

# A request line comes in one piece in practice; who types one by hand into a raw connection gets an echo instead.
_UNDECIDED_S = 0.2
_LONGEST_LINE = 16 * 1024
_REQUEST_LINE = re.compile(rb"(?:\r\n)*[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^ \r\n]+ HTTP/[0-9]\.[0-9]\r?\n")


class Echo:
    """One echo server of the kinds asked for. `report` is called for every step, in the order that things happen."""

    def __init__(self, kinds: frozenset[Kind], report: Report) -> None:
        self.connections = 0
        self.datagrams = 0
        self.in_bytes = 0
        self.out_bytes = 0
        self._kinds = kinds
        self._report = report
        self._servers: list[asyncio.Server] = []
        self._transports: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, bound: Bound) -> None:
        loop = asyncio.get_running_loop()
        for sock in bound.streams:
            start = asyncio.start_unix_server if bound.path else asyncio.start_server
            self._servers.append(await start(self._accept, sock=sock))
        for sock in bound.datagrams:
            transport, _ = await loop.create_datagram_endpoint(partial(EchoDatagrams, sock, self._datagram), sock=sock)
            self._transports.append(transport)

    async def close(self) -> None:
        """Connections that are still open are broken off."""
        for server in self._servers:
            server.close()
        for transport in self._transports:
            transport.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the loop's next round

    def _datagram(self, event: Event) -> None:
        size = len(event.data or b"")
        if event.event == "in":
            self.datagrams += 1
            self.in_bytes += size
        else:
            self.out_bytes += size
        self._report(event)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connections += 1
        number = self.connections
        if task is not None:
            task.set_name(f"echo connection {number}")
        connection = Connection(reader, writer, number, _peer(writer.get_extra_info("peername")), self._report)
        connection.tell("open")
        why = ""
        try:
            await self._serve(connection)
        except ConnectionError:
            why = "broken off by the client"
        except asyncio.CancelledError:
            why = "ended with this server"  # not raised again: the task of a connection has nobody above it
            connection.abort()
        finally:
            connection.told_close(why)
            self.in_bytes += connection.in_bytes
            self.out_bytes += connection.out_bytes
            await connection.close()

    async def _serve(self, connection: Connection) -> None:
        kinds = self._kinds & STREAMS
        if kinds == {"tcp"}:
            await echo_raw(connection, await connection.read())
            return
        data, is_http = await _first_words(connection) if "tcp" in kinds else (await connection.read(), True)
        if not data:
            return
        if sniff(data) is Speech.TLS:  # its echo would only look like a broken handshake
            connection.tell("in", said="a TLS handshake, which this server does not speak", data=data)
            return
        if not is_http:
            await echo_raw(connection, data)
            return
        connection.protocol = "http" if "http" in kinds else "ws"
        await echo_http(connection, data, "http" in kinds, serve_websocket if "ws" in kinds else None)


async def _first_words(connection: Connection) -> tuple[bytes, bool]:
    """What came first, and whether it is the beginning of an HTTP request."""
    data = await connection.read()
    while data and sniff(data) in (Speech.HTTP1, Speech.NEED_MORE) and b"\n" not in data.lstrip(b"\r\n"):
        more = await connection.read_soon(_UNDECIDED_S) if len(data) < _LONGEST_LINE else None
        if not more:
            return data, False
        data += more
    return data, bool(_REQUEST_LINE.match(data))


def _peer(address: Any) -> str:
    """`127.0.0.1:51234`; "" for a Unix socket, whose clients have no name."""
    if not isinstance(address, tuple):
        return ""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
