"""An engine of its own, an app that remembers who came, and programs of another user."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

OTHER = 65534  # "nobody"
SECRET = "the crown jewels"
# A Python that another user may run: ours may lie in a home.
PYTHON = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
MAY_BE_ANOTHER = sys.platform == "linux" and os.geteuid() == 0 and PYTHON is not None


class App(ThreadingHTTPServer):
    """Gives SECRET to everybody who gets this far, and remembers the paths."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: App

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(f"{self.command} {self.headers['X-Forwarded-Host']}{self.path}")
        body = f"{SECRET} Cookie={self.headers.get('Cookie', '')}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name is http.server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        pass


@dataclass
class Castle:
    """`home` lies where every user could get, if its own mode let them."""

    home: Path
    app: App
    environ: dict[str, str] = field(default_factory=dict)

    def homeport(self, *words: str, typed: str = "") -> str:
        command = [sys.executable, "-m", "homeport", *words]
        done = subprocess.run(
            command, cwd=self.home.parent, env=self.environ, input=typed, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def route(self, name: str, *words: str) -> None:
        self.homeport("route", name, str(self.app.server_port), *words)

    @property
    def port(self) -> int:
        return int(self.status()["engine"]["url"].rpartition(":")[2])

    @property
    def engine_pid(self) -> int:
        return int(self.status()["engine"]["pid"])

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.homeport("status", "--json"))
        return found


@contextlib.contextmanager
def castle() -> Iterator[Castle]:
    folder = Path(tempfile.mkdtemp(prefix="hp-castle-"))
    folder.chmod(0o755)
    app = App()
    thread = threading.Thread(target=app.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    environ = {**os.environ, "HOMEPORT_HOME": str(folder / "home"), "HOMEPORT_DOOR": "127.0.0.1:0"}
    made = Castle(folder / "home", app, environ)
    try:
        yield made
    finally:
        made.homeport("down")
        app.shutdown()
        app.server_close()
        thread.join()
        shutil.rmtree(folder)


def as_another(program: str, *words: str) -> str:
    """What a Python program prints that runs as another user, with none of our groups and an empty environment."""
    assert PYTHON is not None
    done = subprocess.run(
        [PYTHON, "-c", program, *words],
        user=OTHER,
        group=OTHER,
        extra_groups=[],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
