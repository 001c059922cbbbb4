"""What a list shows of an exchange, whatever its heads look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.model.exchange import Exchange
from homeport.recording.rows import iso_time, raw_row, request_line, status_of, summary_of, summary_row, type_of
from tests.recording.stage import exchange


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET /a?b=c HTTP/1.1\r\nHost: x.localhost:1\r\n\r\n", ("GET", "x.localhost:1", "/a?b=c")),
        (b"M-SEARCH * HTTP/1.1\r\nhOsT:   y  \r\n\r\n", ("M-SEARCH", "y", "*")),
        (b"GET http://z.localhost:1/p?q HTTP/1.1\r\nHost: other\r\n\r\n", ("GET", "z.localhost:1", "/p?q")),
        (b"GET http://z.localhost HTTP/1.1\r\n\r\n", ("GET", "z.localhost", "/")),
        (b"CONNECT a:443 HTTP/1.1\r\nX-Host: no\r\n\r\n", ("CONNECT", "", "a:443")),
        (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", ("", "h", "GET /a b HTTP/1.1")),
        (b"GET /a\nHost: bare", ("", "bare", "GET /a")),
        (b"GET /a HTTP/1.1", ("GET", "", "/a")),
        (b"\x16\x03\x01\x02\x00\x01", ("", "", "\x16\x03\x01\x02\x00\x01")),
        ("GET /grün HTTP/1.1\r\n\r\n".encode(), ("GET", "", "/grün")),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", ("GET", "", "/" + "x" * 2047)),
    ],
)
def test_the_request_line(head: bytes, expected: tuple[str, str, str]) -> None:
    assert request_line(head) == expected


@pytest.mark.parametrize(
    ("head", "status", "media_type"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=x\r\n\r\n", 200, "text/html"),
        (b"HTTP/1.0 404\r\ncontent-type:image/png\r\n\r\n", 404, "image/png"),
        (b"HTTP/1.1 abc\r\nX-Content-Type: no\r\n\r\n", 0, ""),
        (b"SSH-2.0-OpenSSH", 0, ""),
        (b"", 0, ""),
    ],
)
def test_the_answer(head: bytes, status: int, media_type: str) -> None:
    assert (status_of(head), type_of(head)) == (status, media_type)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_head_is_too_strange_to_be_listed(request_head: bytes, response_head: bytes) -> None:
    made = exchange(7, request_head=request_head, response_head=response_head)
    raw_row(made, 0)
    summary = summary_of(summary_row(made, 0.0, "curl (1)"))
    assert (summary.id, summary.process, summary.ending) == (7, "curl (1)", "complete")


def test_times_are_of_the_wall_clock() -> None:
    made = exchange(1, opened_s=5.0, closed_s=5.25)
    summary = summary_of(summary_row(made, 1_700_000_000.0, ""))
    assert summary.started == "2023-11-14T22:13:25.000000Z"
    assert summary.duration_ms == 250.0
    assert iso_time(1) == "1970-01-01T00:00:00.000001Z"
    running = summary_of(summary_row(exchange(1, closed_s=0.0), 0.0, ""))
    assert running.duration_ms is None


@pytest.mark.parametrize(("kind", "told"), [("http", "2"), ("upgrade", "2"), ("tcp", ""), ("udp", "")])
def test_version(kind: str, told: str) -> None:
    assert summary_of(summary_row(Exchange(1, kind=kind, version="2"), 0.0, "")).version == told


@pytest.mark.parametrize(("kind", "scheme", "told"), [("http", "https", "https"), ("tcp", "http", "")])
def test_scheme(kind: str, scheme: str, told: str) -> None:
    made = Exchange(1, kind=kind, scheme=scheme)
    assert summary_of(summary_row(made, 0.0, "")).scheme == told
