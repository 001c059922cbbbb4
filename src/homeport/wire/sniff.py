"""What a connection speaks, from its first bytes. Says NEED_MORE rather than guess; never consumes anything."""

from __future__ import annotations

import re
from enum import Enum

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4
_METHOD_SO_FAR = re.compile(rb"(?:\r\n)*[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?: |\Z)")


class Speech(Enum):
    """`RAW` is whatever is none of the others."""

    NEED_MORE = "need more"
    TLS = "tls"
    HTTP1 = "http/1"
    HTTP2 = "http/2"
    RAW = "raw"


def sniff(data: bytes) -> Speech:
    """Tell TLS (a handshake record, RFC 8446 section 5.1), the HTTP/2 preface and an HTTP/1 request line apart."""
    if not data:
        return Speech.NEED_MORE
    if data[0] == 0x16:
        if len(data) < 3:
            return Speech.NEED_MORE
        return Speech.TLS if data[1] == 3 and data[2] <= 4 else Speech.RAW
    if data.startswith(HTTP2_PREFACE):
        return Speech.HTTP2
    if HTTP2_PREFACE.startswith(data):
        return Speech.NEED_MORE
    if data in (b"\r", b"\r\n"):
        return Speech.NEED_MORE
    return Speech.HTTP1 if _METHOD_SO_FAR.match(data) else Speech.RAW
