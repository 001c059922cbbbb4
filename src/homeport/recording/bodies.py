"""A recorded body as it is shown: chunked framing and content codings removed, as text where it is text.

Works on what was kept, however little that is. Nothing here fails on garbage.
"""

from __future__ import annotations

import base64
import codecs

import msgspec

from homeport.model.exchange import Body, Head
from homeport.recording.heads import header
from homeport.wire.content import decode_content
from homeport.wire.http1 import BadMessage, ChunkedBody

SHOWN_LIMIT_BYTES = 1 << 20  # of one decoded body in a detail
FETCHED_LIMIT_BYTES = 16 << 20  # of one decoded body by itself

_BINARY = ("image/", "audio/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip")
# Families of codecs that are charsets. Python has others (idna, rot13 …), some of which take hours for a megabyte.
_CHARSETS = ("utf", "ascii", "iso", "cp", "latin", "koi8", "mac", "big5", "euc", "gb", "shift", "hz", "johab", "tis")
_TEXT_AFTER_ALL = ("image/svg+xml",)


class Content(msgspec.Struct, frozen=True):
    """`undone` names the codings that could not be removed."""

    data: bytes
    is_whole: bool
    media_type: str
    charset: str
    coding: str
    undone: str


def content_of(head: Head, raw: bytes, limit_bytes: int) -> Content:
    data, is_whole = raw, True
    if header(head, "transfer-encoding").lower().endswith("chunked"):
        data, is_whole = without_chunks(raw)
    coding = header(head, "content-encoding").lower()
    decoded = decode_content(data, coding, limit_bytes)
    media_type, charset = read_type(header(head, "content-type"))
    return Content(decoded.data, is_whole and decoded.is_whole, media_type, charset, coding, decoded.undone)


def without_chunks(raw: bytes) -> tuple[bytes, bool]:
    """The content of a chunked body, as far as it goes, and whether its last chunk was there."""
    parts: list[bytes] = []
    chunks = ChunkedBody()
    try:
        chunks.feed(raw, parts)
    except BadMessage:
        pass  # what came before the mistake is content
    if not parts and not chunks.is_done:
        return raw, False
    return b"".join(parts), chunks.is_done


def read_type(content_type: str) -> tuple[str, str]:
    """Media type and charset, both in lower case; "" where they are not given."""
    media_type, *parameters = content_type.lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "charset":
            return media_type.strip(), value.strip("\"' ")
    return media_type.strip(), ""


def body_of(head: Head, raw: bytes, bytes_on_wire: int) -> Body:
    """For a detail: text where it is text, base64 where it is not."""
    content = content_of(head, raw, SHOWN_LIMIT_BYTES)
    body = Body(
        bytes_on_wire=bytes_on_wire,
        kept=len(raw),
        truncated=len(raw) < bytes_on_wire or len(content.data) >= SHOWN_LIMIT_BYTES,
        type=content.media_type,
        coding=content.coding,
    )
    if content.data:
        text = None if content.undone else text_of(content.data, content.media_type, content.charset, body.truncated)
        body.text, body.base64 = text, base64_of(content.data) if text is None else None
    return body


def text_of(data: bytes, media_type: str, charset: str, is_cut: bool) -> str | None:
    """The text, where it is one: a cut one may end inside a character."""
    if media_type.startswith(_BINARY) and media_type not in _TEXT_AFTER_ALL:
        return None
    if b"\x00" in data and not charset.startswith("utf-"):
        return None
    try:
        codec = codecs.lookup(charset or "utf-8")
        if not codec.name.startswith(_CHARSETS):
            return None
        return codecs.getincrementaldecoder(codec.name)().decode(data, final=not is_cut)
    except (LookupError, ValueError):
        return None


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
