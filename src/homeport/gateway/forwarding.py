"""How heads change on their way: what the door adds, and what it says about itself. Framing fields pass untouched."""

from __future__ import annotations

from homeport.wire.http1 import RequestHead, ResponseHead, passed_on


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
    return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (head.method, target, passed_on(head), extra)


def answer_head(head: ResponseHead, request: RequestHead, *, closes: bool) -> bytes:
    """The answer as the client gets it; `closes` when the connection ends after it."""
    status_line = b"HTTP/1.1 %d %s\r\n" % (head.status, head.reason)
    if head.status == 101:
        return status_line + passed_on(head) + b"Connection: Upgrade\r\nUpgrade: " + request.upgrade + b"\r\n\r\n"
    passed = passed_on(head)
    if not request.is_http11:
        passed = _without_chunked(passed)
        connection = b"Connection: close\r\n\r\n" if closes else b"Connection: keep-alive\r\n\r\n"
    else:
        connection = b"Connection: close\r\n\r\n" if closes else b"\r\n"
    return status_line + passed + connection


def _without_chunked(fields: bytes) -> bytes:
    """HTTP/1.0 knows no transfer coding: its clients get the content and the end of the connection."""
    lines = fields.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith((b"transfer-encoding:", b"trailer:")))
