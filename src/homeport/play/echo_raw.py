"""Bytes and datagrams go back as they came."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

from homeport.play.connection import Connection, since
from homeport.play.event import Event


async def echo_raw(connection: Connection, data: bytes) -> None:
    """Until the client sends no more; `data` is what has come already. A half-closed client gets all of it."""
    while data:
        start = time.perf_counter()
        connection.tell("in", data=data)
        await connection.send(data)
        connection.tell("out", data=data, ms=since(start))
        data = await connection.read()


class EchoDatagrams(asyncio.DatagramProtocol):
    """Sends every datagram back to where it came from."""

    def __init__(self, sock: socket.socket, report: Callable[[Event], None]) -> None:
        self._sock = sock
        self._report = report

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        start = time.perf_counter()
        host, port = addr[:2]
        peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._report(Event(event="in", protocol="udp", peer=peer, data=data))
        try:
            # Not by the transport: before Python 3.13 it leaves empty datagrams out.
            self._sock.sendto(data, addr)
        except OSError:
            return  # the buffer is full, or the peer is gone: datagrams may be lost
        self._report(Event(event="out", protocol="udp", peer=peer, data=data, ms=since(start)))

    def error_received(self, exc: Exception) -> None:
        pass  # the peer's port is closed again: nobody waits for that answer
