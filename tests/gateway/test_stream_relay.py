"""TCP routes with TLS over real sockets: where TLS ends, where it is passed on by name, and that nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from homeport.gateway import stream_link
from homeport.gateway.stream_side import Flow, Side
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE
from homeport.model.route import Tls
from homeport.wire.client_hello import ACCESS_DENIED, HANDSHAKE_FAILURE
from homeport.wire.stream_greeting import SSL_REQUEST
from tests.gateway.stream_stage import StreamStage, client_certificates, secure_upstream, secure_visit, stream_stage
from tests.gateway.tcp_stage import ANY, Serve, echo, reset, upstream, visit

MIB = 1024 * 1024
HELLOS: dict[str, bytes] = {}
TLS: list[Tls] = ["terminate", "pass"]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StreamStage]:
    async with stream_stage(tmp_path, 64) as made:
        yield made


def hello_for(name: str) -> bytes:
    """The first bytes of a client of TLS; the same ones each time."""
    if name not in HELLOS:
        context = ssl.create_default_context()
        outgoing = ssl.MemoryBIO()
        with pytest.raises(ssl.SSLWantReadError):
            context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
        HELLOS[name] = outgoing.read()
    return HELLOS[name]


async def say_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *parts: bytes) -> bytes:
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.01)
    return await reader.readexactly(1)


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes) -> bytes:
    writer.write(words)
    return await reader.readexactly(len(words))


@pytest.mark.parametrize("name", ["localhost", "db.localhost", "127.0.0.1"])
async def test_tls_ends_at_the_port_and_the_upstream_sees_plain_bytes(stage: StreamStage, name: str) -> None:
    async with stage.behind(echo) as port, secure_visit(port, stage.client(), name) as (reader, writer):
        assert await say(reader, writer, b"PING\r\n") == b"PING\r\n"
        assert stage.routes["db"].active == stage.routes["db"].visits == 1
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.kind, exchange.route, exchange.ending) == ("tcp", "db", COMPLETE)
    assert (exchange.request_bytes, exchange.response_bytes) == (6, 6)
    assert b"".join(exchange.request_body) == b"".join(exchange.response_body) == b"PING\r\n"


async def test_names_choose_between_upstreams_that_speak_tls_themselves(stage: StreamStage) -> None:
    def greeter(name: str) -> Serve:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(name.encode())

        return greet

    names = ("mail", "web")
    async with contextlib.AsyncExitStack() as stack:
        port = ANY
        for name in names:
            server = await stack.enter_async_context(secure_upstream(greeter(name), stage.server(name)))
            port = await stage.route(server, name, "pass", listen=port)
        for name in names:
            async with secure_visit(port, stage.client(), f"{name}.localhost") as (reader, _):
                assert await reader.read() == name.encode()
        for unknown in ("db.localhost", "mail.example.com", "localhost"):
            with pytest.raises(ssl.SSLError, match=r"UNRECOGNIZED_NAME|unrecognized name"):
                await asyncio.open_connection(port.host, port.port, ssl=stage.client(), server_hostname=unknown)
        await stage.tap.wait(ended=5)
        assert [exchange.route for exchange in stage.tap.ended] == ["mail", "web", "", "", ""]
        assert stage.tap.ended[2].why == "no route on this port is called db.localhost"
        stage.relay.close("mail")
        async with secure_visit(port, stage.client(), "web.localhost") as (reader, _):
            assert await reader.read() == b"web"


@pytest.mark.parametrize("tls", TLS)
async def test_megabytes_go_both_ways_at_once(stage: StreamStage, tls: Tls) -> None:
    sent = random.Random(4).randbytes(32 * MIB)
    async with secure_upstream(echo, stage.server("db") if tls == "pass" else None) as server:
        port = await stage.route(server, tls=tls)
        async with secure_visit(port, stage.client(), "db.localhost") as (reader, writer):
            writer.write(sent)
            assert await reader.readexactly(len(sent)) == sent
    exchange = await stage.tap.wait(ended=1)
    assert exchange.request_bytes >= len(sent) <= exchange.response_bytes


async def test_what_an_upstream_says_before_its_end_arrives_whole(stage: StreamStage) -> None:
    """The client is still talking: closing at once would reset the connection, and lose what is on its way."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(bytes(8 * MIB))
        writer.write_eof()
        await reader.read()

    def listen(port: Endpoint) -> int:
        """Blocking: asyncio's own side of TLS forgets what it has paused when the end comes."""
        plain = socket.create_connection((port.host, port.port))
        with stage.client().wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(b"x")
            got = len(client.recv(MIB))
            client.sendall(b"x" * 1000)
            while more := client.recv(MIB):
                got += len(more)
        return got

    async with stage.behind(talk) as port:
        assert await asyncio.to_thread(listen, port) == 8 * MIB
    assert (await stage.tap.wait(ended=1)).response_bytes == 8 * MIB


async def test_half_close_passes_where_tls_is_passed_on(stage: StreamStage) -> None:
    """To the relay it is bytes: a client that says its end still gets an answer, and the other way round."""
    ends: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(await reader.read())
        writer.write(bytes(4 * MIB))
        await writer.drain()
        writer.write(b"end")

    async with stage.behind(answer, tls="pass") as port, visit(port) as (reader, writer):
        writer.write(hello_for("db.localhost"))
        writer.write_eof()  # of the test's own connection
        got = await reader.read()
        assert len(got) == 4 * MIB + 3
        assert got.endswith(b"end")
    assert ends == [hello_for("db.localhost")]
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.scheme) == (COMPLETE, "")


@pytest.mark.parametrize("tls", TLS)
async def test_a_reset_of_one_side_resets_the_other(stage: StreamStage, tls: Tls) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        reset(writer)

    async with stage.behind(break_off, tls=tls) as port:
        if tls == "terminate":
            async with secure_visit(port, stage.client()) as (reader, writer):
                writer.write(b"x")
                with pytest.raises(ConnectionResetError):
                    await reader.read()
        else:
            async with visit(port) as (reader, writer):
                writer.write(hello_for("db.localhost"))
                with pytest.raises(ConnectionResetError):
                    await reader.read()
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.why) == (UPSTREAM_GONE, "the upstream reset the connection")


async def test_a_client_that_resets_is_told_to_the_upstream(stage: StreamStage) -> None:
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
            heard.set_result("end")
        except ConnectionResetError:
            heard.set_result("reset")

    async with stage.behind(listen) as port, secure_visit(port, stage.client()) as (_, writer):
        writer.write(b"x")
        await stage.tap.wait(begun=1)
        while not stage.tap.begun[0].request_bytes:
            await asyncio.sleep(0)
        reset(writer)
        assert await heard == "reset"
    assert (await stage.tap.wait(ended=1)).ending == CLIENT_GONE


async def test_upstreams_that_speak_first_or_hang_up_at_once(stage: StreamStage) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello")

    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with stage.behind(greet, "mail") as mail, stage.behind(leave, "rude") as rude:
        for _ in range(20):
            async with secure_visit(mail, stage.client()) as (reader, _writer):
                assert await reader.read() == b"220 hello"
            async with secure_visit(rude, stage.client()) as (reader, _writer):
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
    await stage.tap.wait(ended=40)


async def test_nobody_listens_behind_it(stage: StreamStage) -> None:
    async with upstream(echo) as gone:
        pass
    port = await stage.route(gone)
    with pytest.raises((ConnectionResetError, ssl.SSLError)):
        async with secure_visit(port, stage.client()) as (reader, _):
            await reader.readexactly(1)
    exchange = await stage.tap.wait(ended=1)
    assert exchange.ending == UNREACHABLE
    assert exchange.why.startswith("nobody answers: ")


async def test_clients_show_a_certificate_where_they_must(stage: StreamStage, tmp_path: Path) -> None:
    own, other = client_certificates(tmp_path)
    async with upstream(echo) as server:
        port = await stage.route(server, client_ca=str(own.ca))
        context = stage.client()
        context.load_cert_chain(own.certificate, own.key)
        async with secure_visit(port, context) as (reader, writer):
            assert await say(reader, writer, b"hello") == b"hello"
        stranger = stage.client()
        stranger.load_cert_chain(other.certificate, other.key)
        for refused, alert in ((stage.client(), "CERTIFICATE_REQUIRED"), (stranger, "UNKNOWN_CA|DECRYPT_ERROR")):
            async with secure_visit(port, refused) as (reader, writer):
                writer.write(b"hello")
                with pytest.raises(ssl.SSLError, match=alert):
                    await reader.readexactly(1)
        own.ca.write_bytes(other.ca.read_bytes())  # who may come in is read anew
        async with secure_visit(port, stranger) as (reader, writer):
            assert await say(reader, writer, b"hello") == b"hello"
        await stage.tap.wait(ended=4)
    assert [exchange.ending for exchange in stage.tap.ended] == [COMPLETE, REFUSED, REFUSED, COMPLETE]
    assert stage.tap.ended[1].why == "the TLS handshake failed: peer did not return a certificate"
    assert stage.routes["db"].visits == 2


async def test_alpn_is_agreed_to_only_where_there_is_no_choice(stage: StreamStage) -> None:
    async with stage.behind(echo) as port:
        for offered, agreed in ((["postgresql"], "postgresql"), (["h2", "http/1.1"], None), (["h2"], None), ([], None)):
            context = stage.client()
            if offered:
                context.set_alpn_protocols(offered)
            async with secure_visit(port, context) as (_, writer):
                assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == agreed


async def test_postgresql_clients_ask_first(stage: StreamStage) -> None:
    async with stage.behind(echo) as port, visit(port) as (reader, writer):
        assert await say_only(reader, writer, SSL_REQUEST[:3], SSL_REQUEST[3:]) == b"S"
        await writer.start_tls(stage.client(), server_hostname="db.localhost")
        assert await say(reader, writer, b"startup") == b"startup"


async def test_visitors_that_speak_no_tls_hear_so(stage: StreamStage) -> None:
    async with stage.behind(echo) as port:
        dice = random.Random(62900)
        for garbage in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x00\x05hello",
            *(dice.randbytes(40) for _ in range(50)),
        ):
            async with visit(port) as (reader, writer):
                writer.write(garbage)
                writer.write_eof()
                assert await reader.read() in (HANDSHAKE_FAILURE, b"")
    await stage.tap.wait(ended=52)
    assert {exchange.ending for exchange in stage.tap.ended} <= {REFUSED, CLIENT_GONE}
    assert stage.routes["db"].visits == 0


async def test_whoever_only_looks_is_no_visit(stage: StreamStage) -> None:
    async with stage.behind(echo) as port, visit(port):
        pass
    assert stage.tap.begun == []


async def test_slow_handshakes_end(stage: StreamStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_link, "HANDSHAKE_S", 0.1)
    async with stage.behind(echo) as port:
        for beginning in (hello_for("db.localhost")[:100], hello_for("db.localhost"), b""):
            async with visit(port) as (reader, writer):
                writer.write(beginning)
                with contextlib.suppress(ConnectionResetError):
                    assert not (await reader.read())[4000:]
    await stage.tap.wait(ended=2)
    assert [exchange.why for exchange in stage.tap.ended] == ["the client did not begin TLS within 0 s"] * 2


@pytest.mark.parametrize("tls", TLS)
async def test_who_may_not_come_in_hears_so(stage: StreamStage, tls: Tls) -> None:
    asked: list[object] = []

    def refuse(client: object, server: object) -> str:
        asked.append((client, server))
        return "It is Bob's."

    async with upstream(echo) as server:
        port = await stage.route(server, tls=tls, why_not=refuse)
        async with visit(port) as (reader, writer):
            own = writer.get_extra_info("sockname")
            writer.write(hello_for("db.localhost"))
            assert await reader.read() == ACCESS_DENIED
    assert asked == [(own, (port.host, port.port))]
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.why) == (REFUSED, "It is Bob's.")


async def test_a_client_that_stops_reading_stops_the_upstream(stage: StreamStage) -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with stage.behind(pour) as port, secure_visit(port, stage.client()) as (reader, writer):
        await reader.readexactly(1)
        before = -1
        while before != sent:  # until nothing moves any more
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 64 * MIB
        assert stage.tap.begun[0].response_bytes <= sent + 65536
        writer.transport.abort()


async def test_two_hundred_at_once(stage: StreamStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them let TLS end at the port, half bring it along; and they leave in every way."""
    # Clients, door and upstreams are one thread here: on a busy machine they take more than the limit together.
    monkeypatch.setattr("homeport.gateway.stream_link.HANDSHAKE_S", 50.0)
    async with stage.behind(echo) as port, secure_upstream(echo, stage.server("web")) as secure:
        passing = await stage.route(secure, "web", "pass")
        context = stage.client()

        async def one(number: int) -> None:
            where, name = (passing, "web.localhost") if number % 2 else (port, "db.localhost")
            async with secure_visit(where, context, name) as (reader, writer):
                assert await say(reader, writer, bytes(20_000)) == bytes(20_000)
                if number % 3 == 0:
                    writer.transport.abort()

        await asyncio.gather(*map(one, range(200)))
    await stage.tap.wait(ended=200)
    assert stage.routes["db"].visits + stage.routes["web"].visits == 200


async def test_routes_come_and_go_while_they_are_used(stage: StreamStage) -> None:
    async with stage.behind(echo) as port, secure_visit(port, stage.client()) as (reader, writer):
        assert await say(reader, writer, b"x") == b"x"
        with pytest.raises(HomeportError, match="already there"):
            await stage.route(port, "db")
        stage.relay.close("db")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        again = await stage.route(port, "db", listen=port)
        assert again == port
    assert (await stage.tap.wait(ended=1)).why == "the route was removed"


async def test_a_port_that_is_taken_is_not_shared_with_strangers(stage: StreamStage) -> None:
    async with upstream(echo) as stranger:
        with pytest.raises(HomeportError, match="is taken"):
            await stage.route(ANY, listen=stranger)
    with pytest.raises(HomeportError, match="not on a Unix socket"):
        await stage.route(ANY, listen=Endpoint(path="/tmp/x.sock"))


class Rot13(Flow):
    """A filter that holds the first bytes back until there are three."""

    __slots__ = ("held",)

    def __init__(self, source: Side, sink: Side) -> None:
        super().__init__(source, sink)
        self.held = b""

    def feed(self, data: bytes) -> None:
        self.held += data
        if len(self.held) >= 3:
            self.sink.write(bytes((byte - 84) % 26 + 97 for byte in self.held))
            self.held = b""


async def test_a_filter_stands_between_the_sides(stage: StreamStage) -> None:
    async with upstream(echo) as server:
        port = await stage.route(server, make_flow=Rot13)
        async with secure_visit(port, stage.client()) as (reader, writer):
            writer.write(b"a")
            writer.write(b"bc")
            assert await reader.readexactly(3) == b"abc"
