"""Content codings (RFC 9110 section 8.4): recorded bodies are decoded to be shown, never on the road.

Every decoder has an output limit, because a recorded body may be a bomb. A body that was cut, or that turns into
garbage, gives what could be decoded so far. Nothing here raises on any input.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

_MOST_CODINGS = 4  # nobody stacks more by accident; each layer multiplies what a bomb may cost
_RAW_DEFLATE = -zlib.MAX_WBITS
_GZIP = zlib.MAX_WBITS | 16

# (data, limit in bytes) -> what came out, and whether the input was decoded to its own end
_Decoder = Callable[[bytes, int], tuple[bytes, bool]]


class Decoded(msgspec.Struct, frozen=True):
    """`undone` names the codings that are still on, outermost last, as a header would: "" when all are removed."""

    data: bytes
    is_whole: bool
    undone: str = ""


def decode_content(data: bytes, codings: str, limit_bytes: int) -> Decoded:
    """Remove the codings that a Content-Encoding value names. At most `limit_bytes` come out."""
    names = [name for name in (part.strip().lower() for part in codings.split(",")) if name not in ("", "identity")]
    if len(names) > _MOST_CODINGS:
        return Decoded(data[:limit_bytes], False, ", ".join(names))
    is_whole = True
    while names and data:
        decoder = _decoder(names[-1])
        if decoder is None:
            break
        out, was_whole = decoder(data, limit_bytes)
        if not out and not was_whole:
            break  # nothing of it is what its header says
        data, is_whole = out, is_whole and was_whole
        names.pop()
    return Decoded(data[:limit_bytes], is_whole and not names and len(data) <= limit_bytes, ", ".join(names))


def _decoder(name: str) -> _Decoder | None:
    if name in ("gzip", "x-gzip"):
        return _gunzip
    if name == "deflate":
        return _inflate
    if name == "br":
        return _brotli()
    if name == "zstd":
        return _zstd()
    return None


def _gunzip(data: bytes, limit_bytes: int) -> tuple[bytes, bool]:
    """Several members may follow each other (RFC 1952 section 2.2); what follows them otherwise is padding."""
    parts: list[bytes] = []
    size = 0
    while data:
        part, is_whole, rest = _zlib_once(data, _GZIP, limit_bytes - size)
        parts.append(part)
        size += len(part)
        if not is_whole or size >= limit_bytes or not rest.startswith(b"\x1f\x8b"):
            return b"".join(parts), is_whole and not rest.startswith(b"\x1f\x8b")
        data = rest
    return b"".join(parts), True


def _inflate(data: bytes, limit_bytes: int) -> tuple[bytes, bool]:
    """The zlib format; some servers send bare deflate instead, and every browser takes both."""
    out, is_whole, _ = _zlib_once(data, zlib.MAX_WBITS, limit_bytes)
    if out or is_whole:
        return out, is_whole
    out, is_whole, _ = _zlib_once(data, _RAW_DEFLATE, limit_bytes)
    return out, is_whole


def _zlib_once(data: bytes, window: int, limit_bytes: int) -> tuple[bytes, bool, bytes]:
    """Output, whether the stream reached its end, and what follows it.

    Input goes in pieces, so that what was right before a mistake is kept.
    """
    stream = zlib.decompressobj(window)
    parts: list[bytes] = []
    size, at = 0, 0
    while at < len(data) and size < limit_bytes and not stream.eof:
        piece = stream.unconsumed_tail + data[at : at + 1024]
        at += 1024
        try:
            part = stream.decompress(piece, limit_bytes - size)
        except zlib.error:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts), stream.eof, stream.unused_data + data[at:]


def _brotli() -> _Decoder | None:
    module = _first_of("brotli", "brotlicffi")
    if module is None:
        return None

    def decode(data: bytes, limit_bytes: int) -> tuple[bytes, bool]:
        try:
            stream = module.Decompressor()
            parts = [stream.process(data, output_buffer_limit=limit_bytes)]
            size = len(parts[0])
            while size < limit_bytes and not stream.can_accept_more_data():
                parts.append(stream.process(b"", output_buffer_limit=limit_bytes - size))
                size += len(parts[-1])
            return b"".join(parts), bool(stream.is_finished())
        except (TypeError, AttributeError, module.error):
            # TypeError: a version before 1.2 has no output limit; a bomb is worse than an undecoded body
            return b"", False

    return decode


def _zstd() -> _Decoder | None:
    module = _first_of("compression.zstd", "backports.zstd")
    if module is None:
        return None

    def decode(data: bytes, limit_bytes: int) -> tuple[bytes, bool]:
        parts: list[bytes] = []
        size = 0
        while data and size < limit_bytes:  # frames follow each other (RFC 8878 section 3)
            stream = module.ZstdDecompressor()
            try:
                part = stream.decompress(data, max_length=limit_bytes - size)
            except module.ZstdError:
                return b"".join(parts), False
            parts.append(part)
            size += len(part)
            if not stream.eof:
                return b"".join(parts), False
            data = stream.unused_data
        return b"".join(parts), not data

    return decode


def _first_of(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None
