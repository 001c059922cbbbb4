"""The echo server over real sockets: raw bytes, datagrams, requests and WebSockets, alone and on one port."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import InvalidStatus

from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.play.bind import bind_echo
from tests.play.conftest import LIMIT_S, dialled, echoing, exchanged

REQUEST = b"GET /a?b=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def body_of(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


async def test_bytes_come_back_in_both_families() -> None:
    async with echoing() as stage:
        assert {place.host for place in stage.places} == {"127.0.0.1", "::1"}
        assert len({place.port for place in stage.places}) == 1
        for place in stage.places:
            assert await exchanged(place, b"hello world\n\x00\xff") == b"hello world\n\x00\xff"


async def test_more_than_any_buffer_comes_back_whole() -> None:
    data = os.urandom(3 << 20)
    async with echoing("tcp") as stage:
        reader, writer = await dialled(stage.place)

        async def send() -> None:
            writer.write(data)
            await writer.drain()
            writer.write_eof()

        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(send())
            answer = await reader.read()
        writer.close()
        assert answer == data
        await stage.until(lambda: stage.echo.out_bytes == len(data))
    assert stage.echo.in_bytes == len(data)


async def test_half_a_line_is_echoed_without_waiting_for_the_rest() -> None:
    async with echoing() as stage:
        reader, writer = await dialled(stage.place)
        writer.write(b"PING")
        async with asyncio.timeout(LIMIT_S):
            assert await reader.readexactly(4) == b"PING"
        writer.write(b"GET / HTTP/1.1\r\n")  # decided already
        async with asyncio.timeout(LIMIT_S):
            assert await reader.readline() == b"GET / HTTP/1.1\r\n"
        writer.close()


async def test_a_request_that_comes_byte_by_byte_is_a_request() -> None:
    async with echoing() as stage:
        reader, writer = await dialled(stage.place)
        for at in range(len(REQUEST)):
            writer.write(REQUEST[at : at + 1])
            await writer.drain()
        async with asyncio.timeout(LIMIT_S):
            assert body_of(await reader.read())["query"] == {"b": "1"}
        writer.close()


async def test_with_tcp_alone_a_request_is_bytes() -> None:
    async with echoing("tcp") as stage:
        assert await exchanged(stage.place, REQUEST) == REQUEST


async def test_with_http_alone_other_bytes_are_refused() -> None:
    async with echoing("http") as stage:
        assert (await exchanged(stage.place, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_two_requests_on_one_connection_and_what_was_told() -> None:
    first = b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b"
    async with echoing() as stage:
        answer = await exchanged(stage.place, first + REQUEST)
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert b'"body": "a=b"' in answer
        await stage.until(lambda: stage.told[-1].event == "close")
    assert [event.event for event in stage.told] == ["open", "in", "out", "in", "out", "close"]
    assert stage.told[1].said == "POST /form, 3 bytes"
    assert stage.told[2].ms is not None


async def test_a_chunked_body_of_which_the_client_asks_whether_it_may_send_it() -> None:
    async with echoing("http") as stage:
        reader, writer = await dialled(stage.place)
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        async with asyncio.timeout(LIMIT_S):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")
        writer.write_eof()
        async with asyncio.timeout(LIMIT_S):
            assert body_of(await reader.read())["body"] == "hello!"
        writer.close()


async def test_bytes_streams_and_heads() -> None:
    async with echoing() as stage:
        many = await exchanged(stage.place, REQUEST.replace(b"/a?b=1", b"/bytes/100000"))
        assert len(many.partition(b"\r\n\r\n")[2]) == 100_000
        lines = await exchanged(stage.place, REQUEST.replace(b"/a?b=1", b"/stream/2"))
        assert b"Transfer-Encoding: chunked" in lines
        assert lines.endswith(b"0\r\n\r\n")
        head = await exchanged(stage.place, REQUEST.replace(b"GET", b"HEAD"))
        assert head.endswith(b"\r\n\r\n")
        assert b"Content-Length: 0" not in head


async def test_websocket_text_binary_ping_and_close() -> None:
    async with echoing() as stage:
        async with open_websocket(f"ws://{stage.place}/chat") as websocket:
            for message in ("héllo", b"\x00\xff", "x" * 100_000, ""):
                await websocket.send(message)
                assert await websocket.recv() == message
            await asyncio.wait_for(await websocket.ping(b"here"), LIMIT_S)
            await websocket.send(["in ", "three ", "frames"])
            assert await websocket.recv() == "in three frames"
            await websocket.close(4001, "bye")
        await stage.until(lambda: stage.told[-1].event == "close")
    told = [(event.event, event.kind) for event in stage.told]
    assert ("in", "ping") in told
    assert ("out", "pong") in told
    assert any(event.kind == "close" and "4001" in event.said and "bye" in event.said for event in stage.told)


async def test_a_frame_that_is_none_ends_the_websocket_with_1002() -> None:
    async with echoing() as stage:
        reader, writer = await dialled(stage.place)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        async with asyncio.timeout(LIMIT_S):
            assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"\xff\x00garbage")
            assert (await reader.read())[2:4] == b"\x03\xea"
        writer.close()
        await stage.until(lambda: stage.told[-1].event == "close")
    assert any(event.kind == "close" and "1002" in event.said for event in stage.told)


async def test_tls_is_told_by_its_name() -> None:
    async with echoing() as stage:
        assert await exchanged(stage.place, b"\x16\x03\x01\x02\x00") == b""
        await stage.until(lambda: stage.told[-1].event == "close")
    assert "TLS" in stage.told[1].said


async def test_with_ws_alone_a_request_is_told_to_upgrade() -> None:
    async with echoing("ws") as stage:
        assert (await exchanged(stage.place, REQUEST)).startswith(b"HTTP/1.1 426 ")
    async with echoing("http") as stage:
        with pytest.raises(InvalidStatus):
            await open_websocket(f"ws://{stage.place}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_datagrams(host: str) -> None:
    async with echoing() as stage:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((host, stage.place.port))
            loop = asyncio.get_running_loop()
            for data in (b"x", b"", os.urandom(9000)):
                client.send(data)
                assert await asyncio.wait_for(loop.sock_recv(client, 65536), LIMIT_S) == data
    assert stage.echo.datagrams == 3


async def test_a_unix_socket_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "echo.sock"
    async with echoing(path=path) as stage:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await exchanged(stage.place, b"hi\n") == b"hi\n"
        with pytest.raises(OSError, match="in use"):
            bind_echo(Endpoint(path=str(path)), streams=True, datagrams=False)


async def test_a_socket_file_without_a_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    async with echoing(path=path) as stage:
        assert await exchanged(stage.place, b"hi\n") == b"hi\n"


def test_beyond_loopback_only_when_said() -> None:
    with pytest.raises(HomeportError, match="other computers"):
        bind_echo(Endpoint("0.0.0.0", 0), streams=True, datagrams=True)
    bound = bind_echo(Endpoint("0.0.0.0", 0), streams=True, datagrams=True, exposed=True)
    assert {place.host for place in bound.endpoints} == {"0.0.0.0"}
    bound.close()


async def test_a_client_that_breaks_off_ends_only_itself() -> None:
    async with echoing() as stage:
        reader, writer = await dialled(stage.place)
        writer.write(b"hi\n")
        await reader.readline()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # RST
        writer.transport.abort()
        await stage.until(lambda: stage.told[-1].event == "close")
        assert "broken off by the client" in stage.told[-1].said
        assert await exchanged(stage.place, b"still here\n") == b"still here\n"


async def test_a_client_that_reads_nothing_holds_nobody_up() -> None:
    async with echoing() as stage:
        _, writer = await dialled(stage.place)
        writer.write(REQUEST.replace(b"/a?b=1", b"/bytes/90000000"))
        await stage.until(lambda: len(stage.told) > 1)
        async with asyncio.timeout(LIMIT_S):
            await stage.echo.close()
        writer.transport.abort()


async def test_open_connections_end_with_the_server() -> None:
    async with echoing() as stage:
        reader, writer = await dialled(stage.place)
        writer.write(b"hi\n")
        await reader.readline()
    assert await reader.read() == b""
    writer.close()
    assert "ended with this server" in stage.told[-1].said
