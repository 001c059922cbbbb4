"""One recorded exchange in full: heads, bodies, phases, and the messages of an upgraded connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from homeport.model.conditions_felt import ConditionsFelt
from homeport.model.exchange import Body, ExchangeDetail, ExchangeSummary, Head, Message, Timings
from homeport.recording.bodies import FETCHED_LIMIT_BYTES, base64_of, body_of, content_of
from homeport.recording.heads import header, read_head
from homeport.recording.rows import RAW_COLUMNS, SUMMARY_COLUMNS, summary_of
from homeport.recording.store import Store, piece_key
from homeport.wire.websocket import FrameReader, WsMessage, agreed_deflate

MESSAGES_SHOWN = 2000  # of one connection, from its beginning
_MESSAGE_LIMIT_BYTES = 64 * 1024  # of one message
_RAW_LIMIT_BYTES = 4096  # of one run of bytes that is no message


def read_detail(store: Store, exchange: int) -> ExchangeDetail | None:
    row = _row(store, "exchange", SUMMARY_COLUMNS, exchange)
    raw = _row(store, "raw", RAW_COLUMNS, exchange)
    if row is None or raw is None:
        return None
    _, upstream, reused, head_us, dialled_us, sent_us, answered_us, cut, request_head, request_body, *answer = raw
    response_head, response_body, felt = answer
    summary = summary_of(row)
    request, response = read_head(request_head), read_head(response_head)
    messages = list(read_messages(response, read_pieces(store, exchange)))
    return ExchangeDetail(
        summary=summary,
        upstream=upstream,
        reused=bool(reused),
        request=request,
        request_body=_body(summary, request, request_body, summary.request_bytes),
        response=response,
        response_body=_body(summary, response, response_body, summary.response_bytes),
        timings=timings_of(head_us, dialled_us, sent_us, answered_us, summary.duration_ms),
        messages=messages[:MESSAGES_SHOWN],
        messages_lost=cut + max(0, len(messages) - MESSAGES_SHOWN),
        conditions=None if felt is None else msgspec.msgpack.decode(felt, type=ConditionsFelt),
    )


def read_body(store: Store, exchange: int, side: str) -> tuple[bytes, str] | None:
    """The decoded body of one side and its media type."""
    row = _row(store, "raw", "request_head, request_body, response_head, response_body", exchange)
    if row is None:
        return None
    head, body = row[:2] if side == "request" else row[2:]
    content = content_of(read_head(head), body, FETCHED_LIMIT_BYTES)
    return content.data, content.media_type


def _body(summary: ExchangeSummary, head: Head, raw: bytes, bytes_on_wire: int) -> Body:
    """What an upgraded connection or datagrams carry is no body: it is shown as messages."""
    if summary.kind in ("upgrade", "udp"):
        return Body(bytes_on_wire=bytes_on_wire)
    return body_of(head, raw, bytes_on_wire)


def timings_of(
    head_us: int | None, dialled_us: int | None, sent_us: int | None, answered_us: int | None, duration_ms: float | None
) -> Timings:
    """Phases from moments. An answer may begin before the request is wholly sent: then nothing was waited for."""
    head, dialled, sent, answered = (us and us / 1000 for us in (head_us, dialled_us, sent_us, answered_us))
    return Timings(
        receive_head=head,
        connect=_between(head, dialled),
        send=_between(dialled, sent),
        wait=_between(sent if sent is not None else dialled, answered),
        receive=_between(answered, duration_ms),
    )


def read_messages(response: Head, pieces: Iterable[tuple[float, bool, bytes]]) -> Iterable[Message]:
    """The messages of a WebSocket, or the runs of bytes of anything else. A piece is (ms, from client, bytes)."""
    if header(response, "upgrade").lower() != "websocket":
        for at_ms, from_client, data in pieces:
            yield _raw_message(at_ms, from_client, data)
        return
    deflate = agreed_deflate(header(response, "sec-websocket-extensions"))
    readers = {
        side: FrameReader(deflate=deflate, from_client=side, limit_bytes=_MESSAGE_LIMIT_BYTES) for side in (True, False)
    }
    for at_ms, from_client, data in pieces:
        reader = readers[from_client]
        if reader.broken:
            yield _raw_message(at_ms, from_client, data)
            continue
        for message in reader.feed(data):
            yield _message(at_ms, from_client, message)
        if reader.broken:
            yield _raw_message(at_ms, from_client, reader.leftover)


def read_pieces(store: Store, exchange: int) -> list[tuple[float, bool, bytes]]:
    rows = store.rows(
        "SELECT at, from_client, data FROM piece WHERE key >= ? AND key < ? ORDER BY key",
        (piece_key(exchange, 0), piece_key(exchange + 1, 0)),
    )
    return [(at_us / 1000, bool(from_client), data) for at_us, from_client, data in rows]


def _message(at_ms: float, from_client: bool, message: WsMessage) -> Message:
    data = message.data
    shown = Message(at_ms=at_ms, from_client=from_client, kind=message.kind, bytes=message.size)
    if message.kind == "close":
        # two bytes of code, then a reason (RFC 6455 section 5.5.1)
        code = str(int.from_bytes(data[:2], "big")) if len(data) >= 2 else ""
        shown.text = f"{code} {data[2:].decode('utf-8', 'replace')}".strip()
    elif message.kind == "binary":
        shown.base64 = base64_of(data)
    else:
        shown.text = data.decode("utf-8", "replace")
    return shown


def _raw_message(at_ms: float, from_client: bool, data: bytes) -> Message:
    shown = Message(at_ms=at_ms, from_client=from_client, kind="raw", bytes=len(data))
    kept = data[:_RAW_LIMIT_BYTES]
    try:
        shown.text = kept.decode("utf-8")
    except UnicodeDecodeError:
        shown.base64 = base64_of(kept)
    return shown


def _row(store: Store, table: str, columns: str, exchange: int) -> tuple[Any, ...] | None:
    rows = store.rows(f"SELECT {columns} FROM {table} WHERE id = ?", (exchange,))  # noqa: S608
    return rows[0] if rows else None


def _between(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else max(0.0, later - earlier)
