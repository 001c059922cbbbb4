"""What no decent client sends over HTTP/2: floods, bombs, garbage. The door ends them, and nothing of them stays."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.gateway.h2_allowance import Allowance
from homeport.gateway.inbound import Inbound
from homeport.streams.memory import MemoryTransport
from homeport.wire.h2 import CALM, CANCEL, Chatter, Closed, Data, Frames, Going, Headers
from homeport.wire.h2_native import NativeFrames
from homeport.wire.h2_python import PythonFrames

from .conftest import Client, Road, hello, read_request
from .h2_client import FramesClient
from .memory_stage import Stage, set_stage, ticks

pytestmark = pytest.mark.h2_only

LIBRARIES: dict[str, Callable[[bool], Frames]] = {"native": NativeFrames, "python": PythonFrames}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
GET = ((b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"localhost"), (b":path", b"/a"))
POST = ((b":method", b"POST"), *GET[1:])
# :method GET, :scheme http, :path /, :authority localhost; from HPACK's static table (RFC 7541 appendix A).
BLOCK = b"\x82\x86\x84\x41\x09localhost"

HEADERS, DATA, RST, SETTINGS, PING, WINDOW, CONTINUATION = 1, 0, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


@pytest.fixture(params=list(LIBRARIES), autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("homeport.gateway.h2_inbound.frames_factory", lambda: LIBRARIES[request.param])
    monkeypatch.setattr("homeport.gateway.h2_inbound.LINGER_S", 0.1)
    return str(request.param)


async def frames_client(road: Road) -> FramesClient:
    client = FramesClient(*await asyncio.open_connection("127.0.0.1", road.port))
    road.clients.append(cast("Client", client))
    return client


async def last_goaway(road: Road, sent: bytes) -> int:
    """The code with which the door ends a connection on which that comes after the preface."""
    reader, writer = await asyncio.open_connection("127.0.0.1", road.port)
    writer.write(PREFACE + sent)
    data = b""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                data += piece
    writer.close()
    at, code = 0, -1
    while at + 9 <= len(data):
        size = int.from_bytes(data[at : at + 3], "big")
        if data[at + 3] == 7:
            code = int.from_bytes(data[at + 13 : at + 17], "big")
        at += 9 + size
    async with asyncio.timeout(10):
        while road.door._inside:
            await asyncio.sleep(0.005)
    return code


async def hold(reader: Reader, writer: Writer) -> None:
    await read_request(reader)
    await reader.read()


async def test_rapid_reset(road: Road) -> None:
    """CVE-2023-44487: ask and take back, for ever."""
    await road.upstream(hold)
    floods = b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, number, BLOCK) + frame(RST, 0, number, CANCEL.to_bytes(4, "big"))
        for number in range(1, 6001, 2)
    )
    assert await last_goaway(road, floods) == CALM
    assert len(road.tap.done) < 1200


async def test_resets_that_we_are_made_to_send(road: Road) -> None:
    """CVE-2025-8671: each stream breaks the protocol once it has been passed on."""
    await road.upstream(hold)
    floods = b"".join(
        frame(HEADERS, END_STREAM | END_HEADERS, number, BLOCK) + frame(WINDOW, 0, number, bytes(4))
        for number in range(1, 6001, 2)
    )
    assert await last_goaway(road, floods) > 0
    assert len(road.tap.done) < 1200


async def test_a_page_that_is_left_again_and_again_is_no_attack(road: Road) -> None:
    await road.upstream(hello)
    client = await frames_client(road)
    for _ in range(3):
        numbers = [client.ask(GET) for _ in range(80)]
        for number in numbers:
            client.frames.reset(number, CANCEL)
        client.flush()
    last = client.ask(GET)
    while (closed := await client.until(Closed)).stream != last:
        pass
    assert closed.code == 0
    await client.close()


async def test_no_more_than_a_hundred_streams(road: Road) -> None:
    await road.upstream(hold)
    client = await frames_client(road)
    await client.until(Chatter)  # its SETTINGS, from when on it is held to them
    for _ in range(100):
        client.ask(GET)
    async with asyncio.timeout(10):
        while road.tap.began < 100:
            await asyncio.sleep(0.005)
    client.writer.write(frame(HEADERS, END_STREAM | END_HEADERS, 401, BLOCK))
    client.writer.write(frame(HEADERS, END_STREAM | END_HEADERS, 403, BLOCK))
    assert await client.until(Going)
    await client.close()
    assert len(await road.tap.all_done(100)) == 100


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(frame(PING, 0, 0, bytes(8)), id="ping"),
        pytest.param(frame(SETTINGS, 0, 0), id="settings"),
        pytest.param(frame(DATA, 0, 1), id="empty data"),
    ],
)
async def test_frames_that_bring_nothing(road: Road, flood: bytes) -> None:
    await road.upstream(hold)
    opened = frame(HEADERS, END_HEADERS, 1, BLOCK)
    assert await last_goaway(road, opened + flood * 20_000) == CALM


async def test_a_continuation_flood(road: Road) -> None:
    """Heads that do not end (CVE-2024-27316), with bytes and without."""
    begun = frame(HEADERS, 0, 1, BLOCK)
    for piece in (b"", b"\x00\x01a\x01b" * 100):
        assert await last_goaway(road, begun + frame(CONTINUATION, 0, 1, piece) * 2000) > 0


async def test_a_small_head_that_unfolds_into_a_large_one(road: Road) -> None:
    """One field of 4,000 bytes in HPACK's table, and then one byte each time it is named again."""
    field_once = b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000
    assert await last_goaway(road, frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + field_once + b"\xbe" * 9000)) > 0
    assert road.tap.began == 0


async def test_a_head_that_is_too_large_gets_an_answer(road: Road) -> None:
    client = await frames_client(road)
    client.ask((*GET, *((b"x-%d" % number, b"y" * 4000) for number in range(20))))
    answer = await client.until(Headers)
    assert dict(answer.fields)[b":status"] == b"431"
    client.ask(GET)
    assert dict((await client.until(Headers)).fields)[b":status"] == b"404"
    await client.close()


@pytest.mark.parametrize(
    "fields",
    [
        ((b"transfer-encoding", b"chunked"),),
        ((b"connection", b"close"),),
        ((b"content-length", b"3"), (b"content-length", b"4")),
        ((b"x", b"a\r\nHost: evil.example"),),
        ((b"host", b"evil.example"),),
    ],
)
async def test_what_smuggling_is_made_of(road: Road, fields: tuple[tuple[bytes, bytes], ...]) -> None:
    """Refused or reset; nothing of it reaches an upstream."""
    await road.upstream(hello)
    client = await frames_client(road)
    client.ask((*POST, *fields))
    while True:
        event = await first_of(client)
        if event is None or isinstance(event, Closed):
            break
        if isinstance(event, Headers):
            assert dict(event.fields)[b":status"] == b"400"
    assert road.accepted == 0
    await client.close()


async def first_of(client: FramesClient) -> object:
    try:
        return await client.until(object)  # type: ignore[type-var]
    except EOFError:
        return None


@pytest.mark.parametrize("length", [b"3", b"7"])
async def test_a_body_of_another_length_than_it_says(road: Road, length: bytes) -> None:
    """The upstream never takes such a request for a whole one."""
    got = bytearray()

    async def look(reader: Reader, writer: Writer) -> None:
        while piece := await reader.read(65536):
            got.extend(piece)

    await road.upstream(look)
    client = await frames_client(road)
    number = client.ask((*POST, (b"content-length", length)), is_last=False)
    client.frames.data(number, b"12345")
    client.frames.end(number)
    client.flush()
    while (event := await first_of(client)) is not None and not isinstance(event, Closed | Going):
        pass
    await client.close()
    await road.tap.all_done(road.tap.began)
    assert len(bytes(got).partition(b"\r\n\r\n")[2]) != int(length)


def test_an_allowance_fills_up_with_time() -> None:
    allowance = Allowance(2, 10)
    assert [allowance.spend(100.0) for _ in range(3)] == [True, True, False]
    assert not allowance.spend(100.05)
    assert allowance.spend(100.4)


@dataclass
class Play:
    """A client of frames on a stage in memory; what it sends can be cut anywhere."""

    stage: Stage = field(default_factory=set_stage)
    frames: Frames = field(default_factory=lambda: NativeFrames(True))
    bodies: bytes = b""

    def pump(self, cut: int) -> None:
        data = self.frames.to_send()
        for at in range(0, len(data), cut):
            self.stage.client.peer_sends(data[at : at + cut])
        came, self.stage.client.sent[:] = bytes(self.stage.client.sent), b""
        if came:
            self.frames.receive(came)
        for event in self.frames.events():
            if isinstance(event, Data):
                self.bodies += event.data
                self.frames.consumed(event.stream, len(event.data))


async def play(cut: int, kinds: list[str]) -> None:
    made = Play()
    for kind in kinds:
        number = made.frames.request(POST if kind == "large" else GET, is_last=kind != "large")
        assert number is not None
        if kind == "large":
            made.frames.data(number, b"l" * 700)
            made.frames.end(number)
    for _ in range(6):
        made.pump(cut)
        await ticks(2)
        made.stage.door.settle_dials()
        await ticks()
        for upstream in made.stage.upstreams:
            if b"HTTP/1.1\r\n" in upstream.transport.sent and not upstream.answered:
                upstream.answered = 1
                upstream.transport.peer_sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                upstream.transport.peer_sends(b"0\r\n\r\n")
        await ticks()
    assert made.bodies == b"abc" * len(kinds)
    made.stage.client.peer_ends()
    await ticks()
    check_left(made.stage)


def check_left(stage: Stage) -> None:
    assert stage.client.is_lost
    assert stage.client.late == b""
    assert stage.route.active == 0
    assert stage.tap.open == []
    assert not stage.door._inside


@settings(max_examples=60, deadline=None)
@given(st.sampled_from((1, 2, 9, 50, 100_000)), st.lists(st.sampled_from(("get", "large")), min_size=1, max_size=5))
def test_frames_cut_anywhere(cut: int, kinds: list[str]) -> None:
    asyncio.run(play(cut, kinds))


_bodies = st.one_of(st.binary(max_size=30), st.just(BLOCK), st.just(b"\0\0\0\x08"), st.just(bytes(8)))
_frames = st.builds(frame, st.integers(0, 12), st.integers(0, 255), st.sampled_from((0, 1, 3, 5)), _bodies)
_good = st.sampled_from(
    [frame(HEADERS, END_HEADERS, number, BLOCK) for number in (1, 3, 5)]
    + [frame(HEADERS, END_HEADERS | END_STREAM, number, BLOCK) for number in (1, 3, 5)]
    + [frame(DATA, flags, number, b"abc") for number in (1, 3) for flags in (0, END_STREAM)]
    + [frame(RST, 0, number, b"\0\0\0\x08") for number in (1, 3)]
)
_steps = st.one_of(_good, _frames, st.binary(max_size=40), st.sampled_from(("dial", "answer", "half", "gone", "stop")))


async def play_garbage(steps: list[bytes | str]) -> None:
    stage = set_stage()
    errors: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
    stage.client.peer_sends(PREFACE)
    for step in steps:
        if isinstance(step, bytes):
            stage.client.peer_sends(step)
        elif step == "dial":
            await ticks(2)
            stage.door.settle_dials()
        elif step == "stop":
            stage.client.peer_stops_reading()
        for upstream in stage.upstreams:
            if upstream.transport.is_closing():
                continue
            if step == "answer":
                upstream.transport.peer_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
            elif step == "half":
                upstream.transport.peer_sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            elif step == "gone":
                upstream.transport.peer_ends()
        await ticks(2)
    stage.client.peer_reads_on()
    await ticks()
    stage.client.peer_ends()
    stage.client.peer_resets()
    stage.door.settle_dials()
    await ticks(20)
    assert not errors, errors
    check_left(stage)


@settings(max_examples=250, deadline=None)
@given(st.lists(_steps, max_size=16))
def test_any_frames_in_any_order_leave_nothing_behind(steps: list[bytes | str]) -> None:
    asyncio.run(play_garbage(steps))


async def test_a_client_that_asks_and_reads_nothing_fills_no_memory(library: str) -> None:
    stage = set_stage()
    stage.client.peer_stops_reading()
    stage.client.peer_sends(PREFACE)
    number = 1
    for _ in range(300):
        asked = bytearray()
        for _ in range(100):
            asked += frame(HEADERS, END_STREAM | END_HEADERS, number, BLOCK.replace(b"localhost", b"elsewhere"))
            number += 2
        stage.client.peer_sends(bytes(asked))
        await ticks(4)
    assert stage.client.get_write_buffer_size() < 1_000_000
    assert library == "python" or not stage.client.is_reading()  # h2 has ended the connection at the limit of streams
    stage.client.peer_resets()
    await ticks()
    check_left(stage)


def test_the_stage_is_a_door_like_any_other() -> None:
    """Garbage after a beginning that is none of ours stays HTTP/1.1's business."""

    async def one() -> None:
        stage = set_stage()
        other = MemoryTransport(Inbound(stage.door), {"peername": ("127.0.0.1", 2), "sockname": ("127.0.0.1", 3)})
        other.peer_sends(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        await ticks()
        assert other.sent.startswith(b"HTTP/1.1 505 ")

    asyncio.run(one())
