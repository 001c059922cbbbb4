"""The grammar of HTTP/1.1: what is accepted is forwarded as it was, what is ambiguous is refused."""

from __future__ import annotations

import contextlib
import re

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.wire.http1 import (
    CHUNK_LINE_LIMIT_BYTES,
    HEAD_LIMIT_BYTES,
    BadMessage,
    Body,
    ChunkedBody,
    RequestHead,
    ResponseHead,
    check_unfinished_head,
    parse_request_head,
    parse_response_head,
    without_dropped,
)


def request(*lines: str, first: str = "GET / HTTP/1.1", host: str | None = "a") -> bytes:
    fields = ([f"Host: {host}"] if host is not None else []) + list(lines)
    return "\r\n".join([first, *fields, "", ""]).encode("latin-1")


def passed_on(head: RequestHead | ResponseHead) -> bytes:
    """The fields that go on, without first and last line."""
    return without_dropped(head).partition(b"\r\n")[2][:-2]


def test_a_plain_request() -> None:
    head = parse_request_head(request("Accept:  text/html ", first="GET /a?b=c HTTP/1.1", host="web.localhost:62893"))
    assert (head.method, head.target, head.host, head.body) == (b"GET", b"/a?b=c", b"web.localhost:62893", Body.NONE)
    assert head.keep_alive
    assert head.headers == [(b"Host", b"web.localhost:62893"), (b"Accept", b"text/html")]
    assert passed_on(head) == b"Host: web.localhost:62893\r\nAccept:  text/html \r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        (request("Content-Length: 5", "Content-Length: 5"), 400),
        (request("Content-Length: 5, 5"), 400),
        (request("Content-Length: +5"), 400),
        (request("Content-Length: 0x5"), 400),
        (request("Content-Length: "), 400),
        (request("Content-Length : 5"), 400),
        (request("Transfer-Encoding: gzip, chunked"), 501),
        (request("Transfer-Encoding: xchunked"), 501),
        (request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
        (request("Transfer-Encoding: chunked", first="POST / HTTP/1.0"), 400),
        (request("X: a", " folded"), 400),
        (request("X: a\rb"), 400),
        (request("X: a\nb"), 400),
        (request("X: a\x00b"), 400),
        (request("X y: b"), 400),
        (request(": b"), 400),
        (request("no colon"), 400),
        (request("Host: b"), 400),
        (request(host=None), 400),
        (request(first="GET /  HTTP/1.1"), 400),
        (request(first="GET\t/ HTTP/1.1"), 400),
        (request(first="GET / HTTP/1.1 "), 400),
        (request(first="GET /"), 400),
        (request(first="GET / HTTP/2.0"), 505),
        (request(first="GET / HTTP/1.2"), 400),
        (request(first="GET / http/1.1"), 400),
        (request(first="CONNECT a:1 HTTP/1.1"), 400),
        (request(first="CONNECT /a HTTP/1.1"), 501),
        (request(first="GET http://b/ HTTP/1.1"), 400),
        (request(first="GET file:///etc/passwd HTTP/1.1"), 400),
        (request("Expect: more"), 417),
        (b"GET / HTTP/1.1\nHost: a\n\r\n\r\n", 400),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(raw: bytes, status: int) -> None:
    with pytest.raises(BadMessage) as refused:
        parse_request_head(raw)
    assert refused.value.status == status


def test_the_absolute_form_names_the_host() -> None:
    head = parse_request_head(request(first="GET HTTP://a/x?y HTTP/1.1", host="A"))
    assert (head.host, head.target) == (b"a", b"/x?y")
    assert parse_request_head(request(first="GET http://a?y HTTP/1.1")).target == b"/?y"
    assert parse_request_head(request(first="OPTIONS * HTTP/1.1")).target == b"*"


def test_what_belongs_to_one_connection_or_could_be_forged_stops_here() -> None:
    head = parse_request_head(
        request(
            "X-Forwarded-For: 6.6.6.6",
            "x-forwarded-anything: 6",
            "X_Forwarded_For: 6.6.6.6",
            "X-Forwarded_Proto: https",
            "X_REAL_IP: 6.6.6.6",
            "Connection: close, X-Mine",
            "X-Mine: 1",
            "Forwarded: for=6.6.6.6",
            "Keep-Alive: 5",
            "Proxy: evil",
            "TE: trailers",
            "X-Real-IP: 6.6.6.6",
            "Cookie: a=b",
            "Content-Length: 3",
            "CDN-Loop: homeport; id=1",
        )
    )
    assert passed_on(head) == b"Host: a\r\nCookie: a=b\r\nContent-Length: 3\r\n"
    assert not head.keep_alive
    assert head.te_trailers
    assert head.loops == b",homeport; id=1"


def test_a_connection_field_cannot_remove_the_framing() -> None:
    head = parse_request_head(request("Connection: content-length, host", "Content-Length: 3"))
    assert passed_on(head) == b"Host: a\r\nContent-Length: 3\r\n"


def test_upgrades() -> None:
    assert parse_request_head(request("Connection: Upgrade", "Upgrade: websocket")).upgrade == b"websocket"
    assert parse_request_head(request("Upgrade: websocket")).upgrade == b""
    assert parse_request_head(request("Connection: upgrade, http2-settings", "Upgrade: h2c")).upgrade == b""
    assert parse_request_head(request("Connection: upgrade", "Upgrade: x", first="GET / HTTP/1.0")).upgrade == b""


def test_keep_alive_follows_version_and_options() -> None:
    assert not parse_request_head(request(first="GET / HTTP/1.0")).keep_alive
    assert parse_request_head(request("Connection: Keep-Alive", first="GET / HTTP/1.0", host=None)).keep_alive


def test_unfinished_heads_that_can_never_end() -> None:
    check_unfinished_head(b"GET / HTTP/1.1\r\nHost: a\r")
    for data, status in ((b"GET / HTTP/1.1\nHost", 400), (b"GET / HTTP/1.1\rHost", 400), (b"G" * 70_000, 431)):
        with pytest.raises(BadMessage) as refused:
            check_unfinished_head(data)
        assert refused.value.status == status


@pytest.mark.parametrize(
    ("raw", "method", "body", "keep_alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"GET", 5, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"HEAD", Body.NONE, True),
        (b"HTTP/1.1 204 \r\n\r\n", b"GET", Body.NONE, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"GET", Body.NONE, True),
        (b"HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n", b"GET", Body.CHUNKED, True),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"GET", Body.UNTIL_CLOSE, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", b"GET", 5, False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", b"GET", 5, False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"GET", Body.NONE, True),
    ],
)
def test_how_long_an_answer_is(raw: bytes, method: bytes, body: int, keep_alive: bool) -> None:
    head = parse_response_head(raw, method)
    assert (head.body, head.keep_alive) == (body, keep_alive)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
def test_answers_that_are_not_http(raw: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_response_head(raw)


def test_an_answer_keeps_its_fields_but_not_those_of_the_connection() -> None:
    head = parse_response_head(
        b"HTTP/1.1 200 OK\r\nServer: x\r\nConnection: keep-alive, X-Y\r\nKeep-Alive: timeout=5, max=9\r\nX-Y: 1\r\n"
        b"Set-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n"
    )
    assert passed_on(head) == b"Server: x\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n"
    assert head.keep_alive_s == 5.0


CHUNKED = b"5;ext=1\r\nhello\r\n1\r\n,\r\n06\r\n world\r\n0\r\nExpires: never\r\nX: y\r\n\r\n"


def test_chunked_whole() -> None:
    body, payload = ChunkedBody(), list[bytes]()
    assert body.feed(CHUNKED + b"GET", payload) == len(CHUNKED)
    assert body.is_done
    assert b"".join(payload) == b"hello, world"


@given(st.lists(st.integers(1, len(CHUNKED)), max_size=30))
@example([1] * len(CHUNKED))
def test_chunked_in_any_pieces(cuts: list[int]) -> None:
    body, payload, kept, passed = ChunkedBody(), list[bytes](), b"", b""
    rest = CHUNKED
    for cut in [*cuts, len(CHUNKED)]:
        kept, rest = kept + rest[:cut], rest[cut:]
        taken = body.feed(kept, payload)
        passed, kept = passed + kept[:taken], kept[taken:]
    assert body.is_done
    assert passed == CHUNKED
    assert b"".join(payload) == b"hello, world"


@pytest.mark.parametrize(
    "data",
    [
        b"5 \r\nhello\r\n",
        b"-5\r\n",
        b"0x5\r\nhello\r\n",
        b"5\nhello\r\n",
        b"5\r\nhello!\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"5;a\x00\r\nhello\r\n",
        b"\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nHost: b\r\n\r\n",
        b"0\r\nbad\r\n\r\n",
        b"0\r\nX: a\nY: b\r\n\r\n",
        b"g\r\n",
    ],
)
def test_bad_chunks(data: bytes) -> None:
    with pytest.raises(BadMessage):
        ChunkedBody().feed(data)
    with pytest.raises(BadMessage):
        feed_by_byte(data)


def feed_by_byte(data: bytes) -> None:
    body, kept = ChunkedBody(), b""
    for byte in data:
        kept += bytes([byte])
        kept = kept[body.feed(kept) :]


@given(st.binary(max_size=200))
def test_garbage_gives_only_our_error(data: bytes) -> None:
    for parse in (parse_request_head, parse_response_head, check_unfinished_head, ChunkedBody().feed):
        with contextlib.suppress(BadMessage):
            parse(data)


_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
_NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)


@given(st.lists(st.tuples(_NAME, _TEXT), max_size=8), st.sampled_from(["GET", "POST", "DELETE", "PROPFIND"]))
def test_what_we_accept_h11_reads_in_the_same_way(headers: list[tuple[str, str]], method: str) -> None:
    raw = request(*(f"{name}: {value}" for name, value in headers), first=f"{method} /p HTTP/1.1")
    try:
        ours = parse_request_head(raw)
    except BadMessage:
        return
    oracle = h11.Connection(h11.SERVER)
    oracle.receive_data(raw)
    theirs = oracle.next_event()
    assert isinstance(theirs, h11.Request)
    assert [(name.lower(), value) for name, value in ours.headers] == [(n, v) for n, v in theirs.headers]
    assert (ours.method, ours.target) == (theirs.method, theirs.target)


_TOKEN, _VALUE = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", rb"[^\x00-\x08\x0a-\x1f\x7f]*"
_WHOLE = re.compile(
    _TOKEN + rb" [!-~\x80-\xff]+ HTTP/1\.[01]\r\n(?:" + _TOKEN + rb":" + _VALUE + rb"\r\n)*\r\n"
)  # RFC 9112 sections 2 to 5 in one expression


@given(
    st.lists(
        st.sampled_from(
            [b"\r\n", b"\n", b"\r", b"A", b":", b" ", b"\t", b"\x00", b"\x7f", b"\xff", b"Via: x", b"\r\n\r\n", b"\x0b"]
        ),
        max_size=14,
    )
)
def test_the_check_of_a_whole_head_is_as_strict_as_the_grammar(parts: list[bytes]) -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(parts) + b"\r\n"
    end = raw.find(b"\r\n\r\n")
    raw = raw[: end + 4] if end >= 0 else raw
    try:
        parse_request_head(raw)
    except BadMessage:
        assert _WHOLE.fullmatch(raw) is None
    else:
        assert _WHOLE.fullmatch(raw) is not None


def test_the_limits_of_a_head_and_a_chunk_line_hold_for_what_comes_whole_too() -> None:
    spare = HEAD_LIMIT_BYTES - len(request("X: "))
    assert len(parse_request_head(request("X: " + "x" * spare)).raw) == HEAD_LIMIT_BYTES
    with pytest.raises(BadMessage) as caught:
        parse_request_head(request("X: " + "x" * (spare + 1)))
    assert caught.value.status == 431
    with pytest.raises(BadMessage):
        parse_response_head(b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_LIMIT_BYTES + b"\r\n\r\n")
    with pytest.raises(BadMessage):
        ChunkedBody().feed(b"3;" + b"x" * CHUNK_LINE_LIMIT_BYTES + b"\r\nabc\r\n")
