"""Served directories: each is an ASGI application on a socket of its own, dialled like every other target.

It opens and closes sockets; what a request gets is decided in directory_app. Nothing is imported until the first
directory is opened, since most engines serve none.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeport.model.app import Serve
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.targets.directory_app import DirectoryApp
    from homeport.targets.directory_server import QuietServer


@dataclass(frozen=True, slots=True)
class _Served:
    server: QuietServer
    app: DirectoryApp
    endpoint: Endpoint


class Directories:
    """The directories that are open, by name. `socket_for(name)` gives the path of a Unix socket in a private folder.

    Without `socket_for`, and where there are no Unix sockets, each listens on a loopback port that the kernel picks.
    """

    def __init__(self, socket_for: Callable[[str], str] | None = None) -> None:
        self._socket_for = socket_for if sys.platform != "win32" else None
        self._open: dict[str, _Served] = {}

    async def open(self, name: str, serve: Serve) -> Endpoint:
        """Start to serve; the endpoint answers at once. Raises HomeportError("bad-usage") when there is no directory.

        A name that is open already is closed first.
        """
        if not os.path.isdir(serve.directory):
            raise HomeportError("bad-usage", f"{serve.directory} is not a directory", "homeport serve DIR")
        await self.close(name)
        from homeport.targets.directory_app import DirectoryApp
        from homeport.targets.directory_server import QuietServer

        listener, endpoint = self._listen(name)
        app = DirectoryApp(serve)
        server = QuietServer(app, listener)
        server.start(name)
        self._open[name] = _Served(server, app, endpoint)
        return endpoint

    async def close(self, name: str) -> None:
        """Stop to serve; answers under way get a short time to end. An unknown name is no mistake."""
        served = self._open.pop(name, None)
        if served is None:
            return
        await served.app.close()
        await served.server.close()
        if served.endpoint.is_unix:
            _remove(served.endpoint.path)

    async def close_all(self) -> None:
        for name in list(self._open):
            await self.close(name)

    def _listen(self, name: str) -> tuple[socket.socket, Endpoint]:
        if self._socket_for is None or sys.platform == "win32":
            listener = socket.create_server(("127.0.0.1", 0))
            endpoint = Endpoint("127.0.0.1", listener.getsockname()[1])
        else:
            path = self._socket_for(f"dir-{name}")
            _remove(path)  # left over from an engine that was killed
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                listener.bind(path)
                os.chmod(path, 0o600)
            except OSError:
                listener.close()
                raise
            listener.listen(512)
            endpoint = Endpoint(path=path)
        listener.setblocking(False)
        return listener, endpoint


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
