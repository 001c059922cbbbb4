"""Two hundred clients that take their time, and one that does not: the fast one is served, memory stays bounded, and in
the end everybody has an answer."""

from __future__ import annotations

import socket
import threading

from tests.failures.stage import LIMIT_S, MIB, Engine, Stage, request, until

HEADS, BODIES, READERS = 70, 70, 60
ANSWER_BYTES = 8 * MIB  # of each slow reader; the kernel alone takes up to 4 MiB of it
BODY_BYTES = 4096
# Of each reader: what the engine has read and the kernel does not take (256 KiB until it stops reading, and one read
# more), beside the first 64 KiB of the body, kept for the recording. Without bounds it would be 240 MiB.
READER_BYTES = 768 * 1024
REST_BYTES = 16 * MIB


class Slow:
    """One client: a byte at a time, or a kilobyte of its answer, until it is told to hurry."""

    def __init__(self, engine: Engine, to_send: bytes, *, at_once: int, ending: bytes) -> None:
        self._to_send, self._sent, self._ending = to_send, at_once, ending
        self._answer = bytearray()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect((engine.host, engine.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.send(to_send[:at_once])

    def step(self) -> None:
        if self._sent < len(self._to_send):
            self._sent += self.socket.send(self._to_send[self._sent : self._sent + 1])
            return
        try:
            self._answer += self.socket.recv(1024, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def finish(self) -> None:
        self.socket.settimeout(LIMIT_S)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        self.socket.sendall(self._to_send[self._sent :])
        while data := self.socket.recv(MIB):
            self._answer += data
        self.socket.close()
        head, _, body = bytes(self._answer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert len(body) == ANSWER_BYTES if not self._ending else body == self._ending


def slow_clients(engine: Engine) -> list[Slow]:
    last = "Connection: close\r\n"
    head = request("/hello", fields=f"X-Long: {'x' * 2000}\r\n{last}")
    body = request("/take", "POST", f"Content-Length: {BODY_BYTES}\r\n{last}")
    read = request(f"/make?n={ANSWER_BYTES}", fields=last)
    return [
        *(Slow(engine, head, at_once=1, ending=b"hello") for _ in range(HEADS)),
        *(Slow(engine, body + bytes(BODY_BYTES), at_once=len(body), ending=b"4096") for _ in range(BODIES)),
        *(Slow(engine, read, at_once=len(read), ending=b"") for _ in range(READERS)),
    ]


def test_a_fast_client_among_two_hundred_slow_ones(stage: Stage) -> None:
    engine = stage.engine()
    stage.origin(engine)
    for _ in range(20):
        engine.get()
    before = engine.rss()
    engine.forget_peak()
    clients = slow_clients(engine)
    is_enough = threading.Event()

    def drip() -> None:
        while not is_enough.wait(0.05):
            for client in clients:
                client.step()

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        for number in range(500):
            assert engine.get(f"/hello?fast={number}") == (200, b"hello")
        until(lambda: engine.seen()["under way"] >= BODIES)
    finally:
        is_enough.set()
        dripping.join()
    peak = engine.peak() - before
    for client in clients:
        client.finish()
    print(f"engine: {before / MIB:.0f} MiB, with 200 slow clients at most +{peak / MIB:.1f} MiB")
    assert peak < READERS * READER_BYTES + REST_BYTES
    assert engine.seen()["under way"] == 0
