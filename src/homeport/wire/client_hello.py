"""The first message of TLS (RFC 8446 section 4.1.2): which name the client asks for, and which protocols it offers.

Only that is read, so that the certificate can be chosen before the handshake begins; OpenSSL judges all the rest. Says
NEED_MORE rather than guess: with post-quantum key shares a hello is longer than a packet.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

from homeport.model.fact import Fact

LIMIT_BYTES = 64 * 1024  # browsers send 0.3 to 2 KiB
_RECORD_LIMIT_BYTES = 16 * 1024 + 256  # RFC 8446 section 5.2, as receivers must allow
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _ALPN, _HOST_NAME = 0, 16, 0
_LENGTH, _EXTENSION = struct.Struct("!H"), struct.Struct("!HH")

NEED_MORE: Final = "need more"
NOT_TLS: Final = "not TLS"

# Fatal alerts before a handshake (RFC 8446 section 6): the client says what they mean instead of "garbage".
HANDSHAKE_FAILURE: Final = b"\x15\x03\x01\x00\x02\x02\x28"
ACCESS_DENIED: Final = b"\x15\x03\x01\x00\x02\x02\x31"
UNRECOGNISED_NAME: Final = b"\x15\x03\x01\x00\x02\x02\x70"


class ClientHello(Fact):
    """`server_name` is lower case without a trailing dot; "" where the client sent none, as it does for addresses."""

    server_name: str = ""
    alpn: tuple[bytes, ...] = ()


def client_hello(data: bytes) -> ClientHello | Literal["need more", "not TLS"]:
    """Read the hello at the start of `data`, which may lie in several records."""
    message = _message(data)
    if isinstance(message, str):
        return message
    try:
        return _read(message)
    except (IndexError, struct.error, UnicodeDecodeError):
        return NOT_TLS


def _message(data: bytes) -> bytes | Literal["need more", "not TLS"]:
    """The handshake message without the records that carry it (RFC 8446 section 5.1)."""
    message, at = b"", 0
    while True:
        header = data[at : at + 5]
        if header[:1] not in (b"", bytes([_HANDSHAKE])) or len(data) > LIMIT_BYTES:
            return NOT_TLS
        if len(header) < 5:
            return NEED_MORE
        length = int.from_bytes(header[3:])
        if not 0 < length <= _RECORD_LIMIT_BYTES:
            return NOT_TLS
        message += data[at + 5 : at + 5 + length]
        if message[:1] not in (b"", bytes([_CLIENT_HELLO])):
            return NOT_TLS
        if len(message) >= 4:
            end = 4 + int.from_bytes(message[1:4])
            if end > LIMIT_BYTES:
                return NOT_TLS
            if len(message) >= end:
                return message[4:end]
        at += 5 + length
        if at > len(data):
            return NEED_MORE


def _read(message: bytes) -> ClientHello:
    """Raises IndexError or struct.error where a length leads beyond the end."""
    at = 2 + 32  # version, random
    at += 1 + message[at]  # session
    at += 2 + _LENGTH.unpack_from(message, at)[0]  # cipher suites
    at += 1 + message[at]  # compressions
    if at == len(message):
        return ClientHello()
    end = at + 2 + _LENGTH.unpack_from(message, at)[0]
    at += 2
    name = ""
    alpn: tuple[bytes, ...] = ()
    while at < end:
        kind, length = _EXTENSION.unpack_from(message, at)
        at += 4
        if kind == _SERVER_NAME:
            name = _server_name(message[at : at + length])
        elif kind == _ALPN:
            alpn = _protocols(message[at : at + length])
        at += length
    if at != end or end > len(message):
        raise IndexError
    return ClientHello(server_name=name, alpn=alpn)


def _server_name(body: bytes) -> str:
    """RFC 6066 section 3."""
    names, _ = _vector(body, 0, 2)
    if not names or names[0] != _HOST_NAME:
        return ""
    return _vector(names, 1, 2)[0].decode("ascii").lower().removesuffix(".")


def _protocols(body: bytes) -> tuple[bytes, ...]:
    """RFC 7301 section 3.1."""
    names, _ = _vector(body, 0, 2)
    found, at = [], 0
    while at < len(names):
        name, at = _vector(names, at, 1)
        found.append(name)
    return tuple(found)


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """What a length of `width` bytes announces, and where it ends."""
    length = int.from_bytes(_take(data, at, width))
    return _take(data, at + width, length), at + width + length


def _take(data: bytes, at: int, count: int) -> bytes:
    found = data[at : at + count]
    if len(found) != count:
        raise IndexError
    return found
