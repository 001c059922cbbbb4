"""uvicorn as a library: what it must not bring along, and that it ends."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.control.server import Server, listen_unix


async def hello(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"hello"})  # type: ignore[operator]


def test_the_command_line_of_uvicorn_is_not_loaded_and_stays_usable() -> None:
    code = (
        "import sys\n"
        "from homeport.control import server\n"
        "with server._without_command_line():\n"
        "    import uvicorn.config, uvicorn.server\n"
        "print(*{'click', 'uvicorn.main', 'uvicorn.supervisors', 'watchfiles', 'multiprocessing'} & set(sys.modules))\n"
        "import uvicorn\n"
        "assert uvicorn.Server is uvicorn.server.Server and uvicorn.Config is uvicorn.config.Config\n"
        "import uvicorn.main\n"
        "assert callable(uvicorn.main.main)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


async def test_the_socket_is_its_owners_alone_and_replaces_a_stale_one(short_path: str) -> None:
    path = f"{short_path}/engine.sock"
    listen_unix(path).close()  # the file stays, as after kill -9
    listener = listen_unix(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    server = Server(hello)
    await server.serve(listener)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.read()).endswith(b"hello")
    writer.close()
    await writer.wait_closed()
    await server.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_unix_connection(path)


async def test_a_path_that_is_too_long_leaves_nothing_open(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        listen_unix(str(tmp_path / ("x" * 120)))


async def test_signals_and_logging_are_left_alone(short_path: str) -> None:
    import logging
    import signal

    before = signal.getsignal(signal.SIGTERM), list(logging.getLogger("uvicorn").handlers)
    server = Server(hello)
    await server.serve(listen_unix(f"{short_path}/engine.sock"))
    assert (signal.getsignal(signal.SIGTERM), list(logging.getLogger("uvicorn").handlers)) == before
    await server.close()
