"""What `homeport echo` answers over HTTP: the request as JSON, or what its path asks for. Pure: request in, answer out.

/status/CODE   that status               /delay/SECONDS   the echo, later (at most 60 s)
/bytes/N       N bytes (at most 100 MB)  /stream/N        N lines of JSON, chunked, 0.1 s apart (at most 1,000)
"""

from __future__ import annotations

import base64
import http
import json
import math
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

_MOST_SECONDS = 60.0
_MOST_BYTES = 100_000_000
_MOST_LINES = 1000
_NO_BODY = (204, 205, 304)  # RFC 9110: these end with their head
_SPECIAL = re.compile(r"/(status|delay|bytes|stream)/([^/]+)/?")
_CORS = (
    # A page of any origin may read the echo of what it sent itself; without credentials there is no secret in it.
    "Access-Control-Allow-Origin: *",
    "Access-Control-Allow-Methods: *",
    "Access-Control-Allow-Headers: *",
)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `body` holds the first `body_bytes` at most."""

    method: str
    target: str
    version: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    body_bytes: int = 0
    client: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `lines`: sent chunked one by one instead of `body`; `size`: as many bytes of a pattern instead."""

    status: int = 200
    type: str = "application/json"
    body: bytes = b""
    lines: tuple[bytes, ...] = ()
    size: int | None = None
    delay_s: float = 0.0

    @property
    def reason(self) -> str:
        try:
            return http.HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"

    def head(self, *, keep_alive: bool, date: str) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {self.reason}", f"Date: {date}", *_CORS, "X-Content-Type-Options: nosniff"]
        if self.status not in _NO_BODY or self.status == 205:
            lines.append(f"Content-Type: {self.type}")
            length = self.size if self.size is not None else len(self.body)
            lines.append("Transfer-Encoding: chunked" if self.lines else f"Content-Length: {length}")
        if 300 <= self.status < 400 and self.status != 304:
            lines.append("Location: /")
        if self.status == 401:
            lines.append('WWW-Authenticate: Basic realm="echo"')
        lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(request: Request) -> Answer:
    """What this request gets."""
    path = unquote(request.target.partition("?")[0])
    if request.method == "OPTIONS" and any(
        name.lower() == "access-control-request-method" for name, _ in request.headers
    ):
        return Answer(status=204)
    found = _SPECIAL.fullmatch(path)
    if found is None:
        return Answer(body=_json(echo_of(request)))
    what, value = found.groups()
    number = _number(value)
    if number is None:
        return _mistake(f"{value!r} is not a number")
    if what == "delay":
        return Answer(body=_json(echo_of(request)), delay_s=min(number, _MOST_SECONDS))
    if not number.is_integer():
        return _mistake(f"{value!r} is not a whole number")
    return _counted(what, int(number), request)


def _counted(what: str, number: int, request: Request) -> Answer:
    if what == "status":
        if not 200 <= number <= 599:
            return _mistake(f"{number} is no status from 200 to 599")
        return Answer(status=number, body=b"" if number in _NO_BODY else _json({"status": number}))
    if what == "bytes":
        return Answer(type="application/octet-stream", size=min(number, _MOST_BYTES))
    lines = (
        json.dumps({"line": at, "of": number, "path": request.target}) for at in range(1, 1 + min(number, _MOST_LINES))
    )
    return Answer(type="application/x-ndjson", lines=tuple(f"{line}\n".encode() for line in lines))


def echo_of(request: Request) -> dict[str, Any]:
    """The request as JSON. A header or parameter that came more than once is a list."""
    path, _, query = request.target.partition("?")
    told: dict[str, Any] = {
        "method": request.method,
        "path": path,
        "query": _grouped(parse_qsl(query, keep_blank_values=True)),
        "headers": _grouped(request.headers),
        "body": None,
        "bytes": request.body_bytes,
        "http": request.version,
        "client": request.client,
    }
    try:
        told["body"] = request.body.decode()
    except UnicodeDecodeError:
        told["body_base64"] = base64.b64encode(request.body).decode()
    if len(request.body) < request.body_bytes:
        told["is_cut"] = True
    elif any(name.lower() == "content-type" and "json" in value for name, value in request.headers):
        try:
            told["json"] = json.loads(request.body)
        except (ValueError, RecursionError):
            told["json"] = None
    return told


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number >= 0 and math.isfinite(number) else None


def _mistake(why: str) -> Answer:
    return Answer(status=400, body=_json({"error": why}))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
