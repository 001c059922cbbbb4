"""The demo's UDP echo: it sends every datagram back. On the same port, over TCP, it says in JSON what it has echoed.

So it has something to show in a browser, and it counts as ready like any app that listens.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys


class Echo(asyncio.DatagramProtocol):
    """Counts what it sends back."""

    def __init__(self) -> None:
        self.datagrams = 0
        self.octets = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.datagrams += 1
        self.octets += len(data)
        if self._transport is not None:
            self._transport.sendto(data, addr)
        _say(f"echoed {len(data)} bytes to {addr[0]}:{addr[1]}")

    def error_received(self, exc: Exception) -> None:
        pass  # the peer's port is closed again: nobody waits for that answer


async def serve(host: str, port: int) -> None:
    echo = Echo()
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: echo, (host, port))
    except OSError:  # the lease is for TCP; somebody may have the same number for UDP
        transport, _ = await loop.create_datagram_endpoint(lambda: echo, (host, 0))
    address = "{}:{}".format(*transport.get_extra_info("sockname")[:2])
    server = await asyncio.start_server(lambda reader, writer: _tell(reader, writer, echo, address), host, port)
    _say(f"echoing datagrams on {address}")
    ended = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        try:
            loop.add_signal_handler(getattr(signal, name), ended.set)
        except NotImplementedError:  # Windows: the process just ends
            pass
    await ended.wait()
    server.close()
    transport.close()


async def _tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, echo: Echo, address: str) -> None:
    try:
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        facts = {"app": "homeport demo UDP echo", "udp": address, "datagrams": echo.datagrams, "bytes": echo.octets}
        body = json.dumps(facts).encode() + b"\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # it left, or it does not speak HTTP
    finally:
        writer.close()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "9000"))))
