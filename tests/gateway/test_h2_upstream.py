"""Upstreams that speak HTTP/2 in plain: gRPC end to end with Google's own client and server, and everything else."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from homeport.gateway.h2_upstream import H2Upstream
from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from homeport.wire.h2 import CANCEL, REFUSED_STREAM, Closed, Fields, Headers
from homeport.wire.h2_native import NativeFrames
from homeport.wire.h2_python import PythonFrames

from .conftest import Road
from .h2_server import Speaker, converse, grpc_server, plain_route

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.h2_only
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_grpc_end_to_end(road: Road, secure: bool, self_signed: Any) -> None:
    credentials = None
    if secure:
        with open(f"{self_signed}.crt", "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
    async with grpc_server() as port:
        plain_route(road, port)
        await asyncio.to_thread(converse, f"localhost:{road.port}", credentials)
        done = await road.tap.all_done(7)
        assert {exchange.ending for exchange in done} == {COMPLETE}
        assert {exchange.upstream for exchange in done} == {f"127.0.0.1:{port}"}
        assert sum(not exchange.reused for exchange in done) == 1


@pytest.fixture(params=["native", "python"])
def speaker(road: Road, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Speaker:
    made = {"native": NativeFrames, "python": PythonFrames}[request.param]
    monkeypatch.setattr("homeport.gateway.h2_outbound.frames_factory", lambda: made)
    return Speaker(road, request.param)


@pytest.mark.http1
async def test_an_http1_client_and_an_upstream_of_http2(road: Road, speaker: Speaker) -> None:
    await speaker.start()
    client = await road.connect()
    for _ in range(3):
        client.send(GET)
        assert await client.head() == b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        assert await client.head() == b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert await client.body(18) == b"2\r\n/a\r\n0\r\nT: u\r\n\r\n"
    assert len(speaker.connections) == 1


async def test_everything_over_one_connection(road: Road, speaker: Speaker) -> None:
    await speaker.start()
    clients = [await road.connect() for _ in range(20)]
    for client in clients:
        client.send(b"HEAD /empty HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    for client in clients:
        for _ in range(3):
            assert (await client.head()).startswith(b"HTTP/1.1 204 ")
    assert len(speaker.connections) == 1
    asked = next(event for event in speaker.events if isinstance(event, Headers))
    fields = dict(asked.fields)
    assert fields[b":authority"] == b"localhost"
    assert fields[b"x-forwarded-for"] == b"127.0.0.1"
    assert not {b"host", b"connection"} & set(fields)


async def test_a_request_with_a_length(road: Road, speaker: Speaker) -> None:
    await speaker.start()
    client = await road.connect()
    client.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000)
    await client.head()
    assert b"\r\nX: y\r\n" in await client.head()
    await road.tap.all_done(1)
    assert speaker.bodies[1] == b"x" * 500_000


@pytest.mark.http1
async def test_a_client_that_waits_for_100_continue(road: Road, speaker: Speaker) -> None:
    """Not every server of HTTP/2 says so; the window does."""
    await speaker.start()
    client = await road.connect()
    client.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"body")
    assert b" 103 " in await client.head()
    assert b"\r\nX: y\r\n" in await client.head()
    await road.tap.all_done(1)
    assert speaker.bodies[1] == b"body"


async def test_a_large_answer_with_a_length(road: Road, speaker: Speaker) -> None:
    await speaker.start()
    client = await road.connect()
    client.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"\r\nContent-Length: 3000000\r\n" in await client.head()
    for _ in range(30):
        assert await client.body(100_000) == bytes(100_000)
    assert (await road.tap.all_done(1))[0].ending == COMPLETE


@pytest.mark.parametrize(("path", "ending"), [(b"/broken", UPSTREAM_GONE), (b"/reset", UPSTREAM_GONE)])
async def test_a_stream_that_breaks_off(road: Road, speaker: Speaker, path: bytes, ending: str) -> None:
    await speaker.start()
    client = await road.connect()
    client.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n" % path)
    head = await client.head()
    if path == b"/broken":
        assert head.startswith(b"HTTP/1.1 200 ")
        speaker.connections[0].reset(1, CANCEL)
        road.routes.remove("grpc").h2.close()  # type: ignore[union-attr]
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
    else:
        assert head.startswith(b"HTTP/1.1 502 ")
    assert (await road.tap.all_done(1))[0].ending == ending


async def test_what_is_refused_unseen_may_be_repeated(road: Road, speaker: Speaker) -> None:
    """By the client where it knows of such a thing (gRPC does so by itself), and by us where that is safe."""
    await speaker.start()
    client = await road.connect()
    client.send(b"POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    if road.speaks_h2:
        await client.rest()
        assert client.answers[0].reset_code == REFUSED_STREAM  # type: ignore[attr-defined]
    else:
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert (await road.tap.all_done(1))[0].ending == UPSTREAM_GONE
    again = await road.connect()
    again.send(b"GET /refused HTTP/1.1\r\nHost: localhost\r\n\r\n")
    (await again.rest()) if road.speaks_h2 else (await again.head())
    (exchange,) = (await road.tap.all_done(2))[1:]
    assert not exchange.reused, "it was sent again"
    assert sum(isinstance(event, Headers) for event in speaker.events) == 3


async def test_a_goaway_while_a_call_is_under_way(road: Road, speaker: Speaker) -> None:
    await speaker.start()
    client, other = await road.connect(), await road.connect()
    client.send(b"POST /broken HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    first = speaker.connections[0]
    first.leave()
    speaker.writers[0].write(first.to_send())
    async with asyncio.timeout(10):
        while len(speaker.connections) == 1:
            other.send(b"GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await other.head()).startswith(b"HTTP/1.1 204 ")
    first.data(1, b" whole")
    first.end(1)
    speaker.writers[0].write(first.to_send())
    wanted = b"half whole" if road.speaks_h2 else b"4\r\nhalf\r\n6\r\n whole\r\n0\r\n\r\n"
    assert await client.body(len(wanted)) == wanted
    assert {exchange.ending for exchange in await road.tap.all_done(2)} == {COMPLETE}


async def test_a_client_that_goes_takes_its_call_back(
    road: Road, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road.door, "_is_gone", lambda *_: True)
    await speaker.start()
    client = await road.connect()
    client.send(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(10):
        while not any(isinstance(event, Headers) for event in speaker.events):
            await asyncio.sleep(0.005)
    await client.close()
    assert (await road.tap.all_done(1))[0].ending == CLIENT_GONE
    async with asyncio.timeout(10):
        while Closed(1, CANCEL) not in speaker.events:
            await asyncio.sleep(0.005)


async def test_what_does_not_speak_it_is_a_502(road: Road, speaker: Speaker) -> None:
    async def http1(reader: Reader, writer: Writer) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    route = await road.upstream(http1)
    route.h2 = H2Upstream()
    client = await road.connect()
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert (await road.tap.all_done(1))[0].ending == UPSTREAM_GONE


def test_fields_of_a_request() -> None:
    from homeport.wire.h2_heads import asked_fields

    fields: Fields = asked_fields(
        b"PUT /x?y HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nExpect: x\r\n\r\n", b"http"
    )
    assert fields == [
        (b":method", b"PUT"),
        (b":scheme", b"http"),
        (b":path", b"/x?y"),
        (b":authority", b"a"),
        (b"te", b"trailers"),
    ]
