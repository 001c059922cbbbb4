"""The ways in to the control API: its socket, and on demand a loopback port for the dashboard.

It opens and closes; who may come in is decided by the guard, for every way alike.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

from homeport.app.service import Service
from homeport.control.auth import Auth
from homeport.control.server import Server, listen_loopback, listen_unix, load
from homeport.machine.home import private_file
from homeport.model.endpoint import Endpoint


class Entrance:
    """`path` is the control socket's; without Unix sockets a file at that path holds the number of a loopback port."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._server: Server | None = None
        self._port = ""
        self.endpoint = Endpoint(path=path)

    def load(self) -> None:
        """Import what `open` needs, 100 ms: for those who have something else to wait for meanwhile."""
        from homeport.control import api  # noqa: F401

        load()

    async def open(self, service: Service, auth: Auth, touch: Callable[[], None]) -> None:
        """Answers from here on."""
        from homeport.control.api import make_app

        self._server = Server(make_app(service, auth, touch))
        await self._server.serve(self._listen())

    async def open_port(self) -> str:
        """A port for the dashboard alone, the same one each time: "127.0.0.1:41234"."""
        if self._server is None:
            raise RuntimeError("open comes first")
        if not self._port:
            listener = listen_loopback()
            self._port = f"127.0.0.1:{listener.getsockname()[1]}"
            await self._server.serve(listener)
        return self._port

    def unlink(self) -> None:
        """New clients find nobody here any more; those inside are still served."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()
        self._server = None

    def _listen(self) -> socket.socket:
        if hasattr(socket, "AF_UNIX"):
            return listen_unix(self._path)
        listener = listen_loopback()
        port = listener.getsockname()[1]
        self.endpoint = Endpoint("127.0.0.1", port)
        private_file(self._path, str(port).encode())
        return listener
