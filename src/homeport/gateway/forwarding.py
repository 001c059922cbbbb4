"""How heads change on their way: what the door adds, and what it says about itself. Framing fields pass untouched."""

from __future__ import annotations

import re

from homeport.wire.http1 import RequestHead, ResponseHead, without_dropped

_LOCATION = re.compile(rb"(\n(?:Content-)?Location:[ \t]*)(/(?!/)[^\r]*)", re.IGNORECASE)


def forwarded_fields(client: str, host: bytes, scheme: bytes, loop_id: bytes) -> bytes:
    """What tells an upstream who asked, and us whether a request comes back (CDN-Loop, RFC 8586).

    What the client sent under these names has been dropped: on a front door it can only be forged.
    """
    address = client.rpartition(":")[0].strip("[]") or "unix"
    node = f'"[{address}]"' if ":" in address else address
    return (
        b"X-Forwarded-For: %s\r\nX-Forwarded-Proto: %s\r\nX-Forwarded-Host: %s\r\n"
        b'Forwarded: for=%s;proto=%s;host="%s"\r\nCDN-Loop: homeport; id=%s\r\n'
    ) % (address.encode(), scheme, host, node.encode(), scheme, host, loop_id)


def request_head(head: RequestHead, prefix: bytes, forwarded: bytes) -> bytes:
    """The request as the upstream gets it. `prefix` is the `/@NAME` that led to the route, or b""."""
    target = head.target
    extra = forwarded
    if prefix:
        target = target[len(prefix) :]
        if not target.startswith(b"/"):
            target = b"/" + target
        extra += b"X-Forwarded-Prefix: " + prefix + b"\r\n"
    if head.upgrade:
        extra += b"Connection: Upgrade\r\nUpgrade: " + head.upgrade + b"\r\n"
    elif head.te_trailers:
        extra += b"Connection: TE\r\nTE: trailers\r\n"
    if not head.is_http11 and not any(name.lower() == b"host" for name, _ in head.headers):
        extra += b"Host: " + head.host + b"\r\n"  # HTTP/1.0 may go without, what we make of it may not
    raw = without_dropped(head)
    if prefix or not head.is_http11 or not raw.startswith(head.target, len(head.method) + 1):
        raw = b"%s %s HTTP/1.1%s" % (head.method, target, raw[raw.find(b"\r\n") :])
    return raw[:-2] + extra + b"\r\n"


def answer_head(head: ResponseHead, request: RequestHead, prefix: bytes, *, closes: bool) -> bytes:
    """The answer as the client gets it; `closes` when the connection ends after it.

    Below a `prefix` the upstream's redirects to its own paths need it too, or they would lead to another app.
    """
    raw = without_dropped(head)
    if prefix:
        raw = _LOCATION.sub(lambda line: line[1] + prefix + line[2], raw)
    if not head.is_http11:
        raw = b"HTTP/1.1" + raw[len(b"HTTP/1.0") :]
    if head.status == 101:
        return raw[:-2] + b"Connection: Upgrade\r\nUpgrade: " + request.upgrade + b"\r\n\r\n"
    if not request.is_http11:
        raw = _without_chunked(raw)
        return raw[:-2] + (b"Connection: close\r\n\r\n" if closes else b"Connection: keep-alive\r\n\r\n")
    return raw[:-2] + b"Connection: close\r\n\r\n" if closes else raw


def _without_chunked(fields: bytes) -> bytes:
    """HTTP/1.0 knows no transfer coding: its clients get the content and the end of the connection."""
    lines = fields.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith((b"transfer-encoding:", b"trailer:")))
