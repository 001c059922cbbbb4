"""A client that is asked in HTTP/1.1 text and speaks HTTP/2, so that the same tests can walk the road both ways.

Built on h2, which the door does not use where it has ngh2. Requests become streams, and `head` and `body` read their
answers in the order in which they were asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from homeport.wire.h2 import Event, Fields, Frames
from homeport.wire.h2_native import NativeFrames
from homeport.wire.http1 import parse_request_head, without_dropped

T = TypeVar("T", bound=Event)
OF_CONNECTION = (b"connection", b"upgrade", b"transfer-encoding", b"keep-alive")


@dataclass
class Answer:
    """What has come on one stream, as HTTP/1.1 writes it."""

    number: int
    asks_for_tunnel: bool = False
    text: bytearray = field(default_factory=bytearray)
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    has_ended: bool = False
    reset_code: int | None = None

    def add_head(self, fields: Any) -> None:
        pairs = [(bytes(name), bytes(value)) for name, value in fields]
        status = int(dict(pairs)[b":status"])
        if self.asks_for_tunnel and status == 200:
            status = 101
        self.text += b"HTTP/1.1 %d %s\r\n" % (status, HTTPStatus(status).phrase.encode())
        for name, value in pairs[1:]:
            self.text += b"%s: %s\r\n" % (name.title(), value)
        if status == 101:
            self.text += b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        self.text += b"\r\n"


class FramesClient:
    """Frames and events, for what no decent client does. Reads when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.frames: Frames = NativeFrames(True)
        self.events: list[Event] = []
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.frames.to_send())
        self.events += self.frames.events()

    def ask(self, fields: Fields, *, is_last: bool = True) -> int:
        number = self.frames.request(fields, is_last=is_last)
        assert number is not None
        self.flush()
        return number

    async def until(self, kind: type[T]) -> T:
        """The next event of that kind; what came before it is forgotten."""
        async with asyncio.timeout(10):
            while True:
                while self.events:
                    event = self.events.pop(0)
                    if isinstance(event, kind):
                        return event
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError
                self.frames.receive(data)
                self.events += self.frames.events()
                self.flush()

    async def rest(self) -> bytes:
        """What the door still says until it closes."""
        data = b""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    data += piece
        return data

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class H2Client:
    """The methods of `Client`; prior knowledge, no TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.raw = writer
        self.writer = self  # for the tests that drain, pause or abort
        self.transport = writer.transport
        config = h2.config.H2Configuration(client_side=True, header_encoding=None, validate_outbound_headers=False)
        self.connection = h2.connection.H2Connection(config)
        self.connection.initiate_connection()
        self.answers: deque[Answer] = deque()
        self.by_number: dict[int, Answer] = {}
        self.waiting_heads: deque[tuple[list[tuple[bytes, bytes]], bool, Answer, int]] = deque()
        self.unsent: dict[int, bytearray] = {}
        self.ends: set[int] = set()
        self.changed = asyncio.Event()
        self.kept = b""
        self.left = 0  # bytes of the body that is being sent
        self.sending = 0
        self.tunnel = 0
        self.has_settings = False
        self.is_closed = False
        self.task = asyncio.get_running_loop().create_task(self._read())
        self._flush()

    # Asking

    def send(self, data: bytes) -> None:
        if self.tunnel:
            self._queue(self.tunnel, data)
        else:
            self.kept += data
            while self._take():
                pass
        self._flush()

    def _take(self) -> bool:
        """One head, or what there is of a body; whether something was taken."""
        if self.left:
            data, self.kept = self.kept[: self.left], self.kept[self.left :]
            self.left -= len(data)
            if data:
                self._queue(self.sending, data, is_last=not self.left)
            return bool(data and self.kept)
        end = self.kept.find(b"\r\n\r\n")
        if end < 0:
            return False
        raw, self.kept = self.kept[: end + 4], self.kept[end + 4 :]
        self._ask(raw)
        return True

    def _ask(self, raw: bytes) -> None:
        head = parse_request_head(raw)
        is_tunnel = bool(head.upgrade)
        fields = [
            (b":method", b"CONNECT" if is_tunnel else head.method),
            (b":scheme", b"http"),
            (b":path", head.target),
        ]
        fields.append((b":authority", head.host))
        if is_tunnel:
            fields.insert(1, (b":protocol", head.upgrade))
        passed = parse_request_head(without_dropped(head))
        for name, value in passed.headers:
            if name.lower() not in (*OF_CONNECTION, b"host"):
                fields.append((name.lower(), value))
        answer = Answer(0, is_tunnel)
        self.answers.append(answer)
        is_last = not head.body and not is_tunnel
        self.left = head.body
        number = 2 * len(self.by_number) + 1
        answer.number = self.sending = number
        self.by_number[number] = answer
        if not is_last:
            self.unsent[number] = bytearray()
        self.waiting_heads.append((fields, is_last, answer, number))
        if is_tunnel:
            self.tunnel = number
            self._queue(number, self.kept)
            self.kept = b""

    def _queue(self, number: int, data: bytes, *, is_last: bool = False) -> None:
        self.unsent[number] += data
        if is_last:
            self.ends.add(number)

    def _flush(self) -> None:
        connection = self.connection
        with contextlib.suppress(h2.exceptions.ProtocolError):
            while self.waiting_heads and connection.open_outbound_streams < 100:
                fields, is_last, answer, number = self.waiting_heads[0]
                if answer.asks_for_tunnel and not self.has_settings:
                    break  # only they say that tunnels are known
                self.waiting_heads.popleft()
                connection.send_headers(number, fields, end_stream=is_last)
            for number in list(self.unsent):
                self._flush_body(number)
        if not self.is_closed:
            self.raw.write(connection.data_to_send())

    def _flush_body(self, number: int) -> None:
        unsent = self.unsent[number]
        if any(waiting[3] == number for waiting in self.waiting_heads) or self.by_number[number].reset_code is not None:
            return
        while unsent:
            size = min(len(unsent), 16384, self.connection.local_flow_control_window(number))
            if size <= 0:
                return
            is_last = size == len(unsent) and number in self.ends
            self.connection.send_data(number, bytes(unsent[:size]), end_stream=is_last)
            del unsent[:size]
            if is_last:
                del self.unsent[number]

    # Reading

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionError, h2.exceptions.ProtocolError):
            while data := await self.reader.read(65536):
                for event in self.connection.receive_data(data):
                    self._on(event)
                self._flush()
                self.changed.set()
        self.is_closed = True
        self.changed.set()

    def _on(self, event: Any) -> None:
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.has_settings = True
        answer = self.by_number.get(getattr(event, "stream_id", None) or 0)
        if answer is None:
            return
        if isinstance(event, h2.events.InformationalResponseReceived | h2.events.ResponseReceived):
            answer.add_head(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            answer.text += event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, answer.number)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = [(bytes(name), bytes(value)) for name, value in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            answer.has_ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.has_ended = True
            answer.reset_code = int(event.error_code)

    async def _change(self) -> None:
        self.changed.clear()
        if self.is_closed:
            raise asyncio.IncompleteReadError(b"", None)
        await self.changed.wait()

    async def head(self) -> bytes:
        async with asyncio.timeout(10):
            while True:
                while len(self.answers) > 1 and self.answers[0].has_ended and not self.answers[0].text:
                    self.answers.popleft()
                answer = self.answers[0]
                end = answer.text.find(b"\r\n\r\n")
                if end >= 0:
                    raw = bytes(answer.text[: end + 4])
                    del answer.text[: end + 4]
                    return raw
                await self._change()

    async def body(self, size: int) -> bytes:
        async with asyncio.timeout(10):
            answer = self.answers[0]
            while len(answer.text) < size:
                await self._change()
            data = bytes(answer.text[:size])
            del answer.text[:size]
            return data

    async def rest(self) -> bytes:
        async with asyncio.timeout(15):
            with contextlib.suppress(asyncio.IncompleteReadError):
                while not all(answer.has_ended for answer in self.answers):
                    await self._change()
        return b"".join(bytes(answer.text) for answer in self.answers)

    async def close(self) -> None:
        self.raw.close()
        with contextlib.suppress(ConnectionError):
            await self.raw.wait_closed()
        await self.task

    # What tests do with the writer

    async def drain(self) -> None:
        while any(self.unsent.values()) and not self.is_closed:
            await self._change()
        await self.raw.drain()

    def get_extra_info(self, name: str) -> Any:
        return self.raw.get_extra_info(name)
