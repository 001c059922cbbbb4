"""WebSocket frames (RFC 6455) and permessage-deflate (RFC 7692), read from a recorded connection to be shown.

It reads one direction and answers nothing: no masks are demanded, no pings answered, no UTF-8 enforced. Garbage raises
nothing: the reader says why it stopped in `broken`, and what came before stands.
"""

from __future__ import annotations

import zlib

import msgspec

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_KINDS = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
_DEFLATE_TAIL = b"\x00\x00\xff\xff"  # left off by the sender: RFC 7692 section 7.2.1
_STEP_BYTES = 65536
_INFLATE_BUDGET_BYTES = 64 * 1024 * 1024  # of one direction: a megabyte of zeros inflates to a gigabyte


class Deflate(msgspec.Struct, frozen=True):
    """What was agreed for permessage-deflate. A reader needs no window sizes: 32 KiB holds every smaller one."""

    client_keeps_context: bool = True
    server_keeps_context: bool = True


class _BadFrame(Exception):  # noqa: N818 - never leaves this file
    """These bytes are no WebSocket frame, so nothing after them can be read either."""


class WsMessage(msgspec.Struct, frozen=True):
    """One message, whole. `data` holds at most the reader's limit; `size` is what the message really had."""

    kind: str  # "text", "binary", "close", "ping", "pong"
    data: bytes
    size: int


def agreed_deflate(extensions: str) -> Deflate | None:
    """Read the answer's Sec-WebSocket-Extensions; None where permessage-deflate was not agreed."""
    for offer in extensions.split(","):
        name, *parameters = (part.strip().lower() for part in offer.split(";"))
        if name == "permessage-deflate":
            return Deflate(
                "client_no_context_takeover" not in parameters, "server_no_context_takeover" not in parameters
            )
    return None


class FrameReader:
    """Bytes of one direction in, messages out. Keeps at most `limit_bytes` of each message."""

    def __init__(self, *, deflate: Deflate | None, from_client: bool, limit_bytes: int = 1 << 20) -> None:
        self._limit = limit_bytes
        self._inflater = None
        if deflate is not None:
            self._inflater = _Inflater(deflate.client_keeps_context if from_client else deflate.server_keeps_context)
        self.broken = ""  # why nothing more can be read
        self._buffer = bytearray()
        self._opcode = 0  # of the message that is being put together, 0 between messages
        self._is_deflated = False
        self._parts: list[bytes] = []
        self._kept = 0
        self._size = 0

    @property
    def is_between_messages(self) -> bool:
        """Whether everything that was fed has come out."""
        return not self._buffer and not self._opcode

    def feed(self, data: bytes) -> list[WsMessage]:
        """The messages that these bytes complete; none once the reader is broken."""
        messages: list[WsMessage] = []
        if self.broken:
            return messages
        self._buffer += data
        try:
            while (message := self._next()) is not None:
                if message.kind:
                    messages.append(message)
        except _BadFrame as bad:
            self.broken = str(bad)
        return messages

    @property
    def leftover(self) -> bytes:
        """What has not come out as a message: the beginning of a frame, or garbage."""
        return bytes(self._buffer)

    def _next(self) -> WsMessage | None:
        """One frame: the message that it ends, a nameless one where it ends none, None where bytes are missing."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        opcode, is_final = first & 0x0F, bool(first & 0x80)
        self._check(first, opcode, is_final, second & 0x7F)
        at, size = 2, second & 0x7F
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < 2 + width:
                return None
            size = int.from_bytes(buffer[2 : 2 + width], "big")
            at += width
            if size >> 63:
                raise _BadFrame("a frame of more than 2^63 bytes")
        mask = b""
        if second & 0x80:
            if len(buffer) < at + 4:
                return None
            mask = bytes(buffer[at : at + 4])
            at += 4
        if len(buffer) < at + size:
            return None
        payload = bytes(buffer[at : at + size])
        del buffer[: at + size]
        return self._frame(opcode, is_final, bool(first & 0x40), unmask(payload, mask) if mask else payload)

    def _check(self, first: int, opcode: int, is_final: bool, size: int) -> None:
        if first & 0x30:
            raise _BadFrame("reserved bits are set")
        if opcode not in _KINDS and opcode != CONTINUATION:
            raise _BadFrame(f"unknown opcode {opcode}")
        if opcode >= CLOSE and (not is_final or size > 125 or first & 0x40):
            raise _BadFrame("a control frame that is long, fragmented or compressed")
        if first & 0x40 and (self._inflater is None or opcode == CONTINUATION):
            raise _BadFrame("compressed without having agreed to it")
        if (opcode == CONTINUATION) != bool(self._opcode) and opcode < CLOSE:
            raise _BadFrame("a fragment without its beginning, or a beginning inside a message")

    def _frame(self, opcode: int, is_final: bool, is_deflated: bool, payload: bytes) -> WsMessage:
        if opcode >= CLOSE:
            return WsMessage(_KINDS[opcode], payload, len(payload))
        if opcode != CONTINUATION:
            self._opcode, self._is_deflated = opcode, is_deflated
        self._add(payload, is_final)
        if not is_final:
            return WsMessage("", b"", 0)
        message = WsMessage(_KINDS[self._opcode], b"".join(self._parts), self._size)
        self._opcode, self._parts, self._kept, self._size = 0, [], 0, 0
        return message

    def _add(self, payload: bytes, is_final: bool) -> None:
        if self._is_deflated and self._inflater is not None:
            kept, size = self._inflater.inflate(payload, is_final, self._limit - self._kept)
        else:
            kept, size = payload[: self._limit - self._kept], len(payload)
        self._parts.append(kept)
        self._kept += len(kept)
        self._size += size


class _Inflater:
    """One direction's inflation, with its window kept from message to message where that was agreed."""

    def __init__(self, keeps_context: bool) -> None:
        self._keeps_context = keeps_context
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self._budget = _INFLATE_BUDGET_BYTES

    def inflate(self, payload: bytes, is_final: bool, limit_bytes: int) -> tuple[bytes, int]:
        """At most `limit_bytes`, and how long it was. The rest is inflated too: the next message may point into it."""
        data = payload + _DEFLATE_TAIL if is_final else payload
        kept: list[bytes] = []
        room, size = limit_bytes, 0
        part = b""
        while data or len(part) == _STEP_BYTES:  # a full step may have more to give without new input
            try:
                part = self._stream.decompress(data, _STEP_BYTES)
            except zlib.error as error:
                raise _BadFrame(f"cannot be inflated: {error}") from None
            if self._stream.eof:  # a sender may end each message with a final block: RFC 7692 section 7.2.3.5
                data = self._stream.unused_data
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
                data = b"" if data in (_DEFLATE_TAIL, b"\x00" + _DEFLATE_TAIL) else data
            else:
                data = self._stream.unconsumed_tail
            kept.append(part[:room])
            room -= min(room, len(part))
            size += len(part)
            self._budget -= len(part)
            if self._budget < 0:
                raise _BadFrame("inflates without end")
        if is_final and not self._keeps_context:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return b"".join(kept), size


def unmask(payload: bytes, mask: bytes) -> bytes:
    """XOR with the four bytes of `mask`, over and over. As one long integer: 100 times faster than byte by byte."""
    size = len(payload)
    if not size:
        return payload
    pad = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")
