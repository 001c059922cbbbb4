"""Corners of the HTTP road that no other test comes past, with both ends in memory."""

from __future__ import annotations

import pytest

from homeport.gateway.inbound import Inbound
from homeport.gateway.routes import Route
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import CLIENT_GONE, REFUSED, UNREACHABLE
from homeport.streams.memory import MemoryTransport

from .conftest import FakeTarget, Road
from .memory_stage import Stage, set_stage, ticks

GET = b"GET /0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
CHUNKS = b"POST /0 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr("homeport.gateway.inbound.LINGER_S", 0)
    return set_stage()


async def dialled(stage: Stage) -> None:
    await ticks(2)
    stage.door.settle_dials()
    await ticks()


async def test_a_pipelined_request_that_the_client_ends_in_the_middle(stage: Stage) -> None:
    stage.client.peer_sends(GET + POST + b"bb")
    stage.client.peer_ends()
    await dialled(stage)
    stage.upstreams[0].answer("length", 10_000)
    await ticks()
    assert stage.client.is_lost
    assert stage.client.sent.endswith(b"abcde")
    assert [exchange.ending for exchange in stage.tap.done][1:] == [CLIENT_GONE]
    assert stage.route.active == 0


async def test_a_request_that_breaks_off_under_an_answer_without_an_end(stage: Stage) -> None:
    stage.client.peer_sends(CHUNKS)
    await dialled(stage)
    stage.upstreams[0].answer("until-close", 10_000)
    stage.client.peer_stops_reading()
    stage.upstreams[0].transport.peer_sends(b"unsent")
    stage.client.peer_sends(b"nonsense\r\n")
    assert stage.client.is_lost, "an orderly end would make the answer look whole"
    await ticks()
    assert [exchange.ending for exchange in stage.tap.done] == [REFUSED]


@pytest.mark.parametrize("before", [b"\r\n", b"\r\n\r\n"])
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_empty_lines_before_requests_however_they_are_cut(stage: Stage, before: bytes, size: int) -> None:
    data = before + GET + before + GET
    for at in range(0, len(data), size):
        stage.client.peer_sends(data[at : at + size])
    await dialled(stage)
    for _ in range(2):
        stage.upstreams[0].answer("length", 10_000)
    assert stage.client.sent.count(b"HTTP/1.1 200 OK") == 2


async def test_an_upstream_that_answers_without_reading_is_not_used_again(stage: Stage) -> None:
    stage.client.peer_sends(POST.replace(b"5", b"400000"))
    await dialled(stage)
    upstream = stage.upstreams[0]
    upstream.transport.peer_stops_reading()
    stage.client.peer_sends(b"b" * 400_000)
    assert upstream.transport.is_full
    upstream.answer("length", 10_000)
    stage.client.peer_sends(GET)
    await dialled(stage)
    assert len(stage.upstreams) == 2
    assert upstream.transport.is_closing()


async def test_nothing_waits_for_an_upstream_that_answered_early_and_reads_no_more(stage: Stage) -> None:
    stage.client.peer_sends(POST.replace(b"5", b"400000"))
    await dialled(stage)
    upstream = stage.upstreams[0]
    upstream.transport.peer_stops_reading()
    stage.client.peer_sends(b"b" * 1000)
    upstream.answer("length", 10_000)
    await ticks()
    assert upstream.transport.is_lost


async def test_a_client_that_asks_and_asks_and_reads_nothing_fills_no_memory(stage: Stage) -> None:
    stage.client.peer_stops_reading()
    for _ in range(40):
        stage.client.peer_sends(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" * 50)
        await ticks(60)
    assert stage.client.get_write_buffer_size() < 300_000
    assert not stage.client.is_reading()
    stage.client.peer_reads_on()
    await ticks(2100)
    assert stage.client.sent.count(b"HTTP/1.1 421 ") == 2000


async def test_an_early_answer_says_that_the_connection_ends(stage: Stage) -> None:
    stage.client.peer_sends(POST + b"bb")
    await dialled(stage)
    stage.upstreams[0].transport.peer_sends(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
    assert stage.client.sent.endswith(b"\r\nConnection: close\r\n\r\nbig")


async def test_http10_with_a_host_in_its_target_alone_becomes_http11_with_one(stage: Stage) -> None:
    MemoryTransport(Inbound(stage.door, stage.route)).peer_sends(b"GET http://localhost/0 HTTP/1.0\r\n\r\n")
    await dialled(stage)
    assert stage.upstreams[0].transport.sent.startswith(b"GET /0 HTTP/1.1\r\n")
    assert stage.upstreams[0].transport.sent.count(b"\r\nHost: localhost\r\n") == 1


async def test_http10_without_any_host_is_let_in_nowhere(stage: Stage) -> None:
    for only in (None, stage.route):
        client = MemoryTransport(Inbound(stage.door, only))
        client.peer_sends(b"GET /0 HTTP/1.0\r\n\r\n")
        await ticks()
        assert client.sent.startswith(b"HTTP/1.1 421 ")


async def test_a_target_whose_name_cannot_be_a_host_is_explained(road: Road) -> None:
    road.routes.add(Route("odd", FakeTarget(Endpoint("a..b", 1)), "http", default=True))
    assert (await road.ask(GET.replace(b"localhost", b"odd.localhost\r\nConnection: close"))).startswith(
        b"HTTP/1.1 502 "
    )
    assert (await road.tap.all_done(1))[0].ending == UNREACHABLE
