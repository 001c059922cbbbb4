"""Upstreams that speak TLS themselves: believed for a reason or not at all, and never mixed with plain connections."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from homeport.app.upstream_tls import upstream_context
from homeport.doctor.checks.upstream import explain_upstream
from homeport.gateway.routes import Route
from homeport.gateway.secure import SecureUpstream
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding

from .conftest import FakeTarget, Road, hello

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"

pytestmark = pytest.mark.plain_http


class Explained(FakeTarget):
    def explain(self, error: OSError | None) -> Finding:
        assert self.endpoint is not None
        return explain_upstream(self.endpoint, error)


async def secure_route(road: Road, certificate: Path | None, verify: str, name: str = "localhost") -> Route:
    """A route to `hello` over TLS (without `certificate`: to one that speaks plain HTTP after all)."""
    route = await road.upstream(hello)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(hello_quietly, "127.0.0.1", 0, ssl=context)
        road.servers.append(server)
        route.target = Explained(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]))
    else:
        route.target = Explained(route.target.address())
    route.secure = SecureUpstream(upstream_context(verify, ""), name)
    return route


async def hello_quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await hello(reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
        writer.close()


async def test_believed_by_a_file_and_kept(road: Road, self_signed: Path) -> None:
    route = await secure_route(road, self_signed, f"{self_signed}.crt")
    client = await road.connect()
    for _ in range(3):
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        assert await client.body(2) == b"/a"
    assert [exchange.reused for exchange in await road.tap.all_done(3)] == [False, True, True]
    assert route.secure is not None
    assert road.door.pool._idle == {}, "nobody else may have it"
    route.secure.pool.close()


async def test_unverified_only_where_it_is_said(road: Road, self_signed: Path) -> None:
    route = await secure_route(road, self_signed, "off", "whatever.example")
    assert (await road.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))).endswith(b"/a")
    assert route.secure is not None
    route.secure.context = upstream_context("", "")
    route.secure.pool.close()
    answer = await road.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"X-Homeport: upstream-untrusted\r\n" in answer


async def test_a_certificate_for_another_name_is_refused(road: Road, self_signed: Path) -> None:
    await secure_route(road, self_signed, f"{self_signed}.crt", "example.com")
    answer = await road.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert b"X-Homeport: upstream-untrusted\r\n" in answer


async def test_an_upstream_without_tls_is_told_apart(road: Road) -> None:
    await secure_route(road, None, "off")
    answer = await road.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert b"X-Homeport: upstream-" in answer


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name, reason in (("empty.pem", "holds no certificate"), ("missing.pem", "No such file")):
        with pytest.raises(HomeportError, match=reason):
            upstream_context(str(tmp_path / name), "")
