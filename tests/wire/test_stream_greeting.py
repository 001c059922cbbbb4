"""What clients of TLS ports say first: PostgreSQL's questions whole and byte by byte, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.wire.client_hello import client_hello
from homeport.wire.stream_greeting import GSS_REQUEST, SSL_REQUEST, agreed_alpn, read_greeting


@pytest.mark.parametrize(("request_bytes", "answer"), [(SSL_REQUEST, b"S"), (GSS_REQUEST, b"N")])
def test_postgresql_asks_and_is_answered_once_it_has_asked(request_bytes: bytes, answer: bytes) -> None:
    for end in range(len(request_bytes)):
        assert read_greeting(request_bytes[:end]) == ("need more", b"", request_bytes[:end])
    assert read_greeting(request_bytes) == ("need more", answer, b"")
    # What is sent before the answer belongs to TLS.
    assert read_greeting(request_bytes + b"\x16") == ("need more", answer, b"\x16")


def test_other_questions_of_postgresql_are_not_tls() -> None:
    cancel = bytes.fromhex("00000010 04d2162e 00000001 00000002")
    assert read_greeting(cancel)[0] == "not TLS"


@given(st.binary(max_size=60))
def test_anything_else_is_the_hello_s_affair(data: bytes) -> None:
    hello, answer, rest = read_greeting(data)
    if not data.startswith(b"\0"):
        assert (hello, answer, rest) == (client_hello(data), b"", data)


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ((b"postgresql",), ("postgresql",)),
        ((b"http/1.1",), ("http/1.1",)),
        ((b"h2", b"http/1.1"), ()),
        ((b"h2",), ()),
        ((b"\xff",), ()),
        ((), ()),
    ],
)
def test_alpn(offered: tuple[bytes, ...], agreed: tuple[str, ...]) -> None:
    assert agreed_alpn(offered) == agreed
