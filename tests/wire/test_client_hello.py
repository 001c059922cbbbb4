"""ClientHellos as real clients send them, in pieces, cut off and made up."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.wire.client_hello import LIMIT_BYTES, NEED_MORE, NOT_TLS, ClientHello, client_hello


def hello_of(name: str | None, alpn: list[str] | None = None) -> bytes:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(alpn)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def in_records(hello: bytes, size: int) -> bytes:
    """The same message in records of `size` bytes."""
    message = hello[5:]
    pieces = (message[at : at + size] for at in range(0, len(message), size))
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


WEB = hello_of("Web.localhost", ["h2", "http/1.1"])


def test_name_and_protocols() -> None:
    assert client_hello(WEB) == ClientHello(server_name="web.localhost", alpn=(b"h2", b"http/1.1"))
    assert client_hello(hello_of(None)) == ClientHello()
    assert client_hello(hello_of("127.0.0.1")) == ClientHello(), "addresses are not named"


def test_byte_by_byte() -> None:
    for end in range(len(WEB)):
        assert client_hello(WEB[:end]) == NEED_MORE
    assert client_hello(WEB + b"early data") == client_hello(WEB)


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_in_several_records(size: int) -> None:
    split = in_records(WEB, size)
    assert client_hello(split) == client_hello(WEB)
    assert all(client_hello(split[:end]) == NEED_MORE for end in range(len(split)))


@pytest.mark.parametrize(
    "data",
    [
        b"\x17\x03\x03\x00\x05hello",  # not a handshake
        b"\x16\x03\x01\x00\x05hello",  # no hello
        b"\x16\x03\x01\x00\x00",  # an empty record
        b"\x16\x03\x01\xff\xff",  # a record that is too large
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",  # a message that is too large
        WEB[:6] + (len(WEB) - 9 + 1).to_bytes(3) + WEB[9:] + b"\x17",  # then something else
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",  # too short to be one
    ],
)
def test_not_tls(data: bytes) -> None:
    assert client_hello(data) == NOT_TLS


def test_no_more_than_the_limit_is_kept() -> None:
    endless = b"".join(b"\x16\x03\x01\x00\x01" + byte.to_bytes() for byte in b"\x01\x00\xff\xf0" + bytes(LIMIT_BYTES))
    assert client_hello(endless[: LIMIT_BYTES + 1]) == NOT_TLS


@given(st.binary(max_size=300), st.integers(0, len(WEB)))
def test_garbage_gives_an_answer(noise: bytes, at: int) -> None:
    for data in (noise, WEB[:at] + noise, WEB[:at] + noise + WEB[at:]):
        answer = client_hello(data)
        assert isinstance(answer, ClientHello) or answer in (NEED_MORE, NOT_TLS)
