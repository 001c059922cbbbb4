"""Upstreams that speak HTTP/2 in plain: gRPC end to end with Google's own client and server, and everything else."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from homeport.gateway.h2_upstream import H2Upstream
from homeport.gateway.routes import Route
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from homeport.wire.h2 import CANCEL, INTERNAL_ERROR, Closed, Data, Event, Fields, Frames, Headers, Trailers
from homeport.wire.h2_native import NativeFrames
from homeport.wire.h2_python import PythonFrames

from .conftest import FakeTarget, Road

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Service(grpc.GenericRpcHandler):  # type: ignore[misc]
    """One method of each of the four kinds; messages are plain bytes."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return {
            "/t/Upper": grpc.unary_unary_rpc_method_handler(self.upper),
            "/t/Count": grpc.unary_stream_rpc_method_handler(self.count),
            "/t/Join": grpc.stream_unary_rpc_method_handler(self.join),
            "/t/Echo": grpc.stream_stream_rpc_method_handler(self.echo),
            "/t/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
        }.get(details.method)

    def upper(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        context.send_initial_metadata((("first", "yes"),))
        context.set_trailing_metadata((("last", "yes"),))
        return message.upper()

    def count(self, message: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for number in range(int(message)):
            yield b"%d" % number

    def join(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return b",".join(messages)

    def echo(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        yield from messages

    def fail(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
        raise AssertionError


@pytest.fixture
async def server() -> AsyncIterator[int]:
    made = grpc.server(ThreadPoolExecutor(8), handlers=(Service(),))
    port = made.add_insecure_port("127.0.0.1:0")
    made.start()
    yield port
    await asyncio.to_thread(made.stop(0).wait)


def add_route(road: Road, port: int) -> Route:
    route = Route("grpc", FakeTarget(Endpoint("127.0.0.1", port)), "http", default=True)
    route.h2 = H2Upstream()
    road.routes.add(route)
    return route


def converse(target: str, credentials: grpc.ChannelCredentials | None) -> None:
    """Everything that a gRPC client does; in a thread of its own."""
    made = grpc.insecure_channel(target) if credentials is None else grpc.secure_channel(target, credentials)
    with made as channel:
        answer, call = channel.unary_unary("/t/Upper").with_call(b"hello", timeout=10)
        assert answer == b"HELLO"
        assert ("first", "yes") in call.initial_metadata()
        assert ("last", "yes") in call.trailing_metadata()
        large = bytes(3_000_000)
        assert channel.unary_unary("/t/Upper")(large, timeout=20) == large
        assert list(channel.unary_stream("/t/Count")(b"100", timeout=10)) == [b"%d" % number for number in range(100)]
        assert channel.stream_unary("/t/Join")(iter([b"a", b"b", b"c"]), timeout=10) == b"a,b,c"
        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary("/t/Fail")(b"", timeout=10)
        assert (failed.value.code(), failed.value.details()) == (grpc.StatusCode.NOT_FOUND, "no such thing")
        with pytest.raises(grpc.RpcError) as failed:
            channel.unary_unary("/t/Unknown")(b"", timeout=10)
        assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED
        asked: Queue[bytes | None] = Queue()
        answers = channel.stream_stream("/t/Echo")(iter(asked.get, None), timeout=10)
        for number in range(50):  # each message waits for the answer to the one before
            asked.put(b"%d" % number)
            assert next(answers) == b"%d" % number
        asked.put(None)
        assert list(answers) == []


@pytest.mark.h2_only
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_grpc_end_to_end(road: Road, server: int, secure: bool, self_signed: Any) -> None:
    add_route(road, server)
    credentials = None
    if secure:
        with open(f"{self_signed}.crt", "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
    await asyncio.to_thread(converse, f"localhost:{road.port}", credentials)
    done = await road.tap.all_done(7)
    assert {exchange.ending for exchange in done} == {COMPLETE}
    assert {exchange.upstream for exchange in done} == {f"127.0.0.1:{server}"}
    assert sum(not exchange.reused for exchange in done) == 1


class Speaker:
    """A server of frames: `script` gets each event of each connection."""

    def __init__(self, road: Road, library: str) -> None:
        self.road = road
        self.library = library
        self.connections: list[Frames] = []
        self.events: list[Event] = []
        self.bodies: dict[int, bytes] = {}
        self.takes = True  # what is sent to it

    async def start(self) -> Route:
        async def play(reader: Reader, writer: Writer) -> None:
            frames: Frames = NativeFrames(False) if self.library == "native" else PythonFrames(False)
            self.connections.append(frames)
            writer.write(frames.to_send())
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    frames.receive(data)
                    for event in frames.events():
                        self.on(frames, event)
                    writer.write(frames.to_send())
                    self.events += [event for event in frames.events() if isinstance(event, Closed)]

        route = await self.road.upstream(play, "grpc")
        route.h2 = H2Upstream()
        return route

    def on(self, frames: Frames, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Headers):
            self.bodies[event.stream] = b""
            if event.is_last:
                self.answer(frames, event.stream, dict(event.fields))
        elif isinstance(event, Data):
            self.bodies[event.stream] += event.data
            if self.takes:
                frames.consumed(event.stream, len(event.data))
            if event.is_last:
                self.answer(frames, event.stream, {b":path": b"/echo"})
        elif isinstance(event, Trailers):
            self.answer(frames, event.stream, {b":path": b"/echo"})

    def answer(self, frames: Frames, number: int, asked: dict[bytes, bytes]) -> None:
        path = asked[b":path"]
        if path == b"/broken":
            frames.head(number, ((b":status", b"200"),), is_last=False)
            frames.data(number, b"half")
        elif path == b"/reset":
            frames.reset(number, INTERNAL_ERROR)
        elif path == b"/empty":
            frames.head(number, ((b":status", b"204"),), is_last=True)
        elif path == b"/large":
            frames.head(number, ((b":status", b"200"), (b"content-length", b"3000000")), is_last=False)
            frames.data(number, bytes(3_000_000))
            frames.end(number)
        elif path != b"/never":
            frames.interim(number, ((b":status", b"103"), (b"link", b"</x>")))
            frames.head(number, ((b":status", b"200"), (b"x", b"y")), is_last=False)
            frames.data(number, self.bodies[number] or path)
            frames.trailers(number, ((b"t", b"u"),))


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
