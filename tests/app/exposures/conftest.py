"""A door with something to expose, in a network of its own: its `lo` has addresses that are not loopback."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from homeport.app.exposed_certificates import ExposedCertificates
from homeport.app.exposures import Exposures
from homeport.app.token_book import TokenBook
from homeport.gateway.door import Door
from homeport.gateway.gate import Gate
from homeport.gateway.routes import CONTROL, Kind, Route, Routes
from homeport.machine.addresses import own_addresses
from homeport.machine.peers import peer_of
from homeport.model.access import Access
from homeport.model.endpoint import Endpoint
from homeport.model.exposure import Exposed, ExposeSpec
from tests.gateway.conftest import FakeTap, FakeTarget, read_request
from tests.gateway.h2_client import H2Client
from tests.netns import Network, network

HERE, OTHER, SIX = "10.77.0.1", "10.77.0.2", "fd77::1"
TOKEN = Access(token=True)
FACES = pytest.mark.parametrize("face", ["h1", "h2"])


@dataclass
class House:
    """A door with three routes: `web`, `api` and the dashboard. Each answers with its name and what it was sent."""

    folder: Path
    door: Door
    exposures: Exposures
    tokens: TokenBook
    changed: list[str]
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self, name: str = "web", address: str = HERE, access: Access | None = TOKEN) -> Exposed:
        return await self.exposures.open(name, ExposeSpec(address=address, access=access))

    def trusting(self, exposed: Exposed, alpn: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=exposed.root)
        context.set_alpn_protocols([alpn])
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    async def ask(self, exposed: Exposed, face: str = "h1", host: str = "", path: str = "/", shown: str = "") -> bytes:
        """The answer to one request over TLS."""
        client, *_ = await self.connect(exposed, face)
        return await ask(client, host or exposed.address, path, shown)

    async def connect(self, exposed: Exposed, face: str = "h1") -> tuple[H1 | H2Client, asyncio.StreamWriter]:
        address, _, port = exposed.address.rpartition(":")
        name = address.strip("[]")
        context = self.trusting(exposed, "h2" if face == "h2" else "http/1.1")
        reader, writer = await asyncio.open_connection(name, int(port), ssl=context, server_hostname=name)
        self.writers.append(writer)
        return (H2Client(reader, writer) if face == "h2" else H1(reader, writer)), writer


class H1:
    """Requests and answers as text, like H2Client's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def body(self, size: int) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Until the other end closes, or cuts off."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except (ConnectionError, ssl.SSLError):
                return b""


async def ask(client: H1 | H2Client, host: str, path: str = "/", shown: str = "") -> bytes:
    """`shown`: a field line. The answer's head and body."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept: application/json", *([shown] if shown else [])]
    client.send("\r\n".join([*lines, "", ""]).encode())
    head = bytes(await client.head())
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length
    return head + bytes(await client.body(int(length[1])))


class App:
    """Answers with its name and the head that it was sent; the answer of /hang never ends, /switch becomes an echo."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks = set[asyncio.Task[None]]()

    async def open(self) -> Endpoint:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return Endpoint("127.0.0.1", self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head, _ = await read_request(reader)
                if head.startswith(b"GET /hang"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
                    await reader.read()
                    break
                if head.startswith(b"GET /switch"):
                    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
                    while data := await reader.read(100):
                        writer.write(data)
                    break
                body = f"{self.name}\n".encode() + head
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Network]:
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux'")
    with network() as net:
        for address in (f"{HERE}/32", f"{OTHER}/32", f"{SIX}/128"):
            net.run("ip", "address", "add", address, "dev", "lo")
        yield net


@pytest.fixture
def inside(elsewhere: Network) -> Iterator[None]:
    with elsewhere.entered():
        yield


@pytest.fixture
async def house(inside: None, tmp_path: Path) -> AsyncIterator[House]:
    tap, tokens, changed = FakeTap(), TokenBook(""), list[str]()
    door = Door(Routes(), tap, gate=Gate(peer_of, tokens, 0))
    await door.open(Endpoint("127.0.0.1", 0))
    kinds: dict[str, Kind] = {"web": "app", "api": "http", CONTROL: "control"}
    apps = [App(name) for name in kinds]
    for app in apps:
        door.routes.add(Route(app.name, FakeTarget(await app.open()), kinds[app.name]))
    certificates = ExposedCertificates(str(tmp_path / "ca"), lambda error: None)
    exposures = Exposures(door, certificates, own_addresses, lambda route: changed.append(route.name))
    house = House(tmp_path, door, exposures, tokens, changed)
    yield house
    for writer in house.writers:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
    await door.close()
    for app in apps:
        await app.close()
    assert tap.open == [], "an exchange was left open"


def bearer(house: House, route: str = "") -> str:
    return f"Authorization: Bearer {house.tokens.make('phone', route, None)[0]}"


async def until_ended(client: H1 | H2Client) -> None:
    """The connection has ended, in whatever way."""
    async with asyncio.timeout(10):
        await (client.task if isinstance(client, H2Client) else client.rest())


async def is_refused(exposed: Exposed) -> bool:
    """Whether nobody listens there any more."""
    host, _, port = exposed.address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


def cookie_of(answer: bytes) -> str:
    found = re.search(rb"(?i)set-cookie: ([^;]*);", answer)
    assert found
    return found[1].decode()
