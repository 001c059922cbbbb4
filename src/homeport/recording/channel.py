"""What passes between the engine and the recorder: msgpack values in frames. Only shapes; nothing here sends or waits.

A frame is four bytes of length, one byte of kind, and the value. Batches are numbered: the recorder acknowledges what
is safe in the store, and the engine sends the rest again when the recorder had to be started anew.
"""

from __future__ import annotations

import struct

import msgspec

from homeport.model.exchange import Exchange, ExchangeSummary
from homeport.model.log import LogLine
from homeport.model.status import RecordingState

_PREFIX = struct.Struct(">IB")
PREFIX_BYTES = _PREFIX.size

# engine -> recorder
BATCH, ASK, WATCH, NEWCOMER = 1, 2, 3, 4
# recorder -> engine
HELLO, ANSWER, STATE, NEWS = 11, 12, 13, 14

NEWCOMERS_PER_S = 20  # clients whose process is asked for


class Piece(msgspec.Struct, array_like=True, gc=False):
    """Bytes of an upgraded or TCP connection; `n` counts the pieces of the exchange."""

    exchange: int
    n: int
    at_us: int  # since the exchange was opened
    from_client: bool
    data: bytes


class Batch(msgspec.Struct, array_like=True):
    """What the tap gathered. `wall_s` and `clock_s` are the same moment on both clocks, so that a step of the wall
    clock never bends a duration."""

    number: int
    wall_s: float
    clock_s: float
    closed: list[Exchange] = []
    running: list[Exchange] = []  # announced, or as far as they have come
    pieces: list[Piece] = []
    pieces_cut: dict[int, int] = {}  # exchange -> pieces that were too many
    lines: list[LogLine] = []


class Newcomer(msgspec.Struct, array_like=True):
    """A client that has just connected: asked after at once, because a curl is gone a moment later."""

    client: str
    server_port: int


class Watch(msgspec.Struct, array_like=True):
    """Tell about exchanges that match from now on; `filter` None ends it."""

    watch: int
    filter: str | None


class Search(msgspec.Struct, tag=True, array_like=True, frozen=True):
    filter: str
    limit: int
    before: int | None = None


class Detail(msgspec.Struct, tag=True, array_like=True, frozen=True):
    exchange: int


class BodyOf(msgspec.Struct, tag=True, array_like=True, frozen=True):
    exchange: int
    side: str  # "request" or "response"


class Logs(msgspec.Struct, tag=True, array_like=True, frozen=True):
    app: str | None
    limit: int
    after: int | None = None


class Clear(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Forget every exchange; log lines stay."""


Question = Search | Detail | BodyOf | Logs | Clear


class Ask(msgspec.Struct, array_like=True):
    number: int
    question: Question


class Answer(msgspec.Struct, array_like=True):
    """`error` is (code, message, hint) of a HomeportError; `value` is then nothing."""

    number: int
    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: tuple[str, str, str] | None = None


class Ready(msgspec.Struct, array_like=True):
    """The recorder's first word: the numbers that are free, 0 where the store cannot be read."""

    next_exchange: int
    next_line: int


class Report(msgspec.Struct, array_like=True):
    """How the recording stands; `done` is the last batch that needs no second sending."""

    done: int
    state: RecordingState


class News(msgspec.Struct, array_like=True):
    """What a watch asked for. `skipped` more matched than anybody could read."""

    watch: int
    exchanges: list[ExchangeSummary]
    skipped: int = 0


def frame(kind: int, payload: bytes) -> bytes:
    return _PREFIX.pack(len(payload), kind) + payload


class FrameReader:
    """Bytes in, (kind, payload) out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        buffer = self._buffer
        buffer += data
        frames: list[tuple[int, bytes]] = []
        at = 0
        while len(buffer) - at >= PREFIX_BYTES:
            size, kind = _PREFIX.unpack_from(buffer, at)
            end = at + PREFIX_BYTES + size
            if len(buffer) < end:
                break
            frames.append((kind, bytes(memoryview(buffer)[at + PREFIX_BYTES : end])))
            at = end
        if at == len(buffer):
            self._buffer = bytearray()  # a large batch gives its memory back
        else:
            del buffer[:at]
        return frames
