"""The control API on its sockets: uvicorn as a library, inside the engine's loop, without its signals, logs and clock.

It binds nothing on a public address and knows no path of the API.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn

STOP_S = 2.0  # for requests under way when the engine ends; event streams have ended by then
KEEP_ALIVE_S = 300  # longer than the door keeps an idle connection, so that the door is the one who closes
BACKLOG = 128


class Server:
    """Serves one ASGI app on any number of listening sockets, until `close`."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    async def serve(self, listener: socket.socket) -> None:
        """Returns when the socket is being served. The socket is closed with the server."""
        server = _make(self._app)
        task = asyncio.create_task(server.serve(sockets=[listener]), name="control API")
        self._running.append((server, task))
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0)

    async def close(self) -> None:
        for server, _ in self._running:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._running))
        self._running.clear()


def listen_unix(path: str) -> socket.socket:
    """A listening Unix socket that only its owner may use. A stale file is replaced: whoever calls holds the lock."""
    assert sys.platform != "win32"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)  # nobody else gets through the folder's 0700 before the next line
        os.chmod(path, 0o600)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def listen_loopback(port: int = 0) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def load() -> None:
    """Import the server: once, and without its command line."""
    with _without_command_line():
        import uvicorn.config
        import uvicorn.protocols.http.h11_impl
        import uvicorn.server  # noqa: F401


def _make(app: Any) -> uvicorn.Server:
    load()
    import uvicorn.config
    import uvicorn.server

    class QuietServer(uvicorn.server.Server):
        """Without the ten ticks a second that keep the Date header fresh: at rest the engine sleeps."""

        def __init__(self, config: uvicorn.Config) -> None:
            self._exit = asyncio.Event()
            super().__init__(config)

        @property
        def should_exit(self) -> bool:
            return self._exit.is_set()

        @should_exit.setter
        def should_exit(self, value: bool) -> None:
            if value:
                self._exit.set()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are the engine's

        async def main_loop(self) -> None:
            await self._exit.wait()

    config = uvicorn.config.Config(
        app,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(STOP_S),
    )
    return QuietServer(config)


@contextlib.contextmanager
def _without_command_line() -> Iterator[None]:
    """Import uvicorn without uvicorn.main: its command line, reloader and process pool cost 50 ms and 2.5 MiB.

    A module of that name stands in while the package is imported, and is forgotten afterwards.
    """
    name = "uvicorn.main"
    if "uvicorn" in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    stand_in.__dict__.update(main=None, run=None, Server=None)
    sys.modules[name] = stand_in
    try:
        yield
        import uvicorn.server

        vars(uvicorn)["Server"] = uvicorn.server.Server
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
