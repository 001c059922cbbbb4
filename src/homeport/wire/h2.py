"""HTTP/2 frames (RFC 9113) behind one small interface: bytes in, events out, no waiting.

Two libraries stand behind it: ngh2 (libnghttp2, twenty times as fast) and h2 (pure Python) where that cannot be had.
One suite of tests runs over both. What a request means is not decided here; see h2_heads.py.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

Fields: TypeAlias = Sequence[tuple[bytes, bytes]]

# RFC 9113 section 7.
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, CALM = 0x0, 0x1, 0x2, 0x7, 0x8, 0xB

STREAMS = 100  # at a time on one connection; RFC 9113 section 6.5.2 advises no fewer
STREAM_WINDOW_BYTES = 128 * 1024  # of a body that may wait for a slow upstream
# So that streams whose upstreams are slow, be it all but one, never take the window of that one.
CONNECTION_WINDOW_BYTES = STREAMS * STREAM_WINDOW_BYTES
HEADERS_ADVISED_BYTES = 64 * 1024  # what HTTP/1.1 has too; heads above it are answered with 431
HEADERS_LIMIT_BYTES = 256 * 1024  # HPACK makes much of little: above it the connection ends
HEADERS_LIMIT_COUNT = 4096

# SETTINGS identifiers, RFC 9113 section 6.5.2, RFC 8441 section 3 and RFC 9218 section 2.1.
_SERVER = {0x3: STREAMS, 0x6: HEADERS_ADVISED_BYTES, 0x8: 1, 0x9: 1}
_CLIENT = {0x2: 0, 0x6: HEADERS_ADVISED_BYTES}


class Headers(msgspec.Struct, frozen=True, gc=False):
    """A request (or, for a client, the final head of an answer)."""

    stream: int
    fields: Fields
    is_last: bool


class Interim(msgspec.Struct, frozen=True, gc=False):
    """1xx, for a client."""

    stream: int
    fields: Fields


class Data(msgspec.Struct, frozen=True, gc=False):
    """Its bytes count against the windows until `consumed` is called."""

    stream: int
    data: bytes
    is_last: bool


class Trailers(msgspec.Struct, frozen=True, gc=False):
    """The last of a message."""

    stream: int
    fields: Fields


class Closed(msgspec.Struct, frozen=True, gc=False):
    """Nothing passes on this stream any more; `code` other than 0: one side broke it off. Comes once a stream."""

    stream: int
    code: int
    is_ours: bool = False  # we broke it off


class Going(msgspec.Struct, frozen=True, gc=False):
    """GOAWAY: the peer takes no further streams, and has never seen those above `last`."""

    last: int
    code: int


class Chatter(msgspec.Struct, frozen=True, gc=False):
    """A frame that costs us work and brings nothing: PING, SETTINGS, DATA without bytes. For keeping count."""


Event: TypeAlias = Headers | Interim | Data | Trailers | Closed | Going | Chatter


class Broken(Exception):  # noqa: N818 - the peer's doing
    """The connection cannot go on; `to_send` still has the GOAWAY that says so."""


class Frames(Protocol):
    """One end of a connection. Calls for a stream that is gone do nothing: its `Closed` is on the way."""

    is_over: bool  # nothing more will come or go

    @property
    def takes_tunnels(self) -> bool | None:
        """Whether the peer knows extended CONNECT (RFC 8441); None until its SETTINGS have come."""

    def receive(self, data: bytes) -> None:
        """Raises Broken."""

    def events(self) -> list[Event]:
        """What has happened since; after `receive` and after `to_send`."""

    def to_send(self) -> bytes: ...

    def request(self, fields: Fields, *, is_last: bool) -> int | None:
        """For a client; the new stream, which waits where the peer takes no more at a time. None: this connection
        has had its last."""

    def head(self, stream: int, fields: Fields, *, is_last: bool) -> None:
        """The final head of an answer."""

    def interim(self, stream: int, fields: Fields) -> None: ...

    def data(self, stream: int, data: bytes) -> None: ...

    def trailers(self, stream: int, fields: Fields) -> None:
        """And the end."""

    def end(self, stream: int) -> None: ...

    def reset(self, stream: int, code: int) -> None: ...

    def waiting(self, stream: int) -> int:
        """Bytes of `data` that the peer's windows have not let pass yet."""

    def consumed(self, stream: int, size: int) -> None: ...

    def leave(self, code: int = NO_ERROR) -> None:
        """GOAWAY; streams under way may finish, unless there is an error."""


class MakeFrames(Protocol):
    """Makes one end, given whether it is the client's."""

    def __call__(self, is_client: bool, stream_window_bytes: int = STREAM_WINDOW_BYTES, /) -> Frames: ...


def settings(*, is_client: bool, stream_window_bytes: int) -> dict[int, int]:
    return {**(_CLIENT if is_client else _SERVER), 0x4: stream_window_bytes}


def goaway(code: int, last: int = 0) -> bytes:
    """The frame, for when a library has given up."""
    return struct.pack(">HBBBIII", 0, 8, 7, 0, 0, last, code)


def frames_factory() -> MakeFrames:
    """The library is loaded here: 35 ms for ngh2, 70 for h2."""
    try:
        from homeport.wire.h2_native import NativeFrames
    except ImportError:
        from homeport.wire.h2_python import PythonFrames

        return PythonFrames
    return NativeFrames
