"""The demo's three apps as real processes, and a door for them that is just good enough: it knows hosts and paths."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.demo import specs


class Door(socketserver.ThreadingTCPServer):
    """One request to a connection; what follows its head is copied both ways."""

    daemon_threads = False
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.routes: dict[str, int] = {}

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.server_address[:2])

    def find(self, head: bytes) -> tuple[int, bytes]:
        line, _, rest = head.partition(b"\r\n")
        host = re.search(rb"\r\nhost: ([a-z.]+)\.localhost", head, re.IGNORECASE)
        path = re.match(rb"(\S+ )/@([a-z.]+)(/\S*)", line)
        if host:
            return self.routes[host[1].decode()], head
        if path:
            return self.routes[path[2].decode()], path[1] + path[3] + line[path.end() :] + b"\r\n" + rest
        return self.routes["demo"], head


class _Visit(socketserver.BaseRequestHandler):
    server: Door

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = self.request.recv(65536)
            if not chunk:
                return
            head += chunk
        port, head = self.server.find(head)
        if b"upgrade: websocket" not in head.lower():
            head = re.sub(rb"\r\nconnection: [^\r]*", b"", head, flags=re.IGNORECASE)
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            upstream.sendall(head)
            up = threading.Thread(target=_copy, args=(self.request, upstream))
            up.start()
            _copy(upstream, self.request)
            up.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Until either side is gone; then neither is of use to the other."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    for side in (source, sink):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with Door() as door, contextlib.ExitStack() as running:
        threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.05}).start()
        running.callback(door.shutdown)
        for spec in specs():
            port = _free_port()
            door.routes[spec.name] = port
            environment = {**spec.env, "PORT": str(port), "HOMEPORT_API_DEMO_URL": f"{door.url}/@api.demo"}
            log = (tmp_path_factory.mktemp("logs") / spec.name).open("wb")
            running.callback(log.close)
            process = subprocess.Popen(
                spec.command, env=environment, cwd=spec.folder, stdout=log, stderr=subprocess.STDOUT
            )
            running.callback(process.wait, 20)
            running.callback(process.terminate)
            _wait_for(port, process, Path(log.name))
        yield door


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"{os.path.basename(log)} does not listen: {log.read_text()}")
