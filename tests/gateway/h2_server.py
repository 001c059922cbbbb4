"""Upstreams that speak HTTP/2: Google's gRPC, a server of frames that a test scripts, nginx, and whatever Node runs."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import shutil
import socket
import subprocess
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from homeport.app.upstream_tls import upstream_context
from homeport.gateway.h2_upstream import H2Upstream
from homeport.gateway.routes import Route
from homeport.gateway.secure import SecureUpstream
from homeport.model.endpoint import Endpoint
from homeport.wire.h2 import INTERNAL_ERROR, REFUSED_STREAM, Closed, Data, Event, Frames, Headers, Trailers
from homeport.wire.h2_native import NativeFrames
from homeport.wire.h2_python import PythonFrames

from .conftest import FakeTarget, Road
from .test_secure_upstream import Explained

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


@asynccontextmanager
async def grpc_server(pem: bytes = b"") -> AsyncIterator[int]:
    """Google's own; over TLS with `pem`, which is key and certificate."""
    made = grpc.server(ThreadPoolExecutor(8), handlers=(Service(),))
    if pem:
        port = made.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pem, pem)]))
    else:
        port = made.add_insecure_port("127.0.0.1:0")
    made.start()
    try:
        yield port
    finally:
        await asyncio.to_thread(made.stop(0).wait)


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


class Speaker:
    """A server of frames: `script` gets each event of each connection."""

    def __init__(self, road: Road, library: str) -> None:
        self.road = road
        self.library = library
        self.connections: list[Frames] = []
        self.writers: list[Writer] = []
        self.events: list[Event] = []
        self.bodies: dict[int, bytes] = {}
        self.takes = True  # what is sent to it

    async def start(self) -> Route:
        async def play(reader: Reader, writer: Writer) -> None:
            frames: Frames = NativeFrames(False) if self.library == "native" else PythonFrames(False)
            self.connections.append(frames)
            self.writers.append(writer)
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
        elif path == b"/refused":
            frames.reset(number, REFUSED_STREAM)
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


def plain_route(road: Road, port: int, name: str = "web") -> Route:
    route = Route(name, FakeTarget(Endpoint("127.0.0.1", port)), "http", default=True)
    route.h2 = H2Upstream()
    road.routes.add(route)
    return route


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
