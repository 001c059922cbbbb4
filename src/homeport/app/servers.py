"""`serve --with nginx|apache`: the command of the real server, and where what it writes lies in the home."""

from __future__ import annotations

import os
import zlib
from typing import Literal

from homeport.machine.home import Home
from homeport.model.app import Serve
from homeport.model.errors import HomeportError
from homeport.targets.webservers import serve_with


def server_command(kind: str, serve: Serve, folder: str, name: str) -> list[str]:
    """One folder of the home for each app. Raises HomeportError: "bad-usage", "not-installed"."""
    if serve.reload:
        raise HomeportError(
            "bad-usage", f"{kind} cannot refresh pages: reload is the builtin server's", "--with builtin"
        )
    state_dir = os.path.join(Home.find().root, "servers", f"{name}-{zlib.crc32(folder.encode()):08x}")
    server: Literal["nginx", "apache"] = "nginx" if kind == "nginx" else "apache"
    return serve_with(server, serve.directory, serve.spa, state_dir, listing=serve.listing)
