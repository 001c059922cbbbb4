"""A recorded request once more, as it was sent: through the door, on a connection of its own.

It neither waits for what the recording makes of it, nor reads the answer beyond its status.
"""

from __future__ import annotations

import re
import socket

from homeport.cli.credentials import is_secret
from homeport.cli.seams import Engine
from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeDetail

ANSWER_S = 300.0  # without a byte of the answer: slow networks are the point
# The body is recorded without them, and sent in one piece.
_FRAMING = frozenset({"content-length", "transfer-encoding", "content-encoding", "trailer"})
_NOT_STORED = "[not stored]"


def why_not(detail: ExchangeDetail) -> str:
    """Why only its sender can send it again; "" where we can."""
    summary, body = detail.summary, detail.request_body
    if summary.kind != "http":
        what = {"upgrade": "a WebSocket", "udp": "a conversation of datagrams"}.get(summary.kind, "a connection")
        return f"#{summary.id} was {what}"
    if body.truncated:
        return "its body was too long to be kept whole"
    hidden = any(is_secret(name) and _NOT_STORED in value for name, value in detail.request.headers)
    return "its credentials were not stored" if hidden else ""


def send_again(engine: Engine, detail: ExchangeDetail) -> tuple[str, str]:
    """The client's address as the recording will tell it, and the first line of the answer ("" for none)."""
    head = _head(detail, body := _body(engine, detail))
    state = engine.engine.status().engine
    assert state is not None
    endpoint = parse_endpoint(state.doors[0])
    try:
        with socket.create_connection((endpoint.host, endpoint.port), 10) as sock:
            sock.settimeout(ANSWER_S)
            host, port = sock.getsockname()[:2]
            client = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            sock.sendall(head + body)
            sock.shutdown(socket.SHUT_WR)
            return client, _first_line(sock)
    except OSError as error:
        raise HomeportError(
            "unreachable", f"the request could not be sent again: {error}", "homeport status"
        ) from error


def _body(engine: Engine, detail: ExchangeDetail) -> bytes:
    return engine.traffic.body(detail.summary.id, "request")[0] if detail.request_body.kept else b""


def _head(detail: ExchangeDetail, body: bytes) -> bytes:
    lines = [detail.request.line]
    lines += [f"{name}: {value}" for name, value in detail.request.headers if name.lower() not in _FRAMING]
    has_length = any(name.lower() in _FRAMING for name, _ in detail.request.headers)
    lines += [f"Content-Length: {len(body)}"] if has_length else []
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace")


def _first_line(sock: socket.socket) -> str:
    """Of the answer, once it is over; a reset ends it too, as conditions may have it."""
    answer = b""
    try:
        while data := sock.recv(65536):
            answer = (answer + data)[:200]
    except ConnectionError:
        pass
    return re.split(rb"\r?\n", answer)[0].decode("latin-1")
