"""HTTP/2 frames by h2, in pure Python, for where ngh2 cannot be had (see h2.py).

h2 leaves to its users what ngh2 does itself: bytes that the windows do not let pass wait here, and so do requests of
which the peer takes no more at a time.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import Frame, GoAwayFrame

from homeport.wire.h2 import (
    CONNECTION_WINDOW_BYTES,
    HEADERS_LIMIT_BYTES,
    NO_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_WINDOW_BYTES,
    Broken,
    Chatter,
    Closed,
    Data,
    Event,
    Fields,
    Going,
    Headers,
    Interim,
    Trailers,
    goaway,
    settings,
)

_FIRST_WINDOW_BYTES = 65_535  # RFC 9113 section 6.9.2
_CHATTER = (h2.events.PingReceived, h2.events.RemoteSettingsChanged, h2.events.PriorityUpdated)


@dataclass(slots=True)
class _Stream:
    """What waits to be sent, and how the stream ends."""

    head: tuple[Fields, bool] | None = None  # of a request that the peer does not take yet; whether it is all
    waiting: deque[bytes] = field(default_factory=deque)
    waiting_bytes: int = 0
    trailers: Fields = ()
    is_ending: bool = False  # after what waits
    has_ended: bool = False  # our side
    has_all: bool = False  # the peer's


class _Connection(h2.connection.H2Connection):
    """h2 ends with the GOAWAY that it gets, although streams under way may finish (RFC 9113 section 6.8)."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[h2.events.Event]]:
        if frame.error_code != NO_ERROR:
            return super()._receive_goaway_frame(frame)
        event = h2.events.ConnectionTerminated()
        event.error_code, event.last_stream_id = h2.errors.ErrorCodes.NO_ERROR, frame.last_stream_id
        return [], [event]


class PythonFrames:
    """See MakeFrames."""

    def __init__(self, is_client: bool, stream_window_bytes: int = STREAM_WINDOW_BYTES, /) -> None:
        self.is_over = False
        self._is_client = is_client
        config = h2.config.H2Configuration(client_side=is_client, header_encoding=None)
        self._connection = _Connection(config)
        values = settings(is_client=is_client, stream_window_bytes=stream_window_bytes)
        self._connection.local_settings = h2.settings.Settings(client=is_client, initial_values=_known(values))
        self._connection.decoder.max_header_list_size = HEADERS_LIMIT_BYTES
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(CONNECTION_WINDOW_BYTES - _FIRST_WINDOW_BYTES)
        self._streams: dict[int, _Stream] = {}
        self._events: list[Event] = []
        self._last_allowed = 0x7FFFFFFF  # streams above it come too late
        self._goaway = b""
        self._next_request = 1
        self._has_settings = self._is_going = False

    def receive(self, data: bytes) -> None:
        if self.is_over:
            return
        try:
            for event in self._connection.receive_data(data):
                self._on(event)
        except h2.exceptions.H2Error as error:
            self.is_over = True
            raise Broken(str(error)) from error

    def events(self) -> list[Event]:
        made, self._events = self._events, []
        return made

    def _on(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived | h2.events.ResponseReceived):
            assert event.stream_id is not None
            assert event.headers is not None
            if event.stream_id > self._last_allowed:
                with suppress(h2.exceptions.H2Error):
                    self._connection.reset_stream(event.stream_id, REFUSED_STREAM)
                return
            self._streams.setdefault(event.stream_id, _Stream())
            self._events.append(Headers(event.stream_id, _pairs(event.headers), event.stream_ended is not None))
        elif isinstance(event, h2.events.DataReceived):
            self._on_data(event)
        elif isinstance(event, h2.events.TrailersReceived):
            assert event.stream_id is not None
            assert event.headers is not None
            self._events.append(Trailers(event.stream_id, _pairs(event.headers)))
        elif isinstance(event, h2.events.InformationalResponseReceived):
            assert event.stream_id is not None
            assert event.headers is not None
            self._events.append(Interim(event.stream_id, _pairs(event.headers)))
        elif isinstance(event, h2.events.StreamEnded):
            assert event.stream_id is not None
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                stream.has_all = True
                self._close_when_done(event.stream_id, stream)
        elif isinstance(event, h2.events.StreamReset):
            assert event.stream_id is not None
            self._gone(event.stream_id, int(event.error_code or 0) or PROTOCOL_ERROR)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._on_goaway(event)
        elif isinstance(event, _CHATTER):
            self._has_settings = self._has_settings or isinstance(event, h2.events.RemoteSettingsChanged)
            self._events.append(Chatter())

    def _on_goaway(self, event: h2.events.ConnectionTerminated) -> None:
        last, code = event.last_stream_id or 0, int(event.error_code or 0)
        self._is_going = True
        self.is_over = code != NO_ERROR
        self._events.append(Going(last, code))
        for number in list(self._streams) if self._is_client else ():
            if number > last:
                self._gone(number, REFUSED_STREAM)

    def _on_data(self, event: h2.events.DataReceived) -> None:
        assert event.stream_id is not None
        assert event.data is not None
        is_last = event.stream_ended is not None
        padding = (event.flow_controlled_length or 0) - len(event.data)
        if padding:
            self.consumed(event.stream_id, padding)
        if event.data or is_last:
            self._events.append(Data(event.stream_id, event.data, is_last))
        else:
            self._events.append(Chatter())

    @property
    def takes_tunnels(self) -> bool | None:
        return self._connection.remote_settings.enable_connect_protocol == 1 if self._has_settings else None

    def to_send(self) -> bytes:
        for number, stream in list(self._streams.items()):
            if stream.head is not None and not self._send_head(number, stream):
                break
            if stream.waiting or stream.is_ending:
                with suppress(h2.exceptions.H2Error):
                    self._send_waiting(number, stream)
        goaway, self._goaway = self._goaway, b""
        return self._connection.data_to_send() + goaway

    def _send_waiting(self, number: int, stream: _Stream) -> None:
        connection = self._connection
        while stream.waiting:
            room = min(connection.local_flow_control_window(number), connection.max_outbound_frame_size)
            if room <= 0:
                return
            data = stream.waiting[0]
            if len(data) > room:
                stream.waiting[0] = data[room:]
                data = data[:room]
            else:
                stream.waiting.popleft()
            stream.waiting_bytes -= len(data)
            is_last = stream.is_ending and not stream.trailers and not stream.waiting
            connection.send_data(number, data, end_stream=is_last)
            stream.has_ended = is_last
        if stream.is_ending and not stream.has_ended:
            if stream.trailers:
                connection.send_headers(number, list(stream.trailers), end_stream=True)
            else:
                connection.end_stream(number)
            stream.has_ended = True
        if stream.has_ended:
            stream.is_ending = False
            self._close_when_done(number, stream)

    def _close_when_done(self, number: int, stream: _Stream) -> None:
        if stream.has_all and stream.has_ended:
            self._gone(number, NO_ERROR)

    def _gone(self, number: int, code: int, *, is_ours: bool = False) -> None:
        if self._streams.pop(number, None) is not None:
            self._events.append(Closed(number, code, is_ours))

    def request(self, fields: Fields, *, is_last: bool) -> int | None:
        number = self._next_request
        if self._is_going or self.is_over or number > 0x7FFFFFFF:
            return None
        self._next_request += 2
        self._streams[number] = _Stream(head=(fields, is_last))
        return number

    def _send_head(self, number: int, stream: _Stream) -> bool:
        """Whether the peer takes one more; all of them wait for the first, since numbers must rise."""
        assert stream.head is not None
        fields, is_last = stream.head
        if self._connection.open_outbound_streams >= self._connection.remote_settings.max_concurrent_streams:
            return False
        stream.head = None
        try:
            self._connection.send_headers(number, list(fields), end_stream=is_last)
        except h2.exceptions.H2Error:  # what it does not like about the fields
            self._gone(number, PROTOCOL_ERROR)
        else:
            stream.has_ended = is_last
        return True

    def head(self, stream: int, fields: Fields, *, is_last: bool) -> None:
        found = self._streams.get(stream)
        if found is not None:
            with suppress(h2.exceptions.H2Error):
                self._connection.send_headers(stream, list(fields), end_stream=is_last)
                found.has_ended = is_last
                self._close_when_done(stream, found)

    def interim(self, stream: int, fields: Fields) -> None:
        with suppress(h2.exceptions.H2Error):
            self._connection.send_headers(stream, list(fields))

    def data(self, stream: int, data: bytes) -> None:
        found = self._streams.get(stream)
        if found is not None and data and not found.is_ending:
            found.waiting.append(data)
            found.waiting_bytes += len(data)

    def trailers(self, stream: int, fields: Fields) -> None:
        found = self._streams.get(stream)
        if found is not None:
            found.trailers = fields
            found.is_ending = True

    def end(self, stream: int) -> None:
        found = self._streams.get(stream)
        if found is not None and not found.has_ended:
            found.is_ending = True

    def reset(self, stream: int, code: int) -> None:
        found = self._streams.get(stream)
        if found is None or found.head is None:
            with suppress(h2.exceptions.H2Error):
                self._connection.reset_stream(stream, code)
        self._gone(stream, code, is_ours=True)

    def waiting(self, stream: int) -> int:
        found = self._streams.get(stream)
        return 0 if found is None else found.waiting_bytes

    def consumed(self, stream: int, size: int) -> None:
        with suppress(h2.exceptions.H2Error, ValueError):
            self._connection.acknowledge_received_data(size, stream)

    def leave(self, code: int = NO_ERROR) -> None:
        """h2 sends nothing after a GOAWAY of its own, so one that lets streams finish is written by hand."""
        if code == NO_ERROR:
            self._last_allowed = self._connection.highest_inbound_stream_id
            self._goaway = goaway(NO_ERROR, self._last_allowed)
        else:
            self.is_over = True
            with suppress(h2.exceptions.H2Error):
                self._connection.close_connection(code)


def _known(values: dict[int, int]) -> dict[h2.settings.SettingCodes, int]:
    codes = h2.settings.SettingCodes
    return {codes(code): value for code, value in values.items() if code in codes._value2member_map_}


def _pairs(fields: Fields) -> list[tuple[bytes, bytes]]:
    return [(bytes(name), bytes(value)) for name, value in fields]
