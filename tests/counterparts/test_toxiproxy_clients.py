"""Toxiproxy's own clients, unchanged: npm's toxiproxy-node-client and PyPI's toxiproxy-python."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.counterparts.packages import node_modules

NODE = """
const { Toxiproxy } = require("toxiproxy-node-client")
const [api, upstream] = process.argv.slice(2)
async function main() {
  const toxiproxy = new Toxiproxy(api)
  const proxy = await toxiproxy.createProxy({ name: "echo", listen: "127.0.0.1:0", upstream })
  const toxic = await proxy.addToxic({
    name: "late", type: "latency", stream: "downstream", toxicity: 1, attributes: { latency: 150, jitter: 0 }
  })
  console.log(JSON.stringify({ listen: proxy.listen, version: (await toxiproxy.getVersion()).trim() }))
  process.stdin.once("data", async () => {
    await toxic.remove()
    console.log(JSON.stringify({ enabled: (await toxiproxy.get("echo")).enabled }))
    await toxiproxy.reset()
    await proxy.remove()
    console.log(JSON.stringify({ left: Object.keys((await toxiproxy.getAll())).length }))
    process.exit(0)
  })
}
main().catch(error => { console.error(error); process.exit(1) })
"""


@contextmanager
def api(tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "homeport", "toxiproxy", "--port", "0"]
    environment = {**os.environ, "HOMEPORT_HOME": str(tmp_path / "home")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        line = process.stderr.readline()
        try:
            yield line.split()[-1]
        finally:
            process.terminate()
            assert process.wait(20) == 0


@contextmanager
def echo_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        while data := connection.recv(4096):
                            connection.sendall(data)
            except OSError:
                return  # closed

        threading.Thread(target=serve, daemon=True).start()
        host, port = listener.getsockname()
        yield f"{host}:{port}"
        listener.shutdown(socket.SHUT_RDWR)


def round_trip_s(listen: str) -> float:
    host, _, port = listen.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        begun = time.monotonic()
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        return time.monotonic() - begun


@pytest.mark.counterpart("node", "npm")
def test_the_node_client(tmp_path: Path) -> None:
    modules = node_modules("toxiproxy-node-client@4.1.0")
    script = tmp_path / "client.js"
    script.write_text(NODE)
    environment = {**os.environ, "NODE_PATH": str(modules)}
    with (
        api(tmp_path) as url,
        echo_server() as upstream,
        subprocess.Popen(
            ["node", str(script), url, upstream],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as node,
    ):
        assert node.stdin
        assert node.stdout
        made = json.loads(node.stdout.readline())
        assert "2.12.0" in made["version"]
        assert round_trip_s(made["listen"]) >= 0.15
        node.stdin.write("go on\n")
        node.stdin.flush()
        assert json.loads(node.stdout.readline()) == {"enabled": True}
        assert json.loads(node.stdout.readline()) == {"left": 0}
        assert node.wait(20) == 0


def test_the_python_client(tmp_path: Path) -> None:
    import toxiproxy  # type: ignore[import-untyped]
    from toxiproxy.api import APIConsumer  # type: ignore[import-untyped]
    from toxiproxy.exceptions import ProxyExists  # type: ignore[import-untyped]

    with api(tmp_path) as url, echo_server() as upstream:
        host, _, port = url.removeprefix("http://").rpartition(":")
        APIConsumer.host, APIConsumer.port = host, int(port)
        APIConsumer.base_url = url
        server = toxiproxy.Toxiproxy()
        assert server.running()
        proxy = server.create(name="echo", upstream=upstream, listen="127.0.0.1:0")
        with pytest.raises(ProxyExists):
            server.create(name="echo", upstream=upstream)
        proxy.add_toxic(type="latency", attributes={"latency": 150})
        listen = server.get_proxy("echo").listen
        assert round_trip_s(listen) >= 0.15
        assert [toxic.name for toxic in proxy.toxics().values()] == ["latency_downstream"]
        proxy.destroy_toxic("latency_downstream")
        proxy.disable()
        with pytest.raises(ConnectionRefusedError):
            round_trip_s(listen)
        proxy.enable()
        assert round_trip_s(listen) >= 0
        server.reset()
        proxy.destroy()
        assert server.proxies() == {}
