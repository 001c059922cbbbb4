"""One direction of a TCP connection: what its source sends goes to its sink, in order, and so does the end of it.

    source ──read──► (at most one chunk in hand) ──write──► sink        little: through memory, two calls per message
    source ──splice──► pipe ──splice──► sink                            bulk: inside the kernel

While the sink takes no more, the source is not read: that is the back-pressure. Bytes are looked at only to keep the
first ones for the recording. A flow never closes a socket; what broke is told to its connection.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import TYPE_CHECKING

from homeport.gateway.tcp_handle import handle, read, write
from homeport.gateway.tcp_pipes import HAS_SPLICE, PIPE_BYTES, Pipe
from homeport.streams.poller import ERROR, READ, WRITE

if TYPE_CHECKING:
    from homeport.gateway.tcp_held import Held
    from homeport.gateway.tcp_link import Link

LITTLE = 16 * 1024  # a message that fills this is taken for the beginning of bulk
CHUNK = 64 * 1024  # where bulk has to be copied
TURN = 4 * 1024 * 1024  # about 2 ms; then the others get theirs
_UNUSUAL = ~(READ | WRITE)
_NOTHING = (0, False)
_SPLICE_FLAGS = (os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK) if HAS_SPLICE else 0


class Flow:
    """`plain` is the one question of the fast path: nothing blocked, ended, in bulk or still to be kept."""

    __slots__ = (
        "back", "blocked", "bulk", "ended", "exchange", "held", "keep", "kept", "link", "pending", "pipe", "plain",
        "queued", "sink", "sink_socket", "source", "upward",
    )  # fmt: skip

    back: Flow  # the other direction, set by the connection

    def __init__(self, link: Link, source: socket.socket, sink: socket.socket, *, upward: bool) -> None:
        self.link = link
        self.source = handle(source)
        self.sink = handle(sink)
        self.sink_socket = sink
        self.upward = upward
        self.exchange = link.exchange
        self.keep = link.route.keep_bytes
        self.kept = self.exchange.request_body if upward else self.exchange.response_body
        self.bulk = self.blocked = self.ended = self.queued = False
        self.plain = not self.keep
        self.pending: bytes | memoryview = b""
        self.pipe: Pipe | None = None
        self.held: Held | None = None

    def on_event(self, events: int) -> None:
        """The source can be read, or (for the other direction) takes bytes again."""
        if events & WRITE and self.back.blocked:
            self.back.resume()
        if not self.plain or events & _UNUSUAL:
            self._unusual(events)
            return
        if not events & READ:
            return
        try:
            data = read(self.source, LITTLE)
        except OSError as error:
            self._not_read(error)
            return
        size = len(data)
        if not size:
            self.end()
            return
        if self.upward:
            self.exchange.request_bytes += size
        else:
            self.exchange.response_bytes += size
            if not self.exchange.answered_s:
                self.exchange.answered_s = time.perf_counter()
        try:
            sent = write(self.sink, data)
        except OSError as error:
            self._not_written(data, error)
            return
        if sent < size:
            self._block(memoryview(data)[sent:])
        elif size == LITTLE:
            self._begin_bulk()
            self.pump()

    def pump(self, *, thorough: bool = True) -> None:
        """Move until the source is empty, the sink is full or the turn is over. `thorough`: a short read proves
        nothing, as an edge may be behind us."""
        if self.held is not None:
            self.held.look_again()
            return
        left = TURN
        while not (self.blocked or self.ended or self.queued):
            moved, more = self._splice() if self.bulk and not self.keep else self._copy()
            left -= moved
            if not moved or not (more or thorough):
                break
            if left <= 0 and not self.blocked:
                self.queued = True
                self.link.loop.again.append(self)
        if not self.blocked:
            self._give_pipe_back()
            if TURN - left < LITTLE:
                self.bulk = False
        self.plain = not (self.blocked or self.ended or self.queued or self.bulk or self.keep)

    def next_turn(self) -> None:
        self.queued = False
        self.pump()
        self.link.bury()

    def resume(self) -> None:
        """The sink takes bytes again."""
        self.blocked = False
        if self.pending:
            self.write(self.pending)
        elif self.pipe is not None and self.pipe.held:
            self._pour(self.pipe)
        if not self.blocked:
            self.link.rewant()
            self.pump()
            self.link.bury()

    def drop(self) -> None:
        """Nothing can be passed on any more: whatever is in hand is lost."""
        self.ended = True
        self.blocked = self.plain = False
        self.pending = b""
        self._give_pipe_back()
        if self.held is not None:
            self.held.forget()
            self.held = None

    def abandon(self) -> None:
        self.link.abandon()

    def hold(self, held: Held) -> None:
        """From the next byte on it is `held` that reads and writes."""
        self.held = held
        self.plain = self.bulk = False
        if self.upward:
            self.link.do_not_pace()
        if not self.blocked:
            self._give_pipe_back()

    def let_loose(self) -> None:
        """Nothing is asked of this direction any more, and nothing of it is under way."""
        self.held = None
        self._give_pipe_back()
        self.link.rewant()
        self.pump()

    @property
    def wants_to_read(self) -> bool:
        return not (self.blocked or self.ended) if self.held is None else not self.ended and self.held.is_reading

    @property
    def is_busy(self) -> bool:
        """There is something that should still go through."""
        return self.blocked or self.queued or (self.held is not None and self.held.is_busy)

    def _unusual(self, events: int) -> None:
        if self.held is not None:
            self.held.on_event(events)
        elif not (self.blocked or self.ended):
            if events & ~WRITE:
                self.pump(thorough=bool(events & _UNUSUAL))
        elif events & ERROR:  # nobody is reading, so nobody else would notice
            self.link.source_lost(self, None)

    def _begin_bulk(self) -> None:
        self.bulk = HAS_SPLICE
        if self.upward:  # what is accepted has it from its listener
            self.link.do_not_pace()

    def _copy(self) -> tuple[int, bool]:
        """How many bytes, and whether there may be more."""
        try:
            data = read(self.source, CHUNK)
        except OSError as error:
            return self._not_read(error)
        size = len(data)
        if not size:
            return self.end()
        self.seen(data)
        if size == CHUNK:
            self._begin_bulk()
        self.write(data)
        return size, size == CHUNK

    def _not_read(self, error: OSError) -> tuple[int, bool]:
        if not isinstance(error, BlockingIOError):
            self.link.source_lost(self, error)
        return _NOTHING

    def write(self, data: bytes | memoryview) -> None:
        try:
            sent = write(self.sink, data)
        except OSError as error:
            self._not_written(data, error)
            return
        if sent < len(data):
            self._block(memoryview(data)[sent:])
        else:
            self.pending = b""

    def _not_written(self, data: bytes | memoryview, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            self._block(data)
        else:
            self.link.sink_lost(self, error)

    def _splice(self) -> tuple[int, bool]:
        pipe = self.pipe or self.link.loop.pipes.borrow()
        if pipe is None:
            self.bulk = False
            return self._copy()
        self.pipe = pipe
        try:
            moved = os.splice(self.source, pipe.inlet, PIPE_BYTES, flags=_SPLICE_FLAGS)
        except OSError as error:
            return self._not_read(error)
        if not moved:
            return self.end()
        self._count(moved)
        pipe.held = moved
        self._pour(pipe)
        return moved, True

    def _pour(self, pipe: Pipe) -> None:
        """Empty the pipe into the sink, as far as that goes."""
        while pipe.held:
            try:
                pipe.held -= os.splice(pipe.outlet, self.sink, pipe.held, flags=_SPLICE_FLAGS)
            except BlockingIOError:
                self._block(b"")
                return
            except OSError as error:
                if error.errno == errno.EINVAL:  # a sink that cannot be spliced to
                    data = os.read(pipe.outlet, pipe.held)
                    pipe.held -= len(data)
                    self.write(data)
                    if self.blocked:
                        return
                    continue
                self.link.sink_lost(self, error)
                return

    def seen(self, data: bytes) -> None:
        """Count it, and keep the first of it."""
        self._count(len(data))
        if self.keep:
            self.kept.append(data[: self.keep])
            self.keep = max(0, self.keep - len(data))

    def _count(self, size: int) -> None:
        if self.upward:
            self.exchange.request_bytes += size
        else:
            self.exchange.response_bytes += size
            self.exchange.answered_s = self.exchange.answered_s or time.perf_counter()

    def _block(self, rest: bytes | memoryview) -> None:
        self.pending = rest
        self.blocked = True
        self.plain = False
        self.link.rewant()

    def end(self) -> tuple[int, bool]:
        """The source sent its end: so do we."""
        self.ended = True
        self.plain = False
        if self.upward:
            self.exchange.sent_s = time.perf_counter()
        # Where both have ended, closing says so; where a reset follows, it must not look like an end.
        if not self.back.ended and self.link.doom is None:
            try:
                self.sink_socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it was reset meanwhile: its own event says so
        self.link.ended()
        return _NOTHING

    def _give_pipe_back(self) -> None:
        if self.pipe is not None:
            self.link.loop.pipes.give_back(self.pipe)
            self.pipe = None
