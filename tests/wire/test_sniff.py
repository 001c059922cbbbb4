"""What a connection speaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.wire.sniff import HTTP2_PREFACE, Speech, sniff


@pytest.mark.parametrize(
    ("data", "speech"),
    [
        (b"", Speech.NEED_MORE),
        (b"G", Speech.HTTP1),
        (b"GET / HTTP/1.1\r\n", Speech.HTTP1),
        (b"\r\n", Speech.NEED_MORE),
        (b"\r\nGET / HTTP/1.1\r\n", Speech.HTTP1),
        (b"P", Speech.NEED_MORE),
        (b"POST / HTTP/1.1", Speech.HTTP1),
        (b"PRI * HTTP/2", Speech.NEED_MORE),
        (b"PRINT /x HTTP/1.1", Speech.HTTP1),
        (HTTP2_PREFACE, Speech.HTTP2),
        (b"\x16\x03", Speech.NEED_MORE),
        (b"\x16\x03\x01\x02\x00", Speech.TLS),
        (b"\x16\x09\x01\x02\x00", Speech.RAW),
        (b"\x00\x01", Speech.RAW),
        (b"SSH-2.0-x\r\n", Speech.RAW),
        (b"x" * 40, Speech.RAW),
    ],
)
def test_speeches(data: bytes, speech: Speech) -> None:
    assert sniff(data) is speech


@given(st.binary(max_size=64))
def test_every_connection_is_something(data: bytes) -> None:
    assert isinstance(sniff(data), Speech)
