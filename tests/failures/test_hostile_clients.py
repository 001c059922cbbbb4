"""Bytes that no client should send: nothing of them is left in the engine, and others are served as before."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.failures.stage import MIB, Engine, Stage, read_answer, request, reset, until

MARKS = (
    b"GET / HTTP/1.1\r\n",
    b"Host: web.localhost\r\n",
    b"\r\n\r\n",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked",
)


@pytest.fixture
def engine(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """With a look at its tasks, visits and connections before, which must be the same afterwards."""
    monkeypatch.setenv("PROBE_HEAD_S", "1")
    with stage.probed() as engine:
        stage.origin(engine)
        for _ in range(20):
            assert engine.get()[0] == 200
        settled = engine.inside() | {"Inbound": 0, "Outbound": 0, "Visit": 0}
        until(lambda: engine.inside() == settled, f"never at rest: {engine.inside()}")
        descriptors, before = engine.descriptors(), engine.rss()
        engine.forget_peak()
        yield engine
        assert engine.get() == (200, b"hello")
        until(lambda: engine.inside() == settled, "tasks, visits or connections were left")
        until(lambda: engine.descriptors() <= descriptors, "descriptors were left")
        grown, peak = engine.rss() - before, engine.peak() - before
        print(f"engine: {grown / MIB:+.1f} MiB afterwards, {peak / MIB:+.1f} at most; {engine.inside()}")
        assert grown < 16 * MIB
        assert peak < 48 * MIB


def send(engine: Engine, data: bytes, *, hard: bool = False, half: bool = False) -> bytes:
    """Send, read until the door closes or answers, and leave politely, with FIN first, or with RST."""
    with contextlib.closing(engine.connect()) as client:
        answer = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            client.sendall(data)
            if half:
                client.shutdown(socket.SHUT_WR)
            client.settimeout(0.005 if not half else 10)
            with contextlib.suppress(TimeoutError):
                answer = client.recv(65536)
        if hard:
            reset(client)
    return answer


def garbage(chance: random.Random) -> bytes:
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(1, 5000))
    parts = [
        chance.choice(MARKS) if chance.random() < 0.7 else chance.randbytes(chance.randrange(40)) for _ in range(8)
    ]
    return b"".join(parts)


def test_a_thousand_random_byte_strings(engine: Engine) -> None:
    chance = random.Random(20)
    for _ in range(1000):
        data = garbage(chance)
        answer = send(engine, data, hard=chance.random() < 0.3, half=chance.random() < 0.5)
        assert answer == b"" or answer.startswith((b"HTTP/1.", b"\x15\x03")), (data, answer)


def test_heads_cut_at_every_byte(engine: Engine) -> None:
    head = request("/take", "POST", "Content-Length: 3\r\nX: y\r\n") + b"abc"
    for size in range(len(head)):
        send(engine, head[:size], hard=size % 2 == 0, half=size % 3 == 0)


def test_heads_that_never_end_are_given_up(engine: Engine) -> None:
    """A hundred clients that stop in the middle of a head and stay. (The engine of this test waits 1 s, not 30.)"""
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(engine.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: web.loc")
        assert engine.get()[0] == 200
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 408 ")


BOMBS: dict[str, tuple[Callable[[], bytes], bytes]] = {
    "target of a megabyte": (lambda: b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nHost: web.localhost\r\n\r\n", b"4"),
    "field of a megabyte": (lambda: request("/", fields=f"X: {'a' * MIB}\r\n"), b"431"),
    "a megabyte without a newline": (lambda: b"G" * MIB, b"400"),
    "ten thousand fields": (lambda: request("/", fields="".join(f"X-{n}: {n}\r\n" for n in range(10000))), b"431"),
    "ten thousand empty lines": (lambda: b"\r\n" * 500_000, b""),
    "endless chunk size": (lambda: chunked(b"0" * MIB), b"400"),
    "chunk of 2^80 bytes": (lambda: chunked(b"1" + b"0" * 20 + b"\r\n" + b"x" * 1000), b"400"),
    "chunk extension of a megabyte": (lambda: chunked(b"1;" + b"x" * MIB), b"400"),
    "a megabyte of one-byte chunks": (lambda: chunked(b"1\r\nx\r\n" * 170_000 + b"0\r\n\r\n"), b"200"),
    "trailers of a megabyte": (lambda: chunked(b"0\r\n" + b"X: y\r\n" * 170_000), b""),
    "negative chunk": (lambda: chunked(b"-1\r\n\r\n"), b"400"),
    "lengths that differ": (
        lambda: request("/", "POST", "Content-Length: 3\r\nContent-Length: 4\r\n") + b"abcd",
        b"400",
    ),
    "length and chunked": (
        lambda: request("/take", "POST", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
        b"400",
    ),
    "fifty thousand pipelined requests": (lambda: request("/hello") * 50_000, b"200"),
}


def chunked(body: bytes) -> bytes:
    return request("/take", "POST", "Transfer-Encoding: chunked\r\n") + body


def test_bombs(engine: Engine) -> None:
    for name, (make, status) in BOMBS.items():
        data = make()
        engine.forget_peak()
        before = engine.rss()
        for _ in range(5):
            answer = throw(engine, data, patience_s=10 if status else 0.3)
            assert answer.startswith(b"HTTP/1.1 " + status) or not status, (name, answer[:200])
        until(lambda: engine.inside()["Visit"] == 0, f"{name}: visits were left")
        print(f"{name}: {status.decode() or 'no answer'}, {(engine.peak() - before) / MIB:+.1f} MiB")
        assert engine.peak() - before < 24 * MIB, name
        assert engine.get() == (200, b"hello"), name


def throw(engine: Engine, data: bytes, patience_s: float) -> bytes:
    """As much of it as the door takes, then whatever it answers."""
    with engine.connect() as client:
        client.settimeout(patience_s)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError, TimeoutError):
            client.sendall(data)
        with contextlib.suppress(ConnectionResetError, TimeoutError):
            return client.recv(65536)
        return b""


def test_requests_of_others_go_on_meanwhile(engine: Engine) -> None:
    chance = random.Random(21)
    with engine.connect() as good:
        for _ in range(200):
            send(engine, garbage(chance), hard=True)
            good.sendall(request("/hello"))
            assert read_answer(good) == (200, b"hello")
