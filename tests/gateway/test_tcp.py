"""Raw TCP routes over real sockets: bytes, ends and resets go through as they came, and nothing is left."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from homeport.gateway import tcp_dial
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE
from homeport.model.finding import Finding, Unavailable
from tests.gateway.tcp_stage import (
    ANY,
    CONDITIONED,
    VARIANTS,
    FixedTarget,
    LateTarget,
    Stage,
    echo,
    hang_up,
    reset,
    staged,
    upstream,
    visit,
)


@pytest.fixture(params=[*VARIANTS, *CONDITIONED])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with staged(request.param) as made:
        yield made


async def push_for_ever(client: socket.socket) -> None:
    async with asyncio.timeout(10):
        while True:
            await asyncio.get_running_loop().sock_sendall(client, bytes(65536))


async def is_reset(door: Endpoint) -> bool:
    """Whether a visitor is reset without a byte, be it while still connecting."""
    try:
        async with visit(door) as (reader, _writer):
            await reader.read()
    except ConnectionResetError:
        return True
    return False


async def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def test_bytes_go_through_and_the_exchange_counts_them(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        async with visit(door) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            assert stage.relay.activity("db").active == 1
            client = writer.get_extra_info("sockname")
        exchange = await stage.tap.wait(ended=1)
    assert (exchange.kind, exchange.route, exchange.ending) == ("tcp", "db", COMPLETE)
    assert exchange.client == f"127.0.0.1:{client[1]}"
    assert exchange.upstream.startswith("127.0.0.1:")
    assert (exchange.request_bytes, exchange.response_bytes) == (5, 5)
    assert exchange.opened_s <= exchange.dialled_s <= exchange.answered_s <= exchange.closed_s
    assert (stage.relay.activity("db").active, stage.relay.activity("db").visits) == (0, 1)


async def test_the_first_bytes_of_each_direction_are_kept() -> None:
    async with staged(body_limit_bytes=10) as stage, stage.behind(echo) as door:
        async with visit(door) as (reader, writer):
            for part in (b"0123456", b"789abcdef", b"ghi"):
                writer.write(part)
                assert await reader.readexactly(len(part)) == part
        exchange = await stage.tap.wait(ended=1)
    assert b"".join(exchange.request_body) == b"0123456789"
    assert b"".join(exchange.response_body) == b"0123456789"
    assert exchange.request_bytes == 19


async def test_the_client_half_closes_and_still_gets_its_answer(stage: Stage) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())

    async with stage.behind(count) as door, visit(door) as (reader, writer):
        writer.write(bytes(100_000))
        writer.write_eof()
        assert await reader.read() == b"100000"


async def test_the_upstream_half_closes_and_still_hears_the_client(stage: Stage) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def speak_then_listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"that is all")
        writer.write_eof()
        heard.set_result(await reader.read())

    async with stage.behind(speak_then_listen) as door, visit(door) as (reader, writer):
        assert await reader.read() == b"that is all"
        writer.write(b"and now me")
        writer.write_eof()
        assert await heard == b"and now me"
        assert (await stage.tap.wait(ended=1)).ending == COMPLETE


async def test_an_upstream_that_speaks_first_is_heard(stage: Stage) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.read()

    async with stage.behind(greet) as door, visit(door) as (reader, _writer):
        assert await reader.readline() == b"220 ready\r\n"


async def test_a_reset_by_the_upstream_reaches_the_client_as_a_reset(stage: Stage) -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        reset(writer)

    async with stage.behind(slam) as door:
        async with visit(door) as (reader, writer):
            writer.write(b"hello")
            with pytest.raises(ConnectionResetError):
                await reader.read()
        exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.why) == (UPSTREAM_GONE, "the upstream reset the connection")


async def test_a_reset_by_the_client_reaches_the_upstream_as_a_reset(stage: Stage) -> None:
    ended = asyncio.get_running_loop().create_future()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        try:
            ended.set_result(await reader.read())
        except ConnectionResetError as error:
            ended.set_result(error)

    async with stage.behind(wait_for_the_end) as door, visit(door) as (reader, writer):
        await reader.readexactly(1)
        reset(writer)
        assert isinstance(await ended, ConnectionResetError)
        assert (await stage.tap.wait(ended=1)).ending == CLIENT_GONE


async def test_what_was_sent_before_a_reset_arrives_before_it(stage: Stage) -> None:
    """A server answers an upload that it refuses, and resets it: the client gets the answer all the same."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"413 too large")
        await writer.drain()
        reset(writer)

    async with stage.behind(refuse) as door:
        loop = asyncio.get_running_loop()
        with socket.create_connection((door.host, door.port)) as client:
            client.setblocking(False)
            await loop.sock_sendall(client, b"u")
            with pytest.raises(ConnectionError):
                await push_for_ever(client)
            assert await loop.sock_recv(client, 100) == b"413 too large"


async def test_a_refused_dial_resets_the_client_and_the_exchange_says_why(stage: Stage) -> None:
    door = stage.route(Endpoint("127.0.0.1", await free_port()))
    assert await is_reset(door)
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.why) == (UNREACHABLE, "nobody answers: Connection refused")
    assert exchange.dialled_s == 0.0


async def test_a_visitor_waits_until_the_target_is_ready(stage: Stage) -> None:
    target = LateTarget()
    door = stage.relay.open("late", ANY, target)
    async with upstream(echo) as endpoint, visit(door) as (reader, writer):
        writer.write(b"early")
        writer.write_eof()
        await target.asked.wait()
        target.answer.set_result(endpoint)
        assert await reader.read() == b"early"


async def test_a_target_that_cannot_be_had_says_so_on_the_exchange(stage: Stage) -> None:
    target = LateTarget()
    target.answer.set_exception(Unavailable(Finding(code="app-exited", what="web exited with code 1")))
    assert await is_reset(stage.relay.open("late", ANY, target))
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.why) == (UNREACHABLE, "web exited with code 1")


async def test_a_visitor_who_leaves_while_waiting_is_not_waited_for() -> None:
    async with staged() as stage:
        target = LateTarget()
        door = stage.relay.open("late", ANY, target)
        async with visit(door) as (_reader, writer):
            await target.asked.wait()
            reset(writer)
            exchange = await stage.tap.wait(ended=1)
            await target.left.wait()
        assert exchange.ending == CLIENT_GONE
        target.answer.cancel()


async def test_a_broken_target_costs_its_visitor_only(stage: Stage) -> None:
    class Broken(FixedTarget):
        def address(self) -> Endpoint | None:
            raise LookupError("our mistake")

    loop = asyncio.get_running_loop()
    mistakes: list[object] = []
    loop.set_exception_handler(lambda _loop, context: mistakes.append(context["exception"]))
    assert await is_reset(stage.relay.open("broken", ANY, Broken(ANY)))
    assert (await stage.tap.wait(ended=1)).ending == UPSTREAM_GONE
    assert isinstance(mistakes[0], LookupError)
    async with stage.behind(echo, "sound") as door, visit(door) as (reader, writer):
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"


async def test_upstreams_on_ipv6_unix_sockets_and_names(stage: Stage, tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")

    async def unix_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        await hang_up(writer)

    server = await asyncio.start_unix_server(unix_echo, path)
    async with server, upstream(echo, "::1") as six:
        endpoints = [Endpoint(path=path), six, Endpoint("localhost", six.port)]
        for number, endpoint in enumerate(endpoints):
            async with visit(stage.route(endpoint, f"route{number}")) as (reader, writer):
                writer.write(b"hello" * 20_000)
                writer.write_eof()
                assert await reader.read() == b"hello" * 20_000
            assert (await stage.tap.wait(ended=number + 1)).upstream == str(endpoint)


async def test_a_name_is_looked_up_on_the_asyncio_side(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(echo) as endpoint:
        loop = asyncio.get_running_loop()

        async def answer(host: str, port: int, *, type: int) -> list[object]:  # noqa: A002
            assert (host, asyncio.get_running_loop()) == ("db.example", loop)
            return [(socket.AF_INET, type, 0, "", ("127.0.0.1", port))]

        monkeypatch.setattr(tcp_dial, "_resolve", answer)
        async with visit(stage.route(Endpoint("db.example", endpoint.port))) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
        assert (await stage.tap.wait(ended=1)).upstream == f"db.example:{endpoint.port}"


async def test_a_name_nobody_knows_resets_the_client(stage: Stage) -> None:
    assert await is_reset(stage.route(Endpoint("no-such-host.invalid", 80)))
    assert (await stage.tap.wait(ended=1)).ending == UNREACHABLE


async def test_a_route_may_listen_on_a_unix_socket_and_on_both_families(stage: Stage, tmp_path: Path) -> None:
    async with upstream(echo) as endpoint:
        path = tmp_path / "door.sock"
        unix = stage.route(endpoint, "unix", Endpoint(path=str(path)))
        both = stage.route(endpoint, "both", Endpoint("localhost", 0))
        for door in (unix, both, Endpoint("::1", both.port)):
            async with visit(door) as (reader, writer):
                writer.write(b"hello")
                assert await reader.readexactly(5) == b"hello"
        stage.relay.close("unix")
        assert not path.exists()


async def test_who_may_not_connect_is_let_go_and_recorded(stage: Stage) -> None:
    asked: list[object] = []

    def refuse(client: object, server: object) -> str:
        asked.append((client, server))
        return "It is Bob's." if len(asked) == 1 else ""

    async with upstream(echo) as server:
        door = stage.route(server, why_not=refuse)
        async with visit(door) as (reader, writer):
            own = writer.get_extra_info("sockname")
            assert await reader.read() == b""
        exchange = await stage.tap.wait(ended=1)
        assert (exchange.kind, exchange.route, exchange.ending, exchange.why) == ("tcp", "db", REFUSED, "It is Bob's.")
        assert exchange.client == f"{own[0]}:{own[1]}"
        assert asked == [(own, (door.host, door.port))]
        assert stage.relay.activity("db").visits == 0
        async with visit(door) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"


async def test_a_taken_port_and_a_taken_name_are_refused(stage: Stage) -> None:
    door = stage.route(ANY)
    with pytest.raises(HomeportError) as taken:
        stage.route(ANY, "other", door)
    assert taken.value.code == "port-taken"
    with pytest.raises(HomeportError) as named:
        stage.route(ANY)
    assert named.value.code == "name-taken"
    assert stage.relay.names() == ["db"]


async def test_closing_a_route_ends_its_visits_frees_its_port_and_leaves_the_others(stage: Stage) -> None:
    async with upstream(echo) as endpoint:
        one, two = stage.route(endpoint, "one"), stage.route(endpoint, "two")
        async with visit(one) as (gone_reader, gone), visit(two) as (reader, writer):
            for each_reader, each in ((gone_reader, gone), (reader, writer)):
                each.write(b"hello")
                assert await each_reader.readexactly(5) == b"hello"
            stage.relay.close("one")
            with pytest.raises(ConnectionResetError):
                await gone_reader.read()
            assert (await stage.tap.wait(ended=1)).why == "the route was removed"
            assert stage.route(endpoint, "one", one) == one
            writer.write(b"again")
            assert await reader.readexactly(5) == b"again"


async def test_stopping_ends_everything_and_says_so(stage: Stage) -> None:
    async with stage.behind(echo) as door, visit(door) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        stage.relay.stop()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert (await stage.tap.wait(ended=1)).why == "the engine stopped"
        stage.relay.stop()  # twice is once


async def test_urgent_bytes_stay_in_the_stream(stage: Stage) -> None:
    async with stage.behind(echo) as door:
        loop = asyncio.get_running_loop()
        with socket.create_connection((door.host, door.port)) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.send(b"ab")
            client.send(b"c", socket.MSG_OOB)
            client.send(b"de")
            client.shutdown(socket.SHUT_WR)
            client.setblocking(False)
            got = b""
            while data := await loop.sock_recv(client, 100):
                got += data
    assert got == b"abcde"
