"""The client's reader of HTTP: the same answer whole and byte by byte, and nothing but our error for garbage."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.control.call import Answer, ask
from homeport.control.client import Client, read_events
from homeport.model.errors import HomeportError
from homeport.model.log import LogLine


def answer(raw: bytes, step: int = 0) -> Answer:
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs:
            for at in range(0, len(raw), step or len(raw) or 1):
                theirs.sendall(raw[at : at + (step or len(raw))])

    threading.Thread(target=send).start()
    try:
        return Answer(ours)
    except BaseException:
        ours.close()
        raise


SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello"
CHUNKED = b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n"
CLOSED = b"HTTP/1.0 200 OK\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [(SIZED, 200, b"hello"), (CHUNKED, 404, b"hello"), (CLOSED, 200, b"hello"), (EMPTY, 204, b"")],
)
def test_every_framing(raw: bytes, status: int, body: bytes, step: int) -> None:
    found = answer(raw, step)
    assert (found.status, found.read()) == (status, body)


@pytest.mark.parametrize("raw", [SIZED[:-1], SIZED[:20], CHUNKED[:-1], CHUNKED[:60], b"", b"SSH-2.0-OpenSSH\r\n\r\n"])
def test_what_ends_in_the_middle_is_unreachable(raw: bytes) -> None:
    with pytest.raises(HomeportError) as caught:
        answer(raw).read()
    assert caught.value.code == "engine-unreachable"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", SIZED[:-5], CHUNKED[:47]]))
def test_garbage_gives_only_our_error(garbage: bytes, start: bytes) -> None:
    try:
        found = answer(start + garbage)
    except HomeportError:
        return
    try:
        found.read()
    except HomeportError:
        pass
    finally:
        found.close()


@pytest.mark.parametrize("step", [0, 1, 7])
def test_events_are_read_however_they_arrive(step: int) -> None:
    stream = (
        b"HTTP/1.1 200 OK\r\n\r\n: homeport\n\n"
        b'event: log\ndata: {"app": "web", "at": "", "text": "a: \xe2\x98\x83"}\n\n'
        b": still here\n\nevent: of a newer engine\ndata: {}\n\n"
        b'event: log\ndata: {"app": "web", "at": "", "text": "last", "new": 1}\n\nevent: log\ndata: {"app'
    )
    events = list(read_events(answer(stream, step)))
    assert events == [LogLine(app="web", at="", text="a: ☃"), LogLine(app="web", at="", text="last")]


def test_nobody_there(tmp_path: object) -> None:
    with pytest.raises(HomeportError) as caught:
        ask(f"{tmp_path}/nobody.sock", "GET", "/", "")
    assert caught.value.code == "engine-unreachable"


def test_the_client_is_light_to_import() -> None:
    """It is on the way of every command: what it loads, every command pays for."""
    import subprocess
    import sys

    code = (
        "import sys; import homeport.control.client, homeport.control.launch; "
        "print(*{'asyncio', 'http', 'http.client', 'ssl', 'starlette', 'uvicorn', 'subprocess', 'urllib.parse', "
        "'click', 'rich', 'sqlite3', 'logging', 'pathlib'} & set(sys.modules))"
    )
    environ = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    ran = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert ran.stdout.split() == []


def test_an_answer_of_another_version_is_told_as_such() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    client = Client("/nowhere", "")
    assert client.engine.notices == []
