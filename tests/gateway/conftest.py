"""A door on an ephemeral port with scripted upstreams behind it; every test runs on asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import uvloop

from homeport.gateway.door import Door
from homeport.gateway.routes import Route, Routes
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import Exchange
from homeport.model.finding import Finding

from .h2_client import H2Client

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that ships, and the one that people without it get."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Over TLS and HTTP/2 the loop that ships is enough."""
    spared = {item for item in items if re.search(r"\[asyncio-(?:.*-)?(?:https|h2)\b", item.name)}
    config.hook.pytest_deselected(items=spared)
    items[:] = [item for item in items if item not in spared]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What holds over plain HTTP holds over TLS and over HTTP/2: what walks the road walks it three times."""
    if "face" in metafunc.fixturenames:
        faces = ["http", "https", "h2"]
        if metafunc.definition.get_closest_marker("h2_only"):
            faces = ["h2"]
        elif metafunc.definition.get_closest_marker("plain_http"):
            faces = ["http"]
        elif metafunc.definition.get_closest_marker("http1"):
            faces = ["http", "https"]
        metafunc.parametrize("face", faces)


@dataclass
class FakeTarget:
    """A target at a fixed address, or one that is still waited for."""

    endpoint: Endpoint | None
    made_ready: asyncio.Future[Endpoint] | None = None

    def address(self) -> Endpoint | None:
        return self.endpoint

    async def ready(self) -> Endpoint:
        assert self.made_ready is not None
        return await self.made_ready

    def explain(self, error: OSError | None) -> Finding:
        return Finding(code="app-refused", what=f"fake: {type(error).__name__}")


@dataclass
class FakeTap:
    """Keeps what the road handed over."""

    body_limit_bytes: int = 64
    began: int = 0
    open: list[Exchange] = field(default_factory=list)
    done: list[Exchange] = field(default_factory=list)
    messages: list[tuple[bool, bytes]] = field(default_factory=list)

    def next_id(self) -> int:
        self.began += 1
        return self.began

    def opened(self, exchange: Exchange) -> None:
        self.open.append(exchange)

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        self.messages.append((from_client, data))

    def closed(self, exchange: Exchange) -> None:
        self.open.remove(exchange)
        self.done.append(exchange)

    async def all_done(self, count: int) -> list[Exchange]:
        async with asyncio.timeout(10):
            while len(self.done) < count or self.open:
                await asyncio.sleep(0.005)
        return self.done


class FakeCertificates:
    """One for all names; the first time it must be made, which takes a moment."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.made: list[str] = []

    def at_hand(self, name: str) -> ssl.SSLContext | None:
        return self.context if name in self.made else None

    async def make(self, name: str) -> ssl.SSLContext | None:
        await asyncio.sleep(0.01)
        self.made.append(name)
        return self.context


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=test", "-addext", names, "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(words, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


class Client:
    """A raw connection to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def body(self, size: int) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the door closes; a reset counts as an end."""
        data = b""
        async with asyncio.timeout(15):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    data += piece
        return data

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):  # the door may still say something
            await self.writer.wait_closed()


@dataclass
class Road:
    door: Door
    routes: Routes
    tap: FakeTap
    trusting: ssl.SSLContext | None = None  # clients speak TLS with it
    speaks_h2: bool = False

    @property
    def face(self) -> bytes:
        return b"https" if self.trusting else b"http"

    clients: list[Client] = field(default_factory=list)
    servers: list[asyncio.Server] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    accepted: int = 0

    @property
    def port(self) -> int:
        return self.door.endpoints[0].port

    async def upstream(self, script: Script, name: str = "web", *, default: bool = True) -> Route:
        """A route to a server that plays `script` for each connection."""

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted += 1
            task = asyncio.current_task()
            assert task is not None
            self.tasks.add(task)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(reader, writer)
            writer.close()

        server = await asyncio.start_server(play, "127.0.0.1", 0)
        self.servers.append(server)
        port = server.sockets[0].getsockname()[1]
        route = Route(name, FakeTarget(Endpoint("127.0.0.1", port)), "http", default=default)
        self.routes.add(route)
        return route

    async def connect(self, host: str = "127.0.0.1", source: str = "") -> Client:
        """`source`: the loopback address that it comes from."""
        name, own = "localhost" if self.trusting else None, (source, 0) if source else None
        streams = await asyncio.open_connection(
            host, self.port, ssl=self.trusting, server_hostname=name, local_addr=own
        )
        client = cast("Client", H2Client(*streams)) if self.speaks_h2 else Client(*streams)
        self.clients.append(client)
        return client

    async def ask(self, request: bytes) -> bytes:
        """One request on a connection of its own; the whole answer until the door closes."""
        client = await self.connect()
        client.send(request)
        return await client.rest()


@pytest.fixture
def trusting(self_signed: Path) -> ssl.SSLContext:
    """What clients over TLS believe."""
    return ssl.create_default_context(cafile=f"{self_signed}.crt")


@pytest.fixture
async def road(
    monkeypatch: pytest.MonkeyPatch, self_signed: Path, trusting: ssl.SSLContext, face: str
) -> AsyncIterator[Road]:
    monkeypatch.setattr("homeport.gateway.inbound.LINGER_S", 0.02)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    context.set_alpn_protocols(["h2", "http/1.1"])
    routes, tap = Routes(), FakeTap()
    door = Door(routes, tap, certificates=FakeCertificates(context))
    await door.open(Endpoint("127.0.0.1", 0))
    made = Road(door, routes, tap, trusting if face == "https" else None, speaks_h2=face == "h2")
    yield made
    for client in made.clients:
        await client.close()
    await door.close()
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    for server in made.servers:
        server.close()
        await server.wait_closed()
    assert tap.open == [], "an exchange was left open"
    assert all(route.active == 0 for route in routes), "a visit was left under way"


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and, where it has a length, the body of one request as an upstream sees it."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head, await reader.readexactly(int(line.split(b":")[1]))
    return head, b""


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request with the target it asked for."""
    while True:
        head, _ = await read_request(reader)
        body = head.split(b" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
