"""Between the fields of HTTP/2 and the heads of HTTP/1.1 (RFC 9113 section 8, RFC 8441 section 5).

A request becomes a head that goes through the strict reader of http1.py like any other, so nothing comes in this way
that would be refused there. Nothing is guessed: what cannot be written down in HTTP/1.1 is a BadMessage.
"""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus

from homeport.wire.h2 import Fields
from homeport.wire.http1 import NEVER_TRAILING, BadMessage, fields

# RFC 9113 section 8.2.2: they speak of one connection, and a request with one of them is malformed.
_OF_CONNECTION = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"})
_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_WITH_CONTENT = frozenset({b"POST", b"PUT", b"PATCH"})  # which say so even when there is none (RFC 9110 section 8.6)
# As browsers write them; servers made by hand compare names as they are used to see them.
_CAPITALS = {
    b"dnt": b"DNT",
    b"te": b"TE",
    b"sec-websocket-accept": b"Sec-WebSocket-Accept",
    b"sec-websocket-key": b"Sec-WebSocket-Key",
    b"sec-websocket-version": b"Sec-WebSocket-Version",
    b"sec-websocket-protocol": b"Sec-WebSocket-Protocol",
    b"sec-websocket-extensions": b"Sec-WebSocket-Extensions",
}


def request_head(asked: Fields, *, has_body: bool, websocket_key: bytes = b"") -> bytes:
    """The head as an HTTP/1.1 client would have written it; a body without a length comes in chunks.

    A WebSocket (RFC 8441) becomes a GET that upgrades. Raises BadMessage.
    """
    pseudo: dict[bytes, bytes] = {}
    host = b""
    cookies: list[bytes] = []
    lines: list[bytes] = []
    has_length = False
    for name, value in asked:
        if name.startswith(b":"):
            pseudo[name] = value
        elif name == b"host":
            if host:
                raise BadMessage("there are two Host fields")
            host = value
        elif name == b"cookie":
            cookies.append(value)
        elif name in _OF_CONNECTION:
            raise BadMessage(f"HTTP/2 has no {name.decode()} field")
        else:
            has_length = has_length or name == b"content-length"
            lines.append(b"%s: %s\r\n" % (_CAPITALS.get(name) or name.title(), value))
    if cookies:
        lines.append(b"Cookie: %s\r\n" % b"; ".join(cookies))  # browsers send crumbs (RFC 9113 section 8.2.3)
    method = pseudo.get(b":method", b"")
    if b":protocol" in pseudo:
        method, has_body = _upgrade(method, pseudo[b":protocol"], websocket_key, lines), False
    if has_body and not has_length:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif not has_body and not has_length and method in _WITH_CONTENT:
        lines.append(b"Content-Length: 0\r\n")
    lines.insert(0, b"%s %s HTTP/1.1\r\nHost: %s\r\n" % (method, _path(pseudo), _authority(pseudo, host)))
    raw = b"".join(lines) + b"\r\n"
    if raw.count(b"\n") != len(lines) + 2:  # a value with a line end in it would be a field of its own
        raise BadMessage("a field has a line end in it")
    return raw


def answer_fields(head: bytes, *, to_tunnel: bool = False) -> list[tuple[bytes, bytes]]:
    """The fields of an answer. `to_tunnel`: 101 becomes 200, with which a tunnel begins (RFC 8441 section 5)."""
    status = head[9:12]
    made = [(b":status", b"200" if to_tunnel else status)]
    for name, value in fields(head):
        name = name.lower()
        if name not in _OF_CONNECTION and not (to_tunnel and name == b"sec-websocket-accept"):
            made.append((name, value))
    return made


def asked_fields(head: bytes, scheme: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a request to an upstream, from the head that an upstream of HTTP/1.1 would get."""
    method, _, rest = head.partition(b" ")
    target = rest.partition(b" ")[0]
    made = [(b":method", method), (b":scheme", scheme), (b":path", target)]
    others: list[tuple[bytes, bytes]] = []
    for name, value in fields(head):
        name = name.lower()
        if name == b"host":
            made.append((b":authority", value))
        elif name not in _OF_CONNECTION and name != b"expect":  # the window says how much may come
            others.append((name, value))
    return made + others


def asked_for_tunnel(head: bytes, scheme: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The same for a WebSocket: extended CONNECT (RFC 8441 section 5), and the key that HTTP/1.1 has besides."""
    key = b""
    made = [(b":method", b"CONNECT"), (b":protocol", b"websocket")]
    for name, value in asked_fields(head, scheme)[1:]:
        if name == b"sec-websocket-key":
            key = value
        else:
            made.append((name, value))
    return made, key


def is_success(answered: Fields) -> bool:
    return any(name == b":status" and value.startswith(b"2") for name, value in answered)


def switch_head(answered: Fields, websocket_key: bytes) -> bytes:
    """The 101 with which an upstream of HTTP/1.1 would have opened the tunnel."""
    accept = base64.b64encode(hashlib.sha1(websocket_key + _WEBSOCKET_GUID, usedforsecurity=False).digest())
    made = [(b":status", b"101"), (b"sec-websocket-accept", accept)]
    made += [one for one in answered if one[0] not in (b":status", b"sec-websocket-accept", b"content-length")]
    head = answer_head(made, is_last=False)
    return head[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def answer_head(answered: Fields, *, is_last: bool) -> bytes:
    """The head as an upstream of HTTP/1.1 would have written it. Raises BadMessage."""
    lines: list[bytes] = []
    status = b""
    has_length = False
    for name, value in answered:
        if name == b":status":
            status = value
        elif name not in _OF_CONNECTION:
            has_length = has_length or name == b"content-length"
            lines.append(b"%s: %s\r\n" % (_CAPITALS.get(name) or name.title(), value))
    if not has_length and status not in (b"204", b"304") and not status.startswith(b"1"):
        lines.append(b"Content-Length: 0\r\n" if is_last else b"Transfer-Encoding: chunked\r\n")
    raw = b"HTTP/1.1 %s %s\r\n%s\r\n" % (status, _reason(status), b"".join(lines))
    if raw.count(b"\n") != len(lines) + 2:
        raise BadMessage("a field has a line end in it")
    return raw


def _reason(status: bytes) -> bytes:
    try:
        return HTTPStatus(int(status)).phrase.encode()
    except ValueError:
        return b""


def trailer_lines(trailers: Fields) -> bytes:
    """They go behind the last chunk. Raises BadMessage."""
    if any(b"\n" in value or b"\r" in value or name.startswith(b":") for name, value in trailers):
        raise BadMessage("the trailers are malformed")
    if any(name in NEVER_TRAILING for name, _ in trailers):
        raise BadMessage("a field that frames or routes cannot come behind the body")
    return b"".join(b"%s: %s\r\n" % (name.title(), value) for name, value in trailers)


def _upgrade(method: bytes, protocol: bytes, websocket_key: bytes, lines: list[bytes]) -> bytes:
    if method != b"CONNECT" or protocol != b"websocket":
        raise BadMessage("this door opens tunnels for WebSockets only", 501)
    lines.append(b"Connection: Upgrade\r\n")
    lines.append(b"Upgrade: websocket\r\n")
    lines.append(b"Sec-WebSocket-Key: %s\r\n" % websocket_key)
    return b"GET"


def _path(pseudo: dict[bytes, bytes]) -> bytes:
    path = pseudo.get(b":path", b"")
    if not path and pseudo.get(b":method") == b"CONNECT":
        raise BadMessage("this door is no forward proxy", 501)
    if not path.startswith(b"/") and path != b"*":
        raise BadMessage("the request target is no path")
    return path


def _authority(pseudo: dict[bytes, bytes], host: bytes) -> bytes:
    authority = pseudo.get(b":authority", b"")
    if authority and host and authority.lower() != host.lower():
        raise BadMessage("the authority and the Host field name different hosts")
    return authority or host
