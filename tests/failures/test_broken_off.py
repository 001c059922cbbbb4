"""Somebody vanishes in the middle: the other side hears of it, the recording says who it was, and nothing is kept."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from tests.failures.stage import MIB, Engine, Stage, request, reset, runs, until

WEBSOCKETS = """
import asyncio, os
from websockets.asyncio.server import serve

async def echo(connection):
    async for message in connection:
        await connection.send(f"{os.getpid()} {message}")

async def main():
    async with serve(echo, "127.0.0.1", int(os.environ["PORT"])) as server:
        await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture
def engine(stage: Stage) -> Iterator[Engine]:
    with stage.probed() as engine:
        stage.origin(engine)
        engine.get()
        yield engine
        until(lambda: (now := engine.inside())["Visit"] == now["Inbound"] == 0, "visits were left")


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_client_leaves_in_the_middle_of_its_upload(engine: Engine, how: str) -> None:
    client = engine.connect()
    client.sendall(request("/take", "POST", f"Content-Length: {4 * MIB}\r\n") + bytes(MIB))
    until(lambda: engine.seen().get("taken") == MIB)
    client.close() if how == "fin" else reset(client)
    until(lambda: engine.seen()["broken"] == 1, "the app still waits for the rest")
    until(lambda: engine.endings("path:/take") == [CLIENT_GONE])


@pytest.mark.parametrize("how", ["fin", "reset", "fin while it waits"])
def test_client_leaves_in_the_middle_of_its_download(engine: Engine, how: str) -> None:
    client = engine.connect()
    path = f"/make?n={200 * MIB}" + ("&hang=1000" if "waits" in how else "")
    client.sendall(request(path))
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < 1000:
        received += client.recv(1000)
    # The one that waits has read all there was, so closing sends FIN: the client might only have said that it is done
    # asking.
    client.close() if how != "reset" else reset(client)
    until(lambda: engine.seen().get("broken") == 1, "the app still sends")
    until(lambda: engine.endings("path:/make*") == [CLIENT_GONE])


def test_client_that_has_only_said_all_it_wants_gets_its_answer(engine: Engine) -> None:
    with engine.connect() as client:
        client.sendall(request("/take?slow", "POST", "Content-Length: 3\r\n") + b"abc")
        client.shutdown(1)
        time.sleep(2.5)  # longer than the door's looks for clients that are gone
        engine.get("/go")
        assert client.recv(65536).endswith(b"3")
    until(lambda: engine.endings("path:/take*") == [COMPLETE])


@pytest.mark.parametrize("framing", ["", "&chunked"], ids=["length", "chunked"])
def test_app_killed_in_the_middle_of_its_answer(stage: Stage, engine: Engine, framing: str) -> None:
    [state] = engine.client.apps.list()
    door = http.client.HTTPConnection(engine.host, engine.port, timeout=10)
    door.request("GET", f"/make?n={8 * MIB}&die={2 * MIB}{framing}", headers={"Host": "web.localhost"})
    with contextlib.closing(door), pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        door.getresponse().read()
    until(lambda: engine.endings("path:/make*") == [UPSTREAM_GONE])
    [seen] = engine.client.traffic.list("path:/make*")
    assert seen.why == "web closed the connection in the middle of its answer"
    assert not runs(state.pid)
    status, page = engine.get()
    assert status == 502
    assert b"web" in page
    assert b"SIGKILL" in page, "the page says that it was killed"


def test_app_killed_before_it_answers(engine: Engine) -> None:
    [state] = engine.client.apps.list()
    assert state.pid is not None
    with engine.connect() as client:
        client.sendall(request("/hang", "POST"))  # not to be asked twice
        until(lambda: engine.seen()["/hang"] == 1)
        os.kill(state.pid, signal.SIGKILL)
        assert client.recv(65536).startswith(b"HTTP/1.1 502 ")
    until(lambda: engine.endings("path:/hang") == [UPSTREAM_GONE])


def test_app_killed_while_it_is_sent_a_body(engine: Engine) -> None:
    [state] = engine.client.apps.list()
    assert state.pid is not None
    with engine.connect() as client:
        client.sendall(request("/take?slow", "POST", f"Content-Length: {MIB}\r\n") + bytes(1000))
        until(lambda: engine.seen()["/take"] == 1)
        os.kill(state.pid, signal.SIGKILL)
        assert client.recv(65536).startswith(b"HTTP/1.1 502 ")
    until(lambda: engine.endings("path:/take*") == [UPSTREAM_GONE])


def test_app_restarted_under_open_websockets(stage: Stage, engine: Engine) -> None:
    before = stage.start(engine, stage.python(WEBSOCKETS, "sockets", default=False))
    url = f"ws://{engine.host}:{engine.port}/@sockets/"
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(connect(url)) for _ in range(20)]
        for client in clients:
            client.send("hi")
            assert client.recv(10) == f"{before.pid} hi"
        engine.client.apps.restart("sockets")
        after = engine.client.apps.wait("sockets")
        for client in clients:
            with pytest.raises(ConnectionClosed):
                client.recv(10)
    with connect(url) as client:
        client.send("again")
        assert client.recv(10) == f"{after.pid} again"
    assert after.pid != before.pid
    until(lambda: engine.endings("kind:upgrade") == [COMPLETE] * 21)
    assert [route.active for route in engine.client.routes.list() if route.name == "sockets"] == [0]
