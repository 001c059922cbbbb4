"""A real upstream for the failures: it makes and takes bodies of any size, hangs, drips, and dies in the middle.

Run as a script with PORT. It never keeps a body; `/seen` says what it has seen.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

PIECE = b"0123456789abcdef" * 16384  # 256 KiB
seen: Counter[str] = Counter()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    seen["connections"] += 1
    try:
        while await answer(reader, writer):
            pass
    except (OSError, asyncio.IncompleteReadError):
        seen["broken"] += 1
    finally:
        seen["connections"] -= 1
        writer.transport.abort()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    target = urlsplit(line.split()[1])
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    seen[target.path] += 1
    seen["under way"] += 1
    try:
        await ROAD.get(target.path, hello)(query, headers, reader, writer)
        await writer.drain()
    finally:
        seen["under way"] -= 1
    return True


Query = dict[str, str]


async def hello(query: Query, headers: Query, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


async def tell(query: Query, headers: Query, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    say(writer, json.dumps({**seen, "pid": os.getpid()}).encode())


async def make(query: Query, headers: Query, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`n` bytes; `die` after so many of them, `hang` likewise; `chunked`."""
    size, chunked = int(query["n"]), "chunked" in query
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    writer.write(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing)
    sent = 0
    for step in ("die", "hang"):
        if step in query:
            size = int(query[step])
    while sent < size:
        piece = PIECE[: size - sent]
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
        sent += len(piece)
    if "die" in query:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in query:
        await reader.read(1)
        raise ConnectionResetError
    if chunked:
        writer.write(b"0\r\n\r\n")


async def take(query: Query, headers: Query, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Counts a body. With `slow`, reads none of it until somebody asks for /go."""
    if "slow" in query:
        await GO.wait()
    count = 0
    if "content-length" in headers:
        while count < int(headers["content-length"]):
            data = await reader.read(min(len(PIECE), int(headers["content-length"]) - count))
            if not data:
                raise asyncio.IncompleteReadError(b"", None)
            count += len(data)
            seen["taken"] += len(data)
    else:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
            count += size
        await reader.readuntil(b"\r\n")
    say(writer, str(count).encode())


async def hang(query: Query, headers: Query, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)  # until whoever asked has had enough
    raise ConnectionResetError


async def go(query: Query, headers: Query, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    GO.set()
    say(writer, b"gone")


def say(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


ROAD = {"/make": make, "/take": take, "/hang": hang, "/go": go, "/seen": tell}
GO = asyncio.Event()


async def main() -> None:
    for _ in range(int(os.environ.get("CHILDREN", "0"))):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    server = await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]), limit=1 << 20, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    asyncio.run(main())
