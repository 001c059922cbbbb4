"""Exchanges to record, and a store of one's own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from homeport.model.exchange import COMPLETE, Exchange
from homeport.model.settings import Settings
from homeport.recording.channel import Batch
from homeport.recording.keeper import Keeper

GET = b"GET /users?page=2 HTTP/1.1\r\nHost: api.localhost:62893\r\nUser-Agent: test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 13\r\n\r\n"
NEVER = Settings()


def exchange(number: int, **changes: Any) -> Exchange:
    """A closed exchange of 50 ms that ended just now; `body` is short for the response's."""
    now_s = time.perf_counter()
    body: bytes = changes.pop("body", b'{"name":"Al"}')
    values: dict[str, Any] = {
        "route": "api",
        "client": "127.0.0.1:50123",
        "upstream": "127.0.0.1:21345",
        "opened_s": now_s - 0.05,
        "head_s": now_s - 0.049,
        "dialled_s": now_s - 0.048,
        "sent_s": now_s - 0.047,
        "answered_s": now_s - 0.007,
        "closed_s": now_s,
        "request_head": GET,
        "response_head": OK,
        "response_body": [body],
        "response_bytes": len(body),
        "ending": COMPLETE,
    }
    return Exchange(number, **(values | changes))


def request(line: str, *fields: str) -> bytes:
    return "\r\n".join([line, *fields, "", ""]).encode()


def batch(number: int, *closed: Exchange, **changes: Any) -> Batch:
    return Batch(number, time.time(), time.perf_counter(), list(closed), **changes)


def keeper(path: Path, settings: Settings = NEVER) -> Keeper:
    made = Keeper(path, settings)
    assert made.open(), made.problem
    return made


def nobody(_: Exchange, __: float) -> str:
    return ""


def kept(made: Keeper, *exchanges: Exchange) -> None:
    """Write and commit."""
    assert made.write(batch(made.done + 1, *exchanges), nobody)
    made.commit()
    assert not made.problem
