"""WebSocket frames put together to messages: what the websockets library's protocol reads, told as one thing each.

Used on both sides. It answers nothing and keeps at most one unfinished message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from websockets.protocol import Event

LONGEST_BYTES = 16 << 20  # of one message


class Message(msgspec.Struct, frozen=True):
    """`kind` is text, binary, ping, pong or close; a close has a code (1005 where none was given) and a reason."""

    kind: str
    data: bytes
    code: int = 0


class Messages:
    """Frames in, messages out."""

    def __init__(self) -> None:
        self._kind = ""
        self._parts: list[bytes] = []

    def read(self, events: Iterable[Event]) -> Iterator[Message]:
        from websockets.frames import Close, Frame, Opcode

        for frame in events:
            if not isinstance(frame, Frame):
                continue  # the handshake
            data = bytes(frame.data)
            if frame.opcode is Opcode.CLOSE:
                close = Close.parse(data)
                yield Message("close", close.reason.encode(), int(close.code))
            elif frame.opcode in (Opcode.PING, Opcode.PONG):
                yield Message(frame.opcode.name.lower(), data)
            else:
                self._kind = self._kind or frame.opcode.name.lower()
                self._parts.append(data)
                if frame.fin:
                    yield Message(self._kind, b"".join(self._parts))
                    self._kind, self._parts = "", []


def close_words(code: int, reason: str = "") -> str:
    """`1000 (OK)`, `4001 bye`: the code with what RFC 6455 section 7.4.1 calls it."""
    from websockets.frames import Close

    return str(Close(code, reason))
