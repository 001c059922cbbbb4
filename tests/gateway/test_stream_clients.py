"""TCP routes with TLS and real programs: OpenSSL's client, curl through to nginx; and many that come and go at once."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from homeport.model.endpoint import Endpoint
from homeport.model.exchange import COMPLETE
from homeport.streams.half_close import send_fin
from tests.gateway.stream_stage import StreamStage, client_certificates, stream_stage
from tests.gateway.tcp_stage import echo, upstream, visit

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{port} ssl http2; server_name web.localhost;
    ssl_certificate {folder}/leaf.pem; ssl_certificate_key {folder}/leaf.key;
    location / {{ return 200 "$ssl_server_name $server_protocol"; }}
  }}
}}
"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StreamStage]:
    async with stream_stage(tmp_path) as made:
        yield made


async def run(*words: str, given: bytes = b"") -> tuple[int, str]:
    """What it printed, and its exit status."""
    program = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(20):
        said, _ = await program.communicate(given)
    return program.returncode or 0, said.decode("utf-8", "replace")


@contextlib.contextmanager
def nginx(stage: StreamStage, folder: Path) -> Iterator[Endpoint]:
    leaf = stage.authority.leaf(["web.localhost"])
    (folder / "leaf.pem").write_bytes(leaf.certificate_pem)
    (folder / "leaf.key").write_bytes(leaf.key_pem)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    program = subprocess.Popen([shutil.which("nginx") or "nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        yield Endpoint("127.0.0.1", port)
    finally:
        program.terminate()
        program.wait(10)


async def listens(endpoint: Endpoint) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                async with visit(endpoint):
                    return
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


@pytest.mark.counterpart("openssl")
async def test_openssl_believes_the_port_and_shows_its_certificate(stage: StreamStage, tmp_path: Path) -> None:
    own, _ = client_certificates(tmp_path)
    async with upstream(echo) as server:
        port = await stage.route(server, client_ca=str(own.ca))
        root = str(tmp_path / "ca" / "root.pem")
        words = ["openssl", "s_client", "-connect", str(port), "-CAfile", root, "-verify_return_error", "-x509_strict"]
        words += ["-verify_hostname", "db.localhost", "-servername", "db.localhost", "-quiet", "-no_ign_eof"]
        _, said = await run(*words, "-cert", str(own.certificate), "-key", str(own.key), given=b"hello\n")
        assert "verify error" not in said
        exchange = await stage.tap.wait(ended=1)
        assert (exchange.ending, exchange.request_bytes) == (COMPLETE, 6)
        status, said = await run(*words, given=b"hello\n")
        assert stage.tap.ended[-1].request_bytes in (0, 6)
        words[words.index("db.localhost", words.index("-servername"))] = "other.localhost"
        status, said = await run(*words)
        assert status != 0
        assert "unrecognized name" in said


@pytest.mark.counterpart("nginx", "curl")
async def test_curl_reaches_the_nginx_that_it_names(stage: StreamStage, tmp_path: Path) -> None:
    with nginx(stage, tmp_path) as server:
        await listens(server)
        port = await stage.route(server, "web", "pass")
        curl = ["curl", "-sS", "--max-time", "10", "--cacert", str(tmp_path / "ca" / "root.pem")]
        url = f"https://web.localhost:{port.port}/"
        assert await run(*curl, url) == (0, "web.localhost HTTP/2.0")
        assert await run(*curl, "--http1.1", url) == (0, "web.localhost HTTP/1.1")
        status, said = await run(*curl, f"https://api.localhost:{port.port}/")
        assert status == 35
        assert "unrecognized name" in said
    assert stage.routes["web"].visits == 2


async def test_hundreds_of_half_closed_connections_come_and_go(stage: StreamStage) -> None:
    """What uvloop's own write_eof does not survive."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())

    hello = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(32) + b"\x00\x00\x02\x13\x01\x01\x00\x00\x00"
    async with stage.behind(answer, tls="pass") as port:

        async def one() -> None:
            async with visit(port) as (reader, writer):
                writer.write(hello)
                send_fin(cast(asyncio.Transport, writer.transport))
                assert await reader.read() == hello

        for _ in range(8):
            await asyncio.gather(*(one() for _ in range(50)))
    await stage.tap.wait(ended=400)
    assert {exchange.ending for exchange in stage.tap.ended} == {COMPLETE}
