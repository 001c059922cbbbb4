"""WebSockets to upstreams that speak HTTP/2: through a stream where the upstream takes one, else over HTTP/1.1."""

from __future__ import annotations

import asyncio
import shutil
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from homeport.gateway.routes import Route
from homeport.model.exchange import COMPLETE
from homeport.wire.h2 import CANCEL, STREAM_WINDOW_BYTES, Chatter, Closed, Data, Event, Frames, Headers

from .conftest import Road, read_request
from .h2_client import FramesClient
from .h2_server import Speaker, grpc_server, plain_route, program, secure_route

ASKED = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
)
HELLO = b"\x81\x85\0\0\0\0hello"  # a text, masked by nothing
HELLO_BACK = b"\x81\x05hello"

# Gives back each frame without its mask, however the tunnel was opened; /raw gives back bytes.
NODE = """
const fs = require("fs"), http2 = require("http2"), crypto = require("crypto")
const [, , pem, how] = process.argv
const echo = tunnel => {
  let kept = Buffer.alloc(0)
  tunnel.on("data", piece => {
    kept = Buffer.concat([kept, piece])
    while (kept.length >= 6 && kept.length >= 6 + (kept[1] & 127)) {
      const size = kept[1] & 127, mask = kept.subarray(2, 6), said = Buffer.from(kept.subarray(6, 6 + size))
      for (let at = 0; at < size; at++) said[at] ^= mask[at % 4]
      tunnel.write(Buffer.concat([Buffer.from([kept[0], size]), said]))
      if (kept[0] === 0x88) tunnel.end()
      kept = kept.subarray(6 + size)
    }
  }).on("end", () => tunnel.end()).on("error", () => {})
}
const settings = { enableConnectProtocol: how === "tunnels" }
const options = { settings, allowHTTP1: how !== "tunnels" }
if (pem) options.cert = options.key = fs.readFileSync(pem)
const server = pem ? http2.createSecureServer(options) : http2.createServer(options)
server.on("stream", (stream, headers) => {
  stream.on("error", () => {})
  if (headers[":method"] !== "CONNECT") {
    stream.respond({ ":status": 200, "content-type": "text/html" })
    stream.end(`<!doctype html><title>…</title><script>
      const socket = new WebSocket("wss://" + location.host + "/ws", "chat")
      socket.onopen = () => socket.send("hello")
      socket.onmessage = event => { document.title = event.data; socket.close() }
    </script>`)
    return
  }
  if (headers[":path"] === "/no") { stream.respond({ ":status": 403 }); stream.end("not you"); return }
  stream.respond({ ":status": 200, "sec-websocket-protocol": headers["sec-websocket-protocol"] })
  if (headers[":path"] === "/raw") stream.pipe(stream); else echo(stream)
})
server.on("upgrade", (request, socket) => {
  const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  const accept = crypto.createHash("sha1").update(request.headers["sec-websocket-key"] + guid).digest("base64")
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n" +
    "Sec-WebSocket-Protocol: " + request.headers["sec-websocket-protocol"] + "\\r\\n" +
    "Sec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n")
  echo(socket)
})
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
"""


@asynccontextmanager
async def node(road: Road, folder: Path, how: str, both: Path | None = None) -> AsyncIterator[Route]:
    """A route to Node, which speaks HTTP/2 in plain or (with a certificate) over TLS."""
    (folder / "server.js").write_text(NODE)
    async with program("node", str(folder / "server.js"), str(both or ""), how) as port:
        if both is None:
            yield plain_route(road, port)
        else:
            yield secure_route(road, port, f"{both}.crt")


async def exchange_a_word(road: Road) -> None:
    client = await road.connect()
    client.send(ASKED % b"/ws" + HELLO)  # before there is an answer
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-protocol: chat\r\n" in head.lower()
    if not road.speaks_h2:
        assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert await client.body(len(HELLO_BACK)) == HELLO_BACK
    client.send(HELLO)
    assert await client.body(len(HELLO_BACK)) == HELLO_BACK
    client.send(b"\x88\x82\0\0\0\0\x03\xe8")
    assert await client.body(4) == b"\x88\x02\x03\xe8"
    assert await client.rest() == b""
    (exchange,) = await road.tap.all_done(1)
    assert (exchange.kind, exchange.ending) == ("upgrade", COMPLETE)
    assert exchange.response_head.startswith(b"HTTP/1.1 101 ")
    assert b"".join(data for from_client, data in road.tap.messages if from_client).startswith(HELLO)


@pytest.mark.counterpart("node")
@pytest.mark.parametrize("is_secure", [False, True], ids=["over-h2c", "over-tls"])
async def test_through_a_stream(road: Road, tmp_path: Path, self_signed: Path, is_secure: bool) -> None:
    async with node(road, tmp_path, "tunnels", self_signed if is_secure else None):
        await exchange_a_word(road)


@pytest.mark.counterpart("node")
async def test_over_http1_where_its_http2_has_none(road: Road, tmp_path: Path, self_signed: Path) -> None:
    """Vite over https is such a one."""
    async with node(road, tmp_path, "upgrades", self_signed):
        await exchange_a_word(road)


@pytest.mark.counterpart("node")
@pytest.mark.http1
async def test_with_a_real_client(road: Road, tmp_path: Path) -> None:
    async with node(road, tmp_path, "tunnels"):
        scheme = "wss" if road.trusting else "ws"
        async with connect(f"{scheme}://localhost:{road.port}/ws", ssl=road.trusting, proxy=None) as client:
            for word in ("one", "two", "three"):
                await client.send(word)
                assert await client.recv() == word
        assert (await road.tap.all_done(1))[0].ending == COMPLETE


def title_in_chromium(url: str) -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.goto(url)
        page.wait_for_function("document.title !== '…'")
        title = page.title()
        browser.close()
    return title


@pytest.mark.counterpart("node", "chromium")
@pytest.mark.h2_only
async def test_chromium_from_end_to_end(road: Road, tmp_path: Path, self_signed: Path) -> None:
    """Streams on both sides: nothing of HTTP/1.1 is left but in the recording."""
    async with node(road, tmp_path, "tunnels", self_signed):
        assert await asyncio.to_thread(title_in_chromium, f"https://localhost:{road.port}/") == "hello"
        done = await road.tap.all_done(2)
        (tunnel,) = [exchange for exchange in done if exchange.kind == "upgrade"]
        assert (tunnel.version, tunnel.ending) == ("2", COMPLETE)
        assert tunnel.response_head.startswith(b"HTTP/1.1 101 ")


@pytest.mark.counterpart("node")
async def test_much_both_ways_at_once(road: Road, tmp_path: Path) -> None:
    block = bytes(range(256)) * 1024
    async with node(road, tmp_path, "tunnels"):
        client = await road.connect()
        client.send(ASKED % b"/raw")
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")

        async def pour() -> None:
            for _ in range(12):
                client.send(block)
                await client.writer.drain()

        pouring = asyncio.create_task(pour())
        for _ in range(12):
            assert await client.body(len(block)) == block
        await pouring
        client.writer.transport.abort()
        await road.tap.all_done(1)


@pytest.mark.counterpart("node")
async def test_a_refusal_is_an_answer(road: Road, tmp_path: Path) -> None:
    async with node(road, tmp_path, "tunnels"):
        client = await road.connect()
        client.send(ASKED % b"/no")
        assert (await client.head()).startswith(b"HTTP/1.1 403 ")
        wanted = b"not you" if road.speaks_h2 else b"7\r\nnot you\r\n0\r\n\r\n"
        assert await client.body(len(wanted)) == wanted
        assert (await road.tap.all_done(1))[0].ending == COMPLETE


async def test_neither_nor(road: Road) -> None:
    async with grpc_server() as port:
        plain_route(road, port)
        client = await road.connect()
        client.send(ASKED % b"/ws")
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"x-homeport: upstream-no-websocket\r\n" in head.lower()


class Tunneller(Speaker):
    """Opens every tunnel, and keeps what happens."""

    def on(self, frames: Frames, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Headers):
            frames.head(event.stream, ((b":status", b"200"),), is_last=False)
            frames.data(event.stream, b"welcome")
        elif isinstance(event, Data) and event.data == b"end":
            frames.end(event.stream)
        elif isinstance(event, Data) and event.data == b"break":
            frames.reset(event.stream, CANCEL)

    async def until(self, *wanted: Event) -> None:
        async with asyncio.timeout(10):
            while not any(event in wanted for event in self.events):
                await asyncio.sleep(0.005)


@pytest.fixture(params=["native", "python"])
def tunneller(road: Road, request: pytest.FixtureRequest) -> Tunneller:
    return Tunneller(road, request.param)


async def opened(road: Road, tunneller: Tunneller):  # type: ignore[no-untyped-def]
    await tunneller.start()
    client = await road.connect()
    client.send(ASKED % b"/")
    assert (await client.head()).startswith(b"HTTP/1.1 101 ")
    assert await client.body(7) == b"welcome"
    return client


@pytest.mark.parametrize("how", [b"end", b"break"])
async def test_an_upstream_that_ends(road: Road, tunneller: Tunneller, how: bytes) -> None:
    client = await opened(road, tunneller)
    client.send(how)
    assert await client.rest() == b""
    assert (await road.tap.all_done(1))[0].ending == COMPLETE
    if how == b"end":
        await tunneller.until(Closed(1, 0))


async def test_a_client_that_goes(road: Road, tunneller: Tunneller) -> None:
    """The upstream hears of it in order, and what it does not end itself is taken back."""
    client = await opened(road, tunneller)
    client.send(b"last words")
    await tunneller.until(Data(1, b"last words", False))
    await client.close()
    assert (await road.tap.all_done(1))[0].ending == COMPLETE
    await tunneller.until(Data(1, b"", True))
    await tunneller.until(Closed(1, CANCEL))


@pytest.mark.h2_only
async def test_what_the_client_says_too_early_does_not_pile_up(road: Road) -> None:
    """It stays within the window while the upstream makes up its mind."""
    may_answer = asyncio.Event()
    size = 3 * STREAM_WINDOW_BYTES

    async def late(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        if head.startswith(b"GET /other"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        await may_answer.wait()
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        writer.write(b"%d" % len(await reader.readexactly(size)))
        await writer.drain()

    await road.upstream(late)
    client = FramesClient(*await asyncio.open_connection("127.0.0.1", road.port))
    await client.until(Chatter)
    place = ((b":scheme", b"http"), (b":authority", b"localhost"))
    number = client.ask(
        ((b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":path", b"/"), *place), is_last=False
    )
    client.frames.data(number, bytes(size))
    client.flush()
    client.ask(((b":method", b"GET"), (b":path", b"/other"), *place))
    await client.until(Headers)
    assert client.frames.waiting(number) == size - STREAM_WINDOW_BYTES
    may_answer.set()
    assert (await client.until(Data)).data == b"%d" % size
    await client.close()
