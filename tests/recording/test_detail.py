"""One exchange in full, as it comes back from the store."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from homeport.model.conditions_felt import ConditionsFelt, Decided
from homeport.model.exchange import Body, ExchangeDetail, Head
from homeport.recording.bodies import body_of, without_chunks
from homeport.recording.channel import Piece
from homeport.recording.detail import read_body, read_detail, timings_of
from homeport.recording.heads import HIDDEN, read_head, redacted
from homeport.recording.keeper import Keeper
from tests.recording.stage import GET, batch, exchange, keeper, nobody, request

WEBSOCKET = request(
    "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Sec-WebSocket-Extensions: permessage-deflate"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Keeper]:
    made = keeper(tmp_path / "store.db")
    yield made
    made.close()


def recorded(store: Keeper, pieces: list[tuple[bool, bytes]] | None = None, **changes: Any) -> ExchangeDetail:
    made = exchange(9, **changes)
    passed = [Piece(9, n, n * 1000, from_client, data) for n, (from_client, data) in enumerate(pieces or [])]
    assert store.write(batch(1, made, pieces=passed, pieces_cut={9: 3} if pieces else {}), nobody)
    assert store.store is not None
    detail = read_detail(store.store, 9)
    assert detail is not None
    return detail


def test_heads_keep_order_and_case_and_what_is_wrong_with_them() -> None:
    head = read_head(b"GET / HTTP/1.1\r\nhost: a\r\nX-B:  c \r\nX-B: d\r\n folded\r\nno colon\r\nname : x\r\n\r\nbody")
    assert head.line == "GET / HTTP/1.1"
    assert head.headers == [
        ("host", "a"),
        ("X-B", "c"),
        ("X-B", "d"),
        ("", " folded"),
        ("", "no colon"),
        ("", "name : x"),
    ]
    assert read_head(b"") == Head()
    assert read_head(b"\xff\xfe").line == "ÿþ"


def test_secrets_are_hidden_on_request_only() -> None:
    head = read_head(request("GET / HTTP/1.1", "Cookie: a=b", "AUTHORIZATION: Bearer x", "Accept: y"))
    assert redacted(head).headers == [("Cookie", HIDDEN), ("AUTHORIZATION", HIDDEN), ("Accept", "y")]
    assert head.headers[0] == ("Cookie", "a=b")


def test_a_plain_exchange_comes_back_whole(store: Keeper) -> None:
    detail = recorded(store, reused=True)
    assert (detail.summary.method, detail.summary.path, detail.summary.status) == ("GET", "/users?page=2", 200)
    assert detail.request.line == "GET /users?page=2 HTTP/1.1"
    assert detail.request_body == Body()
    assert detail.response_body.text == '{"name":"Al"}'
    assert detail.response_body.type == "application/json"
    assert detail.reused
    assert detail.upstream == "127.0.0.1:21345"
    phases = [getattr(detail.timings, phase) for phase in ("receive_head", "connect", "send", "wait", "receive")]
    assert phases == pytest.approx([1, 1, 1, 40, 7], abs=0.01)


def test_what_the_network_decided_comes_back_whole(store: Keeper) -> None:
    felt = ConditionsFelt(
        number=7,
        client="firefox",
        settings={"seed": 3, "up": [{"kind": "loss", "rate": 0.1}]},
        text="loss=10% seed=3",
        up=Counter(came=4, lost=1),
        decisions=[Decided(1.5, True, 2, 1200, [("lost", 0.0, 1)])],
        more=2,
    )
    detail = recorded(store, conditions=felt)
    assert detail.conditions == felt
    assert detail.summary.conditions == "loss=10% seed=3"


def test_phases_that_never_came_are_unknown() -> None:
    timings = timings_of(1000, None, None, None, 5.0)
    assert (timings.receive_head, timings.connect, timings.wait, timings.receive) == (1.0, None, None, None)
    early = timings_of(0, 1000, 9000, 4000, 10.0)  # the answer began while the request was being sent
    assert (early.send, early.wait, early.receive) == (8.0, 0.0, 6.0)


CHUNKED = request("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Type: text/plain")


@pytest.mark.parametrize(
    ("raw", "content", "is_whole"),
    [
        (b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX-T: x\r\n\r\n", b"hello!", True),
        (b"5\r\nhello\r\n5\r\nwo", b"hellowo", False),
        (b"5\r\nhello\r\nzz\r\n", b"hello", False),
        (b"no chunks", b"no chunks", False),
        (b"0\r\n\r\n", b"", True),
        (b"", b"", False),
    ],
)
def test_chunks_are_removed_as_far_as_they_go(raw: bytes, content: bytes, is_whole: bool) -> None:
    assert without_chunks(raw) == (content, is_whole)


@pytest.mark.parametrize(
    ("fields", "raw", "text"),
    [
        (["Content-Type: text/plain; charset=latin-1"], b"gr\xfcn", "grün"),
        (["Content-Type: text/plain; charset=nonsense"], b"x", None),
        (["Content-Type: text/plain; charset=idna"], b"xn--78", None),
        (["Content-Type: application/json"], "grün".encode(), "grün"),
        (["Content-Type: image/svg+xml"], b"<svg/>", "<svg/>"),
        (["Content-Type: image/png"], b"text", None),
        ([], b"text", "text"),
        ([], b"\x00\x01", None),
        ([], b"\xff", None),
        (["Content-Encoding: gzip"], gzip.compress(b"text"), "text"),
        (["Content-Encoding: gzip"], b"not gzip", None),
        (["Content-Encoding: frobnicate"], b"text", None),
        (["Content-Type: text/plain; charset=utf-16"], "grün".encode("utf-16"), "grün"),
    ],
)
def test_text_is_shown_as_text(fields: list[str], raw: bytes, text: str | None) -> None:
    body = body_of(read_head(request("HTTP/1.1 200 OK", *fields)), raw, len(raw))
    assert body.text == text
    assert (body.base64 is None) == (text is not None)
    assert not body.truncated


def test_a_body_that_was_cut_inside_a_character_is_still_text() -> None:
    raw = "grün".encode()[:3]
    body = body_of(read_head(request("HTTP/1.1 200 OK")), raw, 5)
    assert (body.text, body.truncated, body.kept, body.bytes_on_wire) == ("gr", True, 3, 5)


@given(
    st.binary(max_size=100),
    st.sampled_from(["gzip", "deflate", "br", ""]),
    st.sampled_from(["utf-8", "idna", "rot13", "x"]),
)
def test_no_body_is_too_strange_to_be_shown(raw: bytes, coding: str, charset: str) -> None:
    fields = [
        f"Content-Encoding: {coding}",
        f"Content-Type: text/html; charset={charset}",
        "Transfer-Encoding: chunked",
    ]
    body_of(read_head(request("HTTP/1.1 200 OK", *fields)), raw, len(raw))


def test_a_body_alone_comes_decoded(store: Keeper) -> None:
    zipped = gzip.compress(b"hello " * 1000)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(zipped), zipped)
    head = request(
        "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Type: text/plain"
    )
    recorded(store, response_head=head, body=chunks)
    assert store.store is not None
    assert read_body(store.store, 9, "response") == (b"hello " * 1000, "text/plain")
    assert read_body(store.store, 9, "request") == (b"", "")
    assert read_body(store.store, 1, "request") is None


def test_a_websocket_is_shown_by_its_messages(store: Keeper) -> None:
    def framed(opcode: Opcode, data: bytes, is_client: bool) -> bytes:
        deflate = PerMessageDeflate(False, False, 15, 15)
        return Frame(opcode, data).serialize(mask=is_client, extensions=[deflate])

    said = framed(Opcode.TEXT, b'{"hello":1}', True)
    detail = recorded(
        store,
        [
            (True, said[:4]),
            (True, said[4:]),
            (False, framed(Opcode.BINARY, b"\x00\xff", False) + framed(Opcode.PING, b"", False)),
            (False, framed(Opcode.CLOSE, b"\x03\xe8bye", False)),
            (True, b"\xff garbage"),
        ],
        kind="upgrade",
        response_head=WEBSOCKET,
        response_body=[],
        response_bytes=46,
    )
    shown = [(message.kind, message.from_client, message.text, message.base64) for message in detail.messages]
    assert shown == [
        ("text", True, '{"hello":1}', None),
        ("binary", False, None, "AP8="),
        ("ping", False, "", None),
        ("close", False, "1000 bye", None),
        ("raw", True, None, "/yBnYXJiYWdl"),
    ]
    assert detail.messages[0].at_ms == 1.0
    assert detail.messages_lost == 3
    assert not detail.response_body.truncated


def test_other_connections_are_shown_by_their_bytes(store: Keeper) -> None:
    detail = recorded(
        store, [(True, b"EHLO x"), (False, b"\xff")], kind="tcp", request_head=b"", response_head=b"", body=b""
    )
    assert [(m.kind, m.from_client, m.text, m.base64) for m in detail.messages] == [
        ("raw", True, "EHLO x", None),
        ("raw", False, None, "/w=="),
    ]
    assert detail.summary.path == "127.0.0.1:21345"


def test_a_refused_request_shows_what_was_there(store: Keeper) -> None:
    detail = recorded(store, request_head=GET[:20].replace(b" ", b"\x00"), ending="refused", why="it is not HTTP")
    assert detail.request.line.startswith("GET\x00/users")
    assert detail.summary.method == ""
    assert detail.summary.why == "it is not HTTP"
