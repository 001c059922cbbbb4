"""Bodies of half a gigabyte through the door, in the memory of a small one, however they are framed."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from tests.failures.stage import LIMIT_S, MIB, Engine, Stage

SIZE = 512 * MIB
# 256 KiB of buffer on each side, one read of 256 KiB in between, and what the allocator makes of it.
GROWTH_BYTES = 12 * MIB


@pytest.fixture
def engine(stage: Stage) -> Iterator[Engine]:
    engine = stage.engine()
    stage.origin(engine)
    for _ in range(20):
        engine.get()
    engine.get("/make?n=2000000")
    before = engine.rss()
    engine.forget_peak()
    yield engine
    print(f"engine: {before / MIB:.1f} MiB, peak {(engine.peak() - before) / MIB:+.1f}")
    assert engine.peak() - before < GROWTH_BYTES


def pieces(size: int) -> Iterator[bytes]:
    piece = bytes(range(256)) * 1024
    for _ in range(size // len(piece)):
        yield piece


@pytest.mark.parametrize("framing", ["", "&chunked"], ids=["length", "chunked"])
def test_download(engine: Engine, framing: str) -> None:
    door = http.client.HTTPConnection(engine.host, engine.port, timeout=LIMIT_S)
    door.request("GET", f"/make?n={SIZE}{framing}", headers={"Host": "web.localhost"})
    answer = door.getresponse()
    count, buffer = 0, bytearray(MIB)
    while size := answer.readinto(buffer):
        count += size
    door.close()
    assert count == SIZE
    [seen] = engine.client.traffic.list("size:>1mb path:/make*", limit=1)
    assert seen.response_bytes >= SIZE, "the size is what passed, not what was kept"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_upload(engine: Engine, chunked: bool) -> None:
    door = http.client.HTTPConnection(engine.host, engine.port, timeout=LIMIT_S)
    fields = {"Host": "web.localhost", **({} if chunked else {"Content-Length": str(SIZE)})}
    door.request("POST", "/take", pieces(SIZE), fields, encode_chunked=chunked)
    assert door.getresponse().read() == str(SIZE).encode()
    door.close()


def test_an_upstream_that_does_not_read(engine: Engine) -> None:
    """The client is held back; nothing piles up in between."""
    with engine.connect() as client:
        client.settimeout(1.0)
        client.sendall(
            f"POST /take?slow HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: {64 * MIB}\r\n\r\n".encode()
        )
        sent, piece = 0, bytes(256 * 1024)
        try:
            while sent < 64 * MIB:
                sent += client.send(piece)
        except TimeoutError:
            pass
        assert sent < 64 * MIB, "somebody took all of it"
        engine.get("/go")
        client.settimeout(LIMIT_S)
        while sent < 64 * MIB:
            sent += client.send(piece[: 64 * MIB - sent])
        assert client.recv(65536).endswith(str(64 * MIB).encode())
