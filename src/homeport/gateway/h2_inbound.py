"""A client connection that speaks HTTP/2: frames in, a stream for each request, frames out. Never looks into a message.

    socket ─► H2Inbound ─► wire.h2 (ngh2 or h2) ─► H2Stream ─► Visit ─► upstream (HTTP/1.1)
           ◄─           ◄─                      ◄─          ◄─

Everything that streams write within one turn of the loop leaves as one write. What the peer may make us do for nothing
has a limit: streams it takes back, frames that carry nothing, heads without an end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from homeport.gateway.h2_allowance import CHATTER, RESETS, Allowance
from homeport.gateway.h2_stream import H2Stream
from homeport.gateway.inbound import DISCARD_S, IDLE_S, LINGER_S
from homeport.wire.h2 import (
    CALM,
    NO_ERROR,
    Broken,
    Chatter,
    Closed,
    Data,
    Event,
    Fields,
    Frames,
    Going,
    Headers,
    Trailers,
    frames_factory,
)

if TYPE_CHECKING:
    from homeport.gateway.inbound import Inbound
    from homeport.gateway.visit import Visit
    from homeport.model.access import Peer
    from homeport.model.net_client import Visitor


class H2Inbound(asyncio.Protocol):
    """Takes over from an `Inbound` that found out; the door keeps it from then on."""

    is_half_closed = False  # a client that says FIN has gone

    def __init__(self, first: Inbound, make: Callable[[bool], Frames] | None = None) -> None:
        self.door = first.door
        self.client = first.client
        self.server_port = first.server_port
        self.is_secure = first.is_secure
        self.only = first.only
        self.transport = first.transport
        self.deadline_s = perf_counter() + IDLE_S
        self._first = first
        self._frames = (make or frames_factory())(False)
        self._streams: dict[int, H2Stream] = {}
        self._written: set[int] = set()  # streams whose queues have changed
        self._is_stuck = False  # the client does not read
        self._is_lost = False
        self._will_flush = False
        self._is_leaving = False
        self._has_left = False  # the client takes no more streams
        self._resets, self._chatter = Allowance(*RESETS), Allowance(*CHATTER)

    def take_over(self, data: bytes) -> None:
        """`data`: what came already, the preface included."""
        self.door.arrived(self)
        self.door.left(self._first)
        self.transport.set_protocol(self)
        if data:
            self.data_received(data)
        else:
            self._flush()

    # What the client does

    def data_received(self, data: bytes) -> None:
        if self._is_lost:
            return
        try:
            self._frames.receive(data)
        except Broken:
            self._give_up(has_failed=True)
            return
        self._attend()
        self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        self._lose_streams()
        self.door.left(self)

    def pause_writing(self) -> None:
        """Nor are more requests read: who does not read answers gets no more of them."""
        self._is_stuck = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_stuck = False
        self.transport.resume_reading()
        self._flush_soon()

    # What the door does

    def overdue(self) -> None:
        if self._is_lost:  # and the client does not take our last words
            self.transport.abort()
        else:
            self.end()

    def end(self) -> None:
        """GOAWAY; streams under way may finish, but for tunnels, which never would."""
        if self._is_leaving:
            return
        self._is_leaving = True
        self._frames.leave()
        for stream in list(self._streams.values()):
            if stream.visit is not None and stream.visit.tunnels:
                stream.lose()
                stream.close()
        self._flush()

    # What streams do

    def forwarded(self, host: bytes) -> bytes:
        return self._first.forwarded(host)

    def peer(self) -> Peer:
        return self._first.peer()

    def visitor(self) -> Visitor:
        return self._first.visitor()

    def visits(self) -> list[Visit]:
        """Of all its streams."""
        return [stream.visit for stream in self._streams.values() if stream.visit is not None]

    def head(self, number: int, fields: Fields, *, is_last: bool) -> None:
        self._frames.head(number, fields, is_last=is_last)
        self._written.add(number)
        self._flush_soon()

    def interim(self, number: int, fields: Fields) -> None:
        self._frames.interim(number, fields)
        self._flush_soon()

    def write(self, number: int, data: bytes) -> None:
        self._frames.data(number, data)
        self._written.add(number)
        self._flush_soon()

    def trailers(self, number: int, fields: Fields) -> None:
        self._frames.trailers(number, fields)
        self._written.add(number)
        self._flush_soon()

    def end_stream(self, number: int) -> None:
        self._frames.end(number)
        self._written.add(number)
        self._flush_soon()

    def reset(self, number: int, code: int) -> None:
        """What was written before still leaves, as far as the client's window lets it."""
        self._send()
        self._frames.reset(number, code)
        self._flush_soon()

    def consumed(self, number: int, size: int) -> None:
        if size:
            self._frames.consumed(number, size)
            self._flush_soon()

    # Events

    def _attend(self) -> None:
        for event in self._frames.events():
            if self._is_lost:
                break
            self._on(event)

    def _on(self, event: Event) -> None:
        if isinstance(event, Headers):
            self._begin(event)
        elif isinstance(event, Data):
            stream = self._streams.get(event.stream)
            if stream is None:
                self._frames.consumed(event.stream, len(event.data))
            else:
                stream.take(event.data, is_last=event.is_last)
        elif isinstance(event, Closed):
            self._closed(event)
        elif isinstance(event, Trailers):
            stream = self._streams.get(event.stream)
            if stream is not None:
                stream.take_trailers(event.fields)
        elif isinstance(event, Chatter):
            if not self._chatter.spend(perf_counter()):
                self._calm()
        elif isinstance(event, Going):
            self._has_left = True

    def _begin(self, event: Headers) -> None:
        self.deadline_s = 0.0
        stream = self._streams[event.stream] = H2Stream(self, event.stream)
        stream.ask(event.fields, is_last=event.is_last, now_s=perf_counter())

    def _closed(self, event: Closed) -> None:
        stream = self._streams.pop(event.stream, None)
        self._written.discard(event.stream)
        if stream is not None:
            stream.is_gone = True
            stream.lose()
        if not self._streams:
            self.deadline_s = perf_counter() + IDLE_S
        if event.code != NO_ERROR and not event.is_ours and not self._resets.spend(perf_counter()):
            self._calm()

    def _calm(self) -> None:
        self._frames.leave(CALM)
        self._give_up(has_failed=True)

    def _give_up(self, *, has_failed: bool = False) -> None:
        """Say the last words and close. Closing while the client still sends would reset them away, so that waits."""
        self._lose_streams()
        if self._is_lost:
            return
        self._is_lost = True
        self.deadline_s = perf_counter() + DISCARD_S
        self.transport.write(self._frames.to_send())
        if has_failed:
            self.door.loop.call_later(LINGER_S, self.transport.close)
        else:
            self.transport.close()

    def _lose_streams(self) -> None:
        streams, self._streams = self._streams, {}
        self._written.clear()
        for stream in streams.values():
            stream.is_gone = True
            stream.lose()

    # Sending

    def _flush_soon(self) -> None:
        if not self._will_flush:
            self._will_flush = True
            self.door.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._will_flush = False
        if self._is_lost:
            return
        self._send()
        self._attend()
        self._look_at_queues()
        if self._frames.is_over or ((self._is_leaving or self._has_left) and not self._streams):
            self._give_up()

    def _send(self) -> None:
        if not self._is_stuck and not self._is_lost:
            data = self._frames.to_send()
            if data:
                self.transport.write(data)

    def _look_at_queues(self) -> None:
        """Streams that wait for their client stop their upstreams, and are looked at until they wait no more."""
        for number in list(self._written):
            stream = self._streams.get(number)
            if stream is None:
                self._written.discard(number)
                continue
            waiting_bytes = self._frames.waiting(number)
            stream.look_at_queue(waiting_bytes)
            if not waiting_bytes and not self._is_stuck:
                self._written.discard(number)
                stream.settle()
