"""Upstreams that speak HTTP/2 over TLS: gRPC, nginx and Node, believed for a reason, told apart when they do not."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest

from homeport.gateway.h2_upstream import H2Upstream
from homeport.model.exchange import COMPLETE

from .conftest import Road
from .h2_server import converse, grpc_server, nginx, program, secure_route
from .test_secure_upstream import Explained

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSING = b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

# Answers over HTTP/2 and HTTP/1.1, on one port, with what it was asked by.
NODE = """
const fs = require("fs"), http2 = require("http2")
const pem = fs.readFileSync(process.argv[2])
const server = http2.createSecureServer({ cert: pem, key: pem, allowHTTP1: true }, (request, response) => {
  const body = []
  request.on("data", piece => body.push(piece)).on("end", () => {
    response.setHeader("x-scheme", String(request.headers[":scheme"]))
    response.end(request.httpVersion + " " + request.headers[":authority"] + " " + Buffer.concat(body).length)
  })
})
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
"""


@pytest.mark.h2_only
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_grpc_with_its_own_tls(road: Road, self_signed: Path, secure: bool) -> None:
    credentials = grpc.ssl_channel_credentials(Path(f"{self_signed}.crt").read_bytes()) if secure else None
    async with grpc_server(self_signed.read_bytes()) as port:
        secure_route(road, port, f"{self_signed}.crt")
        await asyncio.to_thread(converse, f"localhost:{road.port}", credentials)
        assert {exchange.ending for exchange in await road.tap.all_done(7)} == {COMPLETE}


@pytest.mark.counterpart("nginx")
async def test_nginx(road: Road, tmp_path: Path, self_signed: Path) -> None:
    content = bytes(range(256)) * 8000
    (tmp_path / "file").write_bytes(content)
    async with nginx(tmp_path, self_signed) as port:
        secure_route(road, port, f"{self_signed}.crt")
        client = await road.connect()
        for _ in range(2):
            client.send(GET)
            assert (await client.head()).startswith(b"HTTP/1.1 200 ")
            wanted = b"HTTP/2.0 https localhost localhost"
            assert await client.body(len(wanted)) == wanted
        client.send(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"Content-Length: %d\r\n" % len(content) in await client.head()
        assert await client.body(len(content)) == content
        assert [one.reused for one in await road.tap.all_done(3)] == [False, True, True]


@pytest.mark.counterpart("node")
async def test_node(road: Road, tmp_path: Path, self_signed: Path) -> None:
    (tmp_path / "server.js").write_text(NODE)
    async with program("node", str(tmp_path / "server.js"), str(self_signed)) as port:
        secure_route(road, port, f"{self_signed}.crt")
        client = await road.connect()
        size = 300_000
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        assert b"\r\nX-Scheme: https\r\n" in await client.head()
        if not road.speaks_h2:
            assert (await client.body(22)).endswith(b"\r\n2.0 localhost 300000"[:20])
        assert (await road.tap.all_done(1))[0].response_body[0].endswith(b"2.0 localhost 300000\r\n")


@pytest.mark.plain_http
async def test_who_is_not_believed(road: Road, self_signed: Path) -> None:
    async with grpc_server(self_signed.read_bytes()) as port:
        for verify, name, is_believed in (
            (f"{self_signed}.crt", "localhost", True),
            (f"{self_signed}.crt", "example.com", False),
            ("", "localhost", False),
            ("off", "example.com", True),
        ):
            secure_route(road, port, verify, name)  # gRPC has no answer to a GET either
            answer = await road.ask(CLOSING)
            assert (b"X-Homeport: upstream-untrusted\r\n" in answer) is not is_believed, (verify, name)
            road.routes.remove("far").h2.close()  # type: ignore[union-attr]


@pytest.mark.plain_http
@pytest.mark.parametrize("alpn", [[], ["http/1.1"]], ids=["nothing", "http1"])
async def test_one_that_does_not_agree_to_it(road: Road, self_signed: Path, alpn: list[str]) -> None:
    async def quiet(reader: Reader, writer: Writer) -> None:
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    if alpn:
        context.set_alpn_protocols(alpn)
    server = await asyncio.start_server(quiet, "127.0.0.1", 0, ssl=context)
    road.servers.append(server)
    secure_route(road, server.sockets[0].getsockname()[1], "off")
    answer = await road.ask(CLOSING)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"X-Homeport: upstream-no-h2\r\n" in answer


@pytest.mark.plain_http
@pytest.mark.parametrize(
    ("said", "speaks"),
    [
        (b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1"),
        (b"<!doctype html><title>What?</title>", b"something else"),
        (b"\x15\x03\x01\x00\x02\x02\x28", b"something else"),  # an alert: it wants TLS
    ],
)
async def test_one_that_speaks_something_else_in_plain(road: Road, said: bytes, speaks: bytes) -> None:
    async def speak(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    route = await road.upstream(speak)
    route.target = Explained(route.target.address())
    route.h2 = H2Upstream()
    answer = await road.ask(CLOSING)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"X-Homeport: upstream-no-h2\r\n" in answer
    assert b"it speaks " + speaks + b" instead" in answer


@pytest.mark.plain_http
async def test_many_that_ask_while_it_is_dialled(road: Road) -> None:
    """They share one attempt, and its failure: nobody waits for the attempts of others."""
    accepted: list[Writer] = []

    async def silent(reader: Reader, writer: Writer) -> None:
        accepted.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)  # it never shakes hands
    road.servers.append(server)
    route = secure_route(road, server.sockets[0].getsockname()[1], "off")
    clients = [await road.connect() for _ in range(5)]
    for client in clients:
        client.send(GET)
    async with asyncio.timeout(10):
        while route.active < len(clients) or not accepted:
            await asyncio.sleep(0.005)
    accepted[0].transport.abort()
    for client in clients:
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert len(accepted) == 1
