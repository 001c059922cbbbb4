"""What the engine has for the recorder and the recorder has not confirmed: bounded, numbered, sent again when needed.

Nothing here sends. What finds no room is dropped and counted: the recorder does not keep up, or is not there.
"""

from __future__ import annotations

from collections import deque

import msgspec

from homeport.recording.channel import BATCH, Batch, frame

LIMIT_BYTES = 16 << 20  # half a second of the fastest road, which is the longest stall of a usual disk
_MOST_TRIES = 5  # of the first batch: one that ends every recorder must not end all recording


class _Waiting(msgspec.Struct):
    number: int
    frame: bytes
    exchanges: int
    lines: int
    tries: int = 1


class Outbox:
    """`lost` and `lost_lines` count what was dropped."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.lost = 0
        self.lost_lines = 0
        self._limit = limit_bytes
        self._bytes = 0
        self._number = 0
        self._waiting: deque[_Waiting] = deque()
        self._encoder = msgspec.msgpack.Encoder()

    def put(self, batch: Batch) -> bytes:
        """Number a batch and keep it until it is done; the frame to send, b"" where there is no room."""
        self._number += 1
        batch.number = self._number
        try:
            data = frame(BATCH, self._encoder.encode(batch)) if self._bytes < self._limit else b""
        except (UnicodeEncodeError, TypeError, ValueError):
            data = b""  # some text in it is no text; taps do not raise
        waiting = _Waiting(batch.number, data, len(batch.closed), len(batch.lines))
        if not data:
            self._drop(waiting)
            return b""
        self._waiting.append(waiting)
        self._bytes += len(data)
        return data

    def done(self, number: int) -> None:
        """The recorder has everything up to this batch, or has counted it as lost."""
        while self._waiting and self._waiting[0].number <= number:
            self._bytes -= len(self._waiting.popleft().frame)

    def again(self) -> list[bytes]:
        """Everything for a new recorder, in order."""
        if self._waiting:
            first = self._waiting[0]
            first.tries += 1
            if first.tries > _MOST_TRIES:
                self._drop(first)
                self.done(first.number)
        return [waiting.frame for waiting in self._waiting]

    @property
    def backlog_bytes(self) -> int:
        return self._bytes

    def _drop(self, waiting: _Waiting) -> None:
        self.lost += waiting.exchanges
        self.lost_lines += waiting.lines
