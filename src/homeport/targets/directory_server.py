"""One ASGI application on one socket, served by uvicorn inside the engine's own loop.

It takes no signals, prints nothing and sleeps until a connection comes: uvicorn's own loop would wake up ten times a
second for each directory.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import AbstractContextManager
from typing import Any

import uvicorn

KEEP_ALIVE_S = 300  # longer than the door keeps an idle connection, so that the door is the one who closes
GRACE_S = 2  # for answers under way when the directory is closed


class QuietServer(uvicorn.Server):
    """Serves `app` on `listener`, which listens already, until `close`."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,  # its clock is the loop that main_loop replaces; the application sends Date
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._listener = listener
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, name: str) -> None:
        self._task = asyncio.create_task(self.serve(sockets=[self._listener]), name=f"serve {name}")

    async def close(self) -> None:
        self.should_exit = True
        self._ended.set()
        if self._task is not None:
            await self._task
        self._listener.close()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ended.wait()
