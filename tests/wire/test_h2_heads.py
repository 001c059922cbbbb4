"""From the fields of HTTP/2 to heads of HTTP/1.1 and back: what is refused, and that nothing slips in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.wire.h2_heads import answer_fields, asked_for_tunnel, is_success, request_head, switch_head, trailer_lines
from homeport.wire.http1 import BadMessage, parse_request_head, parse_response_head

GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"localhost:1"), (b":path", b"/a?b")]
FIRST = b"GET /a?b HTTP/1.1\r\nHost: localhost:1\r\n"


def test_a_request_as_a_browser_would_have_written_it() -> None:
    asked = [*GET, (b"cookie", b"a=1"), (b"accept", b"*/*"), (b"cookie", b"b=2"), (b"sec-ch-ua", b'"x"')]
    raw = request_head(asked, has_body=False)
    assert raw == FIRST + b'Accept: */*\r\nSec-Ch-Ua: "x"\r\nCookie: a=1; b=2\r\n\r\n'


@pytest.mark.parametrize(
    ("method", "extra", "has_body", "line"),
    [
        (b"POST", [], True, b"\r\nTransfer-Encoding: chunked\r\n"),
        (b"POST", [], False, b"\r\nContent-Length: 0\r\n"),
        (b"POST", [(b"content-length", b"5")], True, b"\r\nContent-Length: 5\r\n"),
        (b"GET", [], True, b"\r\nTransfer-Encoding: chunked\r\n"),
    ],
)
def test_the_framing_of_bodies(method: bytes, extra: list[tuple[bytes, bytes]], has_body: bool, line: bytes) -> None:
    raw = request_head([(b":method", method), *GET[1:], *extra], has_body=has_body)
    assert line in raw
    assert raw.count(b"Content-Length") + raw.count(b"Transfer-Encoding") == 1


def test_a_websocket() -> None:
    asked = [(b":method", b"CONNECT"), (b":protocol", b"websocket"), *GET[1:], (b"sec-websocket-version", b"13")]
    head = parse_request_head(request_head(asked, has_body=True, websocket_key=b"a2V5"))
    assert (head.method, head.upgrade, head.body) == (b"GET", b"websocket", 0)
    assert (b"Sec-WebSocket-Key", b"a2V5") in head.headers
    assert (b"Sec-WebSocket-Version", b"13") in head.headers


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ([*GET, (b"host", b"evil.example")], 400),
        ([*GET, (b"host", b"evil.example"), (b"host", b"localhost:1")], 400),
        ([*GET, (b"connection", b"close")], 400),
        ([*GET, (b"transfer-encoding", b"chunked")], 400),
        ([*GET, (b"x", b"a\r\nY: b")], 400),
        ([*GET, (b"x", b"a\nb")], 400),
        ([*GET[:3], (b":path", b"/ HTTP/1.1\r\nX: y")], 400),
        ([*GET[:3], (b":path", b"http://evil.example/")], 400),
        ([*GET[:3], (b":path", b"")], 400),
        ([(b":method", b"GET /x HTTP/1.1\r\nX: y\r\n\r\nGET"), *GET[1:]], 400),
        ([*GET[:2], GET[3]], 400),
        ([(b":method", b"CONNECT"), (b":authority", b"a:443")], 501),
        ([(b":method", b"CONNECT"), (b":protocol", b"connect-udp"), *GET[1:]], 501),
        ([(b":method", b"GET"), (b":protocol", b"websocket"), *GET[1:]], 501),
        ([*GET, (b"content-length", b"1"), (b"content-length", b"2")], 400),
        ([*GET, (b"expect", b"a miracle")], 417),
        ([*GET, (b"x", b"y" * 70_000)], 431),
    ],
)
def test_what_is_refused(asked: list[tuple[bytes, bytes]], status: int) -> None:
    if not any(name == b":authority" for name, _ in asked):
        asked = [pair for pair in asked if pair[0] != b"host"]
        assert parse_request_head(request_head(asked, has_body=False)).host == b""  # which is no host of ours
        return
    with pytest.raises(BadMessage) as caught:
        parse_request_head(request_head(asked, has_body=False))
    assert caught.value.status == status


_value = st.binary(max_size=12)
_name = st.one_of(st.binary(max_size=8), st.sampled_from([b"host", b"te", b":path", b":x", b"cookie", b"upgrade"]))


@given(st.lists(st.tuples(_name, _value), max_size=6), st.booleans())
def test_any_fields_at_all(extra: list[tuple[bytes, bytes]], has_body: bool) -> None:
    """Either refused, or exactly as many fields as were given."""
    try:
        head = parse_request_head(request_head([*GET, *extra], has_body=has_body))
    except BadMessage:
        return
    names = [name for name, _ in extra if not name.startswith(b":") and name not in (b"host", b"cookie")]
    has_cookie = any(name == b"cookie" for name, _ in extra)
    assert len(head.headers) == 1 + len(names) + has_cookie + (has_body and b"content-length" not in names)


def test_answers_lose_what_is_of_the_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type:  a/b \r\nTransfer-Encoding: chunked\r\nKeep-Alive: x\r\nA: b\r\n\r\n"
    assert answer_fields(head) == [(b":status", b"200"), (b"content-type", b"a/b"), (b"a", b"b")]
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nX: y\r\n\r\n"
    assert answer_fields(switch, to_tunnel=True) == [(b":status", b"200"), (b"x", b"y")]


def test_trailers_cannot_become_more_than_trailers() -> None:
    assert trailer_lines([(b"grpc-status", b"0")]) == b"Grpc-Status: 0\r\n"
    for bad in (
        (b"a", b"b\r\nc: d"),
        (b"a", b"b\nc"),
        (b":status", b"200"),
        (b"host", b"a"),
        (b"content-length", b"5"),
    ):
        with pytest.raises(BadMessage):
            trailer_lines([bad])


def test_a_websocket_goes_on_as_it_came() -> None:
    tunnel = [(b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"https"), (b":path", b"/chat")]
    asked = [*tunnel, (b":authority", b"a"), (b"sec-websocket-version", b"13"), (b"origin", b"https://a")]
    raw = request_head(asked, has_body=True, websocket_key=b"dGhlIHNhbXBsZSBub25jZQ==")
    assert asked_for_tunnel(raw, b"https") == (asked, b"dGhlIHNhbXBsZSBub25jZQ==")


def test_a_tunnel_that_opens_is_a_switch() -> None:
    answered = [(b":status", b"200"), (b"sec-websocket-protocol", b"chat"), (b"content-length", b"0")]
    assert is_success(answered)
    head = parse_response_head(switch_head(answered, b"dGhlIHNhbXBsZSBub25jZQ=="))  # the example of RFC 6455
    assert head.status == 101
    assert head.headers == [
        (b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        (b"Sec-WebSocket-Protocol", b"chat"),
        (b"Connection", b"Upgrade"),
        (b"Upgrade", b"websocket"),
    ]
    with pytest.raises(BadMessage):
        switch_head([(b":status", b"200"), (b"x", b"a\r\nb")], b"")
    assert not is_success([(b":status", b"403")])
