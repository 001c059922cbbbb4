"""The HTTP/1.1 road, driven byte by byte from both ends."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

import pytest

from homeport.gateway.routes import Route
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE
from homeport.model.finding import Finding, Unavailable

from .conftest import FakeTarget, Road, hello, read_request

GET = b"GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def test_keep_alive_on_both_sides(road: Road) -> None:
    await road.upstream(hello)
    client = await road.connect()
    for _ in range(3):
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 200 OK\r\n")
        assert await client.body(2) == b"/a"
    assert road.accepted == 1
    done = await road.tap.all_done(3)
    assert [exchange.reused for exchange in done] == [False, True, True]
    assert [exchange.ending for exchange in done] == [COMPLETE] * 3
    first = done[0]
    assert 0 < first.opened_s <= first.head_s <= first.dialled_s <= first.sent_s <= first.answered_s <= first.closed_s
    assert (first.request_head, b"".join(first.response_body)) == (GET, b"/a")


async def test_pipelined_requests_are_answered_in_order(road: Road) -> None:
    await road.upstream(hello)
    client = await road.connect()
    client.send(b"".join(b"GET /%03d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(200)))
    for number in range(200):
        await client.head()
        assert await client.body(4) == b"/%03d" % number


@pytest.mark.plain_http
async def test_pipelined_requests_and_then_half_closed(road: Road) -> None:
    await road.upstream(hello)
    client = await road.connect()
    client.send(GET + GET)
    client.writer.write_eof()
    answer = await client.rest()
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.count(b"Connection: close") == 1


@pytest.mark.http1
async def test_one_byte_at_a_time(road: Road) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert await reader.readexactly(len(b"3\r\nabc\r\n0\r\nX: y\r\n\r\n")) == b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nX: y\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    await road.upstream(echo)
    client = await road.connect()
    for byte in b"POST / HTTP/1.1\r\nHost: [::1]:1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n":
        client.send(bytes([byte]))
        await asyncio.sleep(0)
    await client.head()
    assert await client.body(20) == b"2;x\r\nhi\r\n0\r\nX: y\r\n\r\n"
    assert (await road.tap.all_done(1))[0].ending == COMPLETE


async def test_headers_on_the_way(road: Road) -> None:
    seen: list[bytes] = []

    async def look(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        seen.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-B\r\nX-B: 1\r\nX-C: 2\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    await road.upstream(look, "api")
    client = await road.connect()
    client.send(
        b"GET /@api/users?x=1 HTTP/1.1\r\nHost: localhost:1234\r\nX-Forwarded-For: 6.6.6.6\r\n"
        b"Forwarded: for=6.6.6.6\r\nConnection: X-A\r\nX-A: 1\r\nCookie: a=b\r\n\r\n"
    )
    assert await client.head() == b"HTTP/1.1 200 OK\r\nX-C: 2\r\nContent-Length: 0\r\n\r\n"
    head = seen[0]
    assert head.startswith(b"GET /users?x=1 HTTP/1.1\r\nHost: localhost:1234\r\nCookie: a=b\r\n")
    assert b"6.6.6.6" not in head
    assert b"X-A" not in head
    assert (
        b"\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: %s\r\nX-Forwarded-Host: localhost:1234\r\n" % (road.face)
        in head
    )
    assert b'\r\nForwarded: for=127.0.0.1;proto=%s;host="localhost:1234"\r\n' % road.face in head
    assert b"\r\nX-Forwarded-Prefix: /@api\r\n" in head


@pytest.mark.parametrize(
    ("host", "path", "seen"),
    [
        (b"127.0.0.1:1", b"/x", b"web /x"),
        (b"LOCALHOST", b"/x", b"web /x"),
        (b"localhost.", b"/x", b"web /x"),
        (b"[::1]:62893", b"/x", b"web /x"),
        (b"api.localhost:62893", b"/x", b"api /x"),
        (b"API.LocalHost.", b"/x", b"api /x"),
        (b"branch.api.localhost", b"/x", b"branch.api /x"),
        (b"127.0.0.1", b"/@branch.api/y", b"branch.api /y"),
        (b"127.0.0.1", b"/@vite/client", b"web /@vite/client"),
        (b"api.localhost", b"/@web/y", b"api /@web/y"),
    ],
)
async def test_where_requests_go(road: Road, host: bytes, path: bytes, seen: bytes) -> None:
    for name in ("web", "api", "branch.api"):

        async def say(reader: Reader, writer: Writer, name: str = name) -> None:
            head, _ = await read_request(reader)
            body = name.encode() + b" " + head.split(b" ")[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await reader.read()

        await road.upstream(say, name, default=name == "web")
    answer = await road.ask(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host))
    assert answer.endswith(b"\r\n\r\n" + seen)


@pytest.mark.parametrize("host", [b"evil.example", b"localhost.evil.example", b"0.0.0.0", b"nosuch.localhost", b"a:b"])
async def test_unknown_hosts_learn_nothing(road: Road, host: bytes) -> None:
    await check_it_learns_nothing(road, host)


@pytest.mark.http1
@pytest.mark.parametrize("host", [b"", b"127.0.0.1@evil"])
async def test_hosts_that_cannot_be_one_learn_nothing(road: Road, host: bytes) -> None:
    """Over HTTP/2 such a request is malformed, and its stream reset."""
    await check_it_learns_nothing(road, host)


async def check_it_learns_nothing(road: Road, host: bytes) -> None:
    await road.upstream(hello)
    answer = await road.ask(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host)
    other = await road.ask(b"GET /x HTTP/1.1\r\nHost: evil.org\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert answer == other
    assert b"web" not in answer
    assert road.accepted == 0
    assert [exchange.ending for exchange in await road.tap.all_done(2)] == [REFUSED] * 2


async def test_below_a_name_redirects_keep_it(road: Road) -> None:
    async def redirect(reader: Reader, writer: Writer) -> None:
        while True:
            await read_request(reader)
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")

    await road.upstream(redirect, "api")
    client = await road.connect()
    for path, location in (
        (b"/@api", b"/@api/"),
        (b"/@api?q", b"/@api/?q"),
        (b"/@api/x", b"/@api/login"),
        (b"/x", b"/login"),
    ):
        client.send(b"HEAD %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path)
        assert b"\r\nLocation: %s\r\n" % location in await client.head()


async def test_no_app_yet(road: Road) -> None:
    answer = await road.ask(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"code":"no-default-app"' in answer


@pytest.mark.http1
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"\x00\x01\x02\x03",
    ],
)
async def test_ambiguous_requests_are_refused_and_the_connection_closed(road: Road, request_bytes: bytes) -> None:
    await road.upstream(hello)
    answer = await road.ask(request_bytes + GET)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert road.accepted == 0


@pytest.mark.http1
async def test_a_bad_chunk_never_completes_the_request_upstream(road: Road) -> None:
    got: list[bytes] = []

    async def look(reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                got.append(piece)

    await road.upstream(look)
    client = await road.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    async with asyncio.timeout(10):
        while not b"".join(got).endswith(b"abc\r\n"):
            await asyncio.sleep(0.005)
    client.send(b"3 \r\nabc\r\n0\r\n\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    assert b"".join(got).endswith(b"3\r\nabc\r\n")


@pytest.mark.plain_http
async def test_what_only_looks_like_tls_gets_an_alert(road: Road) -> None:
    assert await road.ask(b"\x16\x03\x01\x00\x05hello") == b"\x15\x03\x01\x00\x02\x02\x28"


async def test_expect_continue_is_settled_between_the_two_ends(road: Road) -> None:
    async def patient(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue" in head
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(5)
        writer.write(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body
        )
        await reader.read()

    await road.upstream(patient)
    client = await road.connect()
    client.send(b"PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")
    assert await client.head() == b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    assert (await client.head()).startswith(b"HTTP/1.1 200 OK")
    assert await client.body(5) == b"hello"


async def test_head_and_bodiless_answers_keep_the_connection(road: Road) -> None:
    async def bodiless(reader: Reader, writer: Writer) -> None:
        for line in (b"200 OK\r\nContent-Length: 99", b"304 Not Modified\r\nContent-Length: 9", b"204 No Content"):
            await read_request(reader)
            writer.write(b"HTTP/1.1 " + line + b"\r\n\r\n")
        await reader.read()

    await road.upstream(bodiless)
    client = await road.connect()
    for method, status in ((b"HEAD", b"200"), (b"GET", b"304"), (b"DELETE", b"204")):
        client.send(method + b" / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert (await client.head()).split(b" ")[1] == status
    assert road.accepted == 1


@pytest.mark.http1
async def test_http10_clients_get_no_chunks(road: Road) -> None:
    async def chunked(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        writer.write(b"2\r\nde\r\n0\r\n\r\n")
        await reader.read()

    await road.upstream(chunked)
    answer = await road.ask(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"


@pytest.mark.http1
async def test_an_answer_that_ends_with_the_connection(road: Road) -> None:
    async def until_close(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nabc")

    await road.upstream(until_close)
    assert await road.ask(GET) == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"
    assert (await road.tap.all_done(1))[0].ending == COMPLETE


async def test_server_sent_events_pass_at_once(road: Road) -> None:
    more = asyncio.Event()

    async def events(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            await more.wait()
            more.clear()
            writer.write(b"data: %d\n\n" % number)
        await reader.read()

    await road.upstream(events)
    client = await road.connect()
    client.send(GET)
    await client.head()
    for number in range(3):
        more.set()
        assert await client.body(9) == b"data: %d\n\n" % number


async def test_websockets_and_other_upgrades(road: Road) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in head
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX: 1\r\n\r\nfirst"
        )
        while data := await reader.read(1000):
            writer.write(data.upper())

    await road.upstream(echo)
    client = await road.connect()
    client.send(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
    head = await client.head()
    assert head == b"HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert await client.body(10) == b"firstEARLY"
    client.send(b"more")
    assert await client.body(4) == b"MORE"
    await client.close()
    exchange = (await road.tap.all_done(1))[0]
    assert (exchange.kind, exchange.ending) == ("upgrade", COMPLETE)
    assert b"".join(data for up, data in road.tap.messages if up) == b"earlymore"
    assert b"".join(data for up, data in road.tap.messages if not up) == b"firstEARLYMORE"


@pytest.mark.http1
async def test_a_refused_upgrade_is_an_ordinary_answer(road: Road) -> None:
    await road.upstream(hello)
    client = await road.connect()
    client.send(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert (await client.head()).startswith(b"HTTP/1.1 200 OK")
    assert await client.body(3) == b"/ws"
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 200 OK")


async def test_a_large_body_each_way_arrives_intact(road: Road) -> None:
    size = 24 * 1024 * 1024
    block = bytes(range(256)) * 256

    async def mirror(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        digest = hashlib.sha256()
        for _ in range(size // len(block)):
            digest.update(await reader.readexactly(len(block)))
        writer.write(
            b"HTTP/1.1 200 OK\r\nX-Digest: %s\r\nContent-Length: %d\r\n\r\n" % (digest.hexdigest().encode(), size)
        )
        for _ in range(size // len(block)):
            writer.write(block)
            await writer.drain()
        await reader.read()

    await road.upstream(mirror)
    client = await road.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % size)
    sent, received = hashlib.sha256(), hashlib.sha256()
    for _ in range(size // len(block)):
        sent.update(block)
        client.send(block)
        await client.writer.drain()
    assert sent.hexdigest().encode() in await client.head()
    for _ in range(size // len(block)):
        received.update(await client.body(len(block)))
    assert received.digest() == sent.digest()
    exchange = (await road.tap.all_done(1))[0]
    assert (exchange.request_bytes, exchange.response_bytes) == (size, size)
    assert len(b"".join(exchange.request_body)) == len(b"".join(exchange.response_body)) == road.tap.body_limit_bytes


async def test_a_client_that_does_not_read_stops_the_upstream(road: Road) -> None:
    written = 0

    async def endless(reader: Reader, writer: Writer) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    await road.upstream(endless)
    client = await road.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(GET)
    before = -1
    async with asyncio.timeout(20):
        while written != before or not written:
            before = written
            await asyncio.sleep(0.3)
    assert written < 64 * 1024 * 1024  # kernel buffers on both legs, and not a stream without end
    client.writer.transport.abort()  # unread bytes in its buffer: the kernel sends a reset
    assert (await road.tap.all_done(1))[0].ending == CLIENT_GONE


async def test_an_upstream_that_does_not_read_stops_the_client(road: Road) -> None:
    release = asyncio.Event()

    async def deaf(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await release.wait()

    await road.upstream(deaf)
    client = await road.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n")
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 256 * 1024 * 1024:
            client.send(b"x" * 65536)
            sent += 65536
            async with asyncio.timeout(0.5):
                await client.writer.drain()
    assert sent < 128 * 1024 * 1024
    release.set()
    client.writer.transport.abort()
    await road.tap.all_done(1)


@pytest.mark.plain_http
async def test_a_client_that_half_closes_gets_its_answer(road: Road) -> None:
    async def slow(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        await reader.read()

    await road.upstream(slow)
    client = await road.connect()
    client.send(GET)
    client.writer.write_eof()
    assert (await client.rest()).endswith(b"late")


@pytest.mark.parametrize("how", ["reset", "closed"])
@pytest.mark.plain_http
async def test_a_client_that_goes_in_the_middle_ends_the_upstream_too(
    road: Road, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset says so itself; after a FIN the machine is asked whether the client is still there."""
    ended = asyncio.Event()

    async def watch(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        ended.set()

    await road.upstream(watch)
    client = await road.connect()
    client.send(GET)
    async with asyncio.timeout(10):
        while not road.accepted:
            await asyncio.sleep(0.005)
    if how == "reset":
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        monkeypatch.setattr(road.door, "_is_gone", lambda host, port, door_port: host == "127.0.0.1")
    client.writer.transport.abort()
    async with asyncio.timeout(10):
        await ended.wait()
    assert (await road.tap.all_done(1))[0].ending == CLIENT_GONE


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n",
    ],
)
async def test_half_an_answer_is_never_taken_for_a_whole_one(road: Road, half: bytes) -> None:
    async def stop(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(half)
        await writer.drain()

    await road.upstream(stop)
    answer = await road.ask(GET)
    assert not answer.endswith(b"0\r\n\r\n")
    assert (await road.tap.all_done(1))[0].ending == UPSTREAM_GONE


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nConte", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\nX: y\n\n"])
async def test_no_answer_worth_passing_on_is_a_502(road: Road, answer: bytes) -> None:
    async def stop(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    await road.upstream(stop)
    client = await road.connect()
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 502 ")
    assert (await road.tap.all_done(1))[0].ending == UPSTREAM_GONE


async def test_a_connection_that_died_in_the_pool_is_tried_again(road: Road) -> None:
    async def once(reader: Reader, writer: Writer) -> None:
        await hello_once(reader, writer)
        await read_request(reader)  # take the second request, and close without a word

    async def hello_once(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    await road.upstream(once)
    client = await road.connect()
    for _ in range(2):
        client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        await client.body(2)
    assert road.accepted == 2
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")  # may not be repeated
    assert (await client.head()).startswith(b"HTTP/1.1 502 ")


async def test_nobody_listens(road: Road) -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    road.routes.add(Route("gone", FakeTarget(Endpoint("127.0.0.1", port)), "http"))
    answer = await road.ask(b"GET / HTTP/1.1\r\nHost: gone.localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"fake: ConnectionRefusedError" in answer
    assert (await road.tap.all_done(1))[0].ending == UNREACHABLE


async def test_a_request_waits_for_an_app_that_starts(road: Road) -> None:
    server_route = await road.upstream(hello)
    future: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
    road.routes.add(Route("lazy", FakeTarget(None, future), "app"))
    client = await road.connect()
    client.send(b"POST /late HTTP/1.1\r\nHost: lazy.localhost\r\nContent-Length: 3\r\n\r\nabc")
    await asyncio.sleep(0.05)
    address = server_route.target.address()
    assert address is not None
    future.set_result(address)
    await client.head()
    assert await client.body(5) == b"/late"


async def test_an_app_that_does_not_start_says_why(road: Road) -> None:
    future: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
    future.set_exception(Unavailable(Finding(code="app-exited", what="web exited with code 1."), 503))
    road.routes.add(Route("lazy", FakeTarget(None, future), "app"))
    client = await road.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: lazy.localhost\r\n\r\n")
    assert (await client.head()).startswith(b"HTTP/1.1 503 ")


async def test_a_loop_ends(road: Road) -> None:
    road.routes.add(Route("self", FakeTarget(road.door.endpoints[0]), "http", default=True))
    client = await road.connect()
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 508 ")


async def test_an_early_answer_to_a_large_body_is_read(road: Road) -> None:
    async def too_large(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        await writer.drain()

    await road.upstream(too_large)
    client = await road.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 400000\r\n\r\n" + b"x" * 100_000)
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert await client.body(3) == b"big"


async def test_what_the_dashboard_does_is_not_recorded(road: Road) -> None:
    route = await road.upstream(hello)
    road.routes.add(Route("homeport", route.target, "control"))
    client = await road.connect()
    for path in (b"/x", b"/y"):
        client.send(b"GET %s HTTP/1.1\r\nHost: homeport.localhost\r\nCookie: secret\r\n\r\n" % path)
        await client.head()
        await client.body(2)
    client.send(GET)
    await client.head()
    assert [exchange.request_head for exchange in await road.tap.all_done(1)] == [GET]
    assert road.tap.done[0].server_port == road.port


async def test_both_families_and_a_port_of_a_routes_own(road: Road) -> None:
    route = await road.upstream(hello, default=False)
    client = await road.connect("::1")
    client.send(GET)
    assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    own = await road.door.open_for(route, Endpoint("127.0.0.1", 0))
    reader, writer = await asyncio.open_connection("127.0.0.1", own[0].port)
    writer.write(b"GET /own HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
    assert (await reader.readuntil(b"/own")).startswith(b"HTTP/1.1 200 OK")
    writer.write(b"GET /own HTTP/1.1\r\nHost: rebound.example\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 421 ")
    writer.close()
    road.door.close_for(route.name)


async def test_two_hundred_slow_clients_do_not_hold_up_a_fast_one(road: Road) -> None:
    await road.upstream(hello)
    slow = [await road.connect() for _ in range(200)]
    for client in slow:
        client.send(b"GET /slow HTTP/1.1\r\nHo")
    fast = await road.connect()
    fast.send(GET)
    await fast.head()
    for client in slow:
        client.send(b"st: 127.0.0.1\r\n\r\n")
    for client in slow:
        await client.head()
        assert await client.body(5) == b"/slow"


async def test_churn_leaves_nothing_behind(road: Road) -> None:
    await road.upstream(hello)
    request = b"GET /churn HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    for _ in range(40):
        answers = await asyncio.gather(*(road.ask(request) for _ in range(25)))
        assert all(answer.endswith(b"/churn") for answer in answers)
    assert len(await road.tap.all_done(1000)) == 1000
