"""HTTP/2 at the door beyond what the HTTP suites say on the face "h2": streams beside each other, ends, tunnels."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from typing import cast

import pytest

from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from homeport.wire.h2 import INTERNAL_ERROR, NO_ERROR, STREAM_WINDOW_BYTES, Closed, Data, Frames, Going
from homeport.wire.h2_native import NativeFrames
from homeport.wire.h2_python import PythonFrames

from .conftest import Road, hello, read_request
from .h2_client import Answer, FramesClient, H2Client

pytestmark = pytest.mark.h2_only

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
ASKED = [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"localhost"), (b":path", b"/p")]


@pytest.fixture(params=["native", "python"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything here holds for both."""
    made = {"native": NativeFrames, "python": PythonFrames}[request.param]
    monkeypatch.setattr("homeport.gateway.h2_inbound.frames_factory", lambda: made)
    return str(request.param)


async def h2_client(road: Road) -> H2Client:
    return cast(H2Client, await road.connect())


async def start(client: H2Client, fields: list[tuple[bytes, bytes]]) -> int:
    """A request of which the test sends the rest itself."""
    number = client.connection.get_next_available_stream_id()
    client.connection.send_headers(number, fields)
    client.raw.write(client.connection.data_to_send())
    return number


async def until_closed(client: H2Client) -> None:
    async with asyncio.timeout(10):
        await client.task


async def test_a_slow_answer_holds_up_no_other(road: Road) -> None:
    more = asyncio.Event()

    async def slow_or_not(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        if head.startswith(b"GET /slow"):
            await more.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()

    await road.upstream(slow_or_not)
    client = await h2_client(road)
    client.send(GET.replace(b"/a", b"/slow") + GET)
    async with asyncio.timeout(10):
        while not client.answers[1].has_ended:
            await client._change()
    assert not client.answers[0].text
    more.set()
    assert (await client.rest()).count(b"ok") == 2


async def test_an_upstream_that_does_not_read_stops_its_stream_only(road: Road) -> None:
    release = asyncio.Event()

    async def deaf_or_not(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await release.wait()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await reader.read()

    await road.upstream(deaf_or_not)
    client = await h2_client(road)
    size = 64 * 1024 * 1024
    client.send(POST % size)
    client.send(bytes(size))
    before = -1
    async with asyncio.timeout(20):
        while before != (left := sum(map(len, client.unsent.values()))) or left == size:
            before = left
            await asyncio.sleep(0.2)
    assert left > size // 2, "it took everything"
    assert client.connection.local_flow_control_window(1) < 16384
    for _ in range(3):
        client.send(GET)
    async with asyncio.timeout(10):
        while not all(answer.has_ended for answer in list(client.answers)[1:]):
            await client._change()
    release.set()


async def test_a_client_that_reads_one_stream_only(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window of the one is shut, its upstream stops; the other goes on."""
    written = 0

    async def endless(reader: Reader, writer: Writer) -> None:
        nonlocal written
        head, _ = await read_request(reader)
        if b"/endless" not in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await reader.read()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            written += 65536

    await road.upstream(endless)
    client = await h2_client(road)
    client.connection.increment_flow_control_window(1 << 24)
    monkeypatch.setattr(client.connection, "acknowledge_received_data", lambda size, number: None)
    client.send(GET.replace(b"/a", b"/endless"))
    before = -1
    async with asyncio.timeout(20):
        while written != before or not written:
            before = written
            await asyncio.sleep(0.2)
    assert written < 32 * 1024 * 1024
    client.send(GET)
    async with asyncio.timeout(10):
        while not client.answers[1].has_ended:
            await client._change()
    await client.close()
    assert {exchange.ending for exchange in await road.tap.all_done(2)} == {CLIENT_GONE, COMPLETE}


async def test_trailers_both_ways_and_bodies_of_any_length(road: Road) -> None:
    seen: list[bytes] = []

    async def with_trailers(reader: Reader, writer: Writer) -> None:
        seen.append(await reader.readuntil(b"0\r\nChecksum: abc\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n2\r\nhi\r\n")
        await writer.drain()
        writer.write(b"3;x=y\r\n ho\r\n0\r\nGrpc-Status: 0\r\n\r\n")
        await reader.read()

    await road.upstream(with_trailers)
    client = await h2_client(road)
    number = await start(client, [*ASKED, (b"te", b"trailers")])
    answer = client.by_number[number] = Answer(number)
    client.answers.append(answer)
    client.connection.send_data(number, b"con")
    client.connection.send_data(number, b"tent")
    client.connection.send_headers(number, [(b"checksum", b"abc")], end_stream=True)
    client._flush()
    head, body = (await client.rest()).split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding" not in head
    assert b"Trailer: Grpc-Status" in head
    assert (body, answer.trailers) == (b"hi ho", [(b"grpc-status", b"0")])
    assert b"\r\nTransfer-Encoding: chunked\r\n" in seen[0]
    assert b"\r\nConnection: TE\r\nTE: trailers\r\n" in seen[0]
    assert seen[0].endswith(b"3\r\ncon\r\n4\r\ntent\r\n0\r\nChecksum: abc\r\n\r\n")
    exchange = (await road.tap.all_done(1))[0]
    assert exchange.ending == COMPLETE
    assert exchange.request_head.startswith(b"POST /p HTTP/1.1\r\nHost: localhost\r\n")
    assert exchange.version == "2"


async def test_half_an_answer_resets_its_stream_and_no_other(road: Road) -> None:
    async def stop(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        if b"/half" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            await writer.drain()
        else:
            await hello_rest(writer, reader)

    async def hello_rest(writer: Writer, reader: Reader) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()

    await road.upstream(stop)
    client = await h2_client(road)
    client.send(GET.replace(b"/a", b"/half") + GET)
    answer = await client.rest()
    assert answer.endswith(b"ok")
    assert client.answers[0].reset_code == INTERNAL_ERROR
    assert client.answers[1].reset_code is None
    assert sorted(exchange.ending for exchange in await road.tap.all_done(2)) == [COMPLETE, UPSTREAM_GONE]


async def test_an_answer_that_comes_before_the_request_is_in(road: Road) -> None:
    """It is whole, and then the client is told to stop sending (RFC 9113 section 8.1)."""

    async def too_large(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 200000\r\n\r\n" + bytes(200000))
        await writer.drain()
        await reader.read()

    await road.upstream(too_large)
    client = await h2_client(road)
    client.send(POST % 10_000_000)
    client.send(bytes(1000))
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert len(answer.split(b"\r\n\r\n", 1)[1]) == 200000
    assert client.answers[0].reset_code in (NO_ERROR, None)


async def test_what_the_client_takes_back_ends_at_the_upstream(road: Road) -> None:
    ended = asyncio.Event()

    async def watch(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await reader.read()
        ended.set()

    await road.upstream(watch)
    client = await h2_client(road)
    client.send(GET)
    async with asyncio.timeout(10):
        while not road.accepted:
            await asyncio.sleep(0.005)
    client.connection.reset_stream(1)
    client._flush()
    async with asyncio.timeout(10):
        await ended.wait()
    assert (await road.tap.all_done(1))[0].ending == CLIENT_GONE
    client.answers.clear()
    road.routes.remove("web")
    await road.upstream(hello)
    client.send(GET)
    await client.head()
    assert await client.body(2) == b"/a"


async def test_a_websocket_that_the_upstream_refuses_is_no_success(road: Road) -> None:
    await road.upstream(hello)
    client = await h2_client(road)
    client.send(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert (await client.head()).startswith(b"HTTP/1.1 501 ")
    assert await client.body(3) == b"/ws"


@pytest.mark.parametrize("who", ["client", "upstream"])
async def test_a_tunnel_ends_in_order(road: Road, who: str) -> None:
    ended = asyncio.Event()

    async def echo(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        while (data := await reader.read(1000)) and data != b"bye":
            writer.write(data)
        ended.set()

    await road.upstream(echo)
    client = await h2_client(road)
    client.send(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    await client.head()
    client.send(b"hello")
    assert await client.body(5) == b"hello"
    if who == "client":
        client.connection.end_stream(1)
        client._flush()
    else:
        client.send(b"bye")
    async with asyncio.timeout(10):
        await ended.wait()
    await client.rest()
    assert client.answers[0].reset_code is None
    exchange = (await road.tap.all_done(1))[0]
    assert (exchange.kind, exchange.ending) == ("upgrade", COMPLETE)


async def test_the_door_that_closes_says_goaway_and_finishes_what_is_under_way(road: Road) -> None:
    more = asyncio.Event()

    async def slow(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await more.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        await reader.read()

    await road.upstream(slow)
    client = FramesClient(*await asyncio.open_connection("127.0.0.1", road.port))
    idle = await h2_client(road)
    number = client.ask(((b":method", b"GET"), *ASKED[1:]))
    async with asyncio.timeout(10):
        while not road.accepted:
            await asyncio.sleep(0.005)
    closing = asyncio.get_running_loop().create_task(road.door.close())
    await until_closed(idle)
    assert await client.until(Going) == Going(number, NO_ERROR)
    assert client.frames.request(ASKED, is_last=True) is None
    more.set()
    assert (await client.until(Data)).data == b"late"
    assert (await client.until(Closed)).code == NO_ERROR
    assert await client.rest() == b""
    await closing
    await client.close()


async def test_who_says_nothing_for_long_is_sent_away(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.gateway.h2_inbound.IDLE_S", 0.05)
    await road.upstream(hello)
    client = await h2_client(road)
    client.send(GET)
    await client.head()
    await until_closed(client)
    assert not road.door._inside


async def test_settings_say_what_the_door_can(road: Road) -> None:
    client = await h2_client(road)
    async with asyncio.timeout(10):
        while not client.has_settings:
            await client._change()
    remote = client.connection.remote_settings
    assert remote.max_concurrent_streams == 100
    assert remote.initial_window_size == STREAM_WINDOW_BYTES
    assert remote.enable_connect_protocol
    assert remote.max_header_list_size == 65536


async def test_alpn_chooses_it_over_tls(road: Road, trusting: ssl.SSLContext) -> None:
    await road.upstream(hello)
    for offered, spoken in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
        trusting.set_alpn_protocols(offered)
        streams = await asyncio.open_connection("127.0.0.1", road.port, ssl=trusting, server_hostname="localhost")
        tls = streams[1].get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == (spoken if offered else None)
        if spoken == "h2":
            client = H2Client(*streams)
            client.send(GET)
            assert (await client.head()).startswith(b"HTTP/1.1 200 ")
            assert await client.body(2) == b"/a"
            await client.close()
        else:
            streams[1].write(GET)
            assert (await streams[0].readuntil(b"/a")).startswith(b"HTTP/1.1 200 ")
            streams[1].close()
    assert [exchange.ending for exchange in await road.tap.all_done(3)] == [COMPLETE] * 3


def test_the_libraries_are_frames() -> None:
    made: list[Frames] = [NativeFrames(False), PythonFrames(False)]
    assert not any(frames.is_over for frames in made)
