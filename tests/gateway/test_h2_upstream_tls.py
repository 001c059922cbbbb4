"""Upstreams that speak HTTP/2 over TLS: gRPC, nginx and Node, believed for a reason, told apart when they do not."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import socket
import ssl
import subprocess
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest

from homeport.app.upstream_tls import upstream_context
from homeport.gateway.h2_upstream import H2Upstream
from homeport.gateway.routes import Route
from homeport.gateway.secure import SecureUpstream
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import COMPLETE

from .conftest import Road
from .test_h2_upstream import Service, converse
from .test_secure_upstream import Explained

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSING = b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

NGINX = """
daemon off; user {user}; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{port} ssl http2; server_name localhost;
    ssl_certificate {both}; ssl_certificate_key {both};
    location / {{ return 200 "$server_protocol $scheme $ssl_server_name $http_host"; }}
    location /file {{ alias {folder}/file; }}
  }}
}}
"""

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


def secure_route(road: Road, port: int, verify: str, name: str = "localhost") -> Route:
    route = Route("far", Explained(Endpoint("127.0.0.1", port)), "https", default=True)
    route.secure = SecureUpstream(upstream_context(verify, ""), name)
    route.h2 = H2Upstream(upstream_context(verify, "", h2=True), name)
    road.routes.add(route)
    return route


@asynccontextmanager
async def program(*words: str) -> AsyncIterator[int]:
    """One that prints the port on which it listens."""
    running = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    assert running.stdout is not None
    try:
        async with asyncio.timeout(20):
            yield int(await running.stdout.readline())
    finally:
        running.terminate()
        await running.wait()


@asynccontextmanager
async def nginx(folder: Path, both: Path) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, both=both, user=getpass.getuser()))
    path = shutil.which("nginx") or "/usr/sbin/nginx"
    running = await asyncio.create_subprocess_exec(path, "-c", str(folder / "nginx.conf"), "-p", str(folder))
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
        yield port
    finally:
        running.terminate()
        await running.wait()


@pytest.mark.h2_only
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_grpc_with_its_own_tls(road: Road, self_signed: Path, secure: bool) -> None:
    pem = self_signed.read_bytes()
    server = grpc.server(ThreadPoolExecutor(8), handlers=(Service(),))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pem, pem)]))
    server.start()
    credentials = grpc.ssl_channel_credentials(Path(f"{self_signed}.crt").read_bytes()) if secure else None
    try:
        secure_route(road, port, f"{self_signed}.crt")
        await asyncio.to_thread(converse, f"localhost:{road.port}", credentials)
        assert {exchange.ending for exchange in await road.tap.all_done(7)} == {COMPLETE}
    finally:
        await asyncio.to_thread(server.stop(0).wait)


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
    pem = self_signed.read_bytes()
    server = grpc.server(ThreadPoolExecutor(1), handlers=(Service(),))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pem, pem)]))
    server.start()
    try:
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
    finally:
        await asyncio.to_thread(server.stop(0).wait)


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
async def test_one_that_speaks_http1_in_plain(road: Road) -> None:
    async def http1(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    route = await road.upstream(http1)
    route.target = Explained(route.target.address())
    route.h2 = H2Upstream()
    answer = await road.ask(CLOSING)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"X-Homeport: upstream-no-h2\r\n" in answer


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
