"""HTTP/2 frames by ngh2, a binding of libnghttp2 (see h2.py). Pinned, since it is young: all use of it is in here."""

from __future__ import annotations

from contextlib import suppress

import ngh2

from homeport.wire.h2 import (
    CALM,
    CONNECTION_WINDOW_BYTES,
    HEADERS_LIMIT_BYTES,
    HEADERS_LIMIT_COUNT,
    NO_ERROR,
    PROTOCOL_ERROR,
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

_CONFIGURATION = ngh2.Configuration(
    auto_window_update=False,
    max_inbound_header_list_size=HEADERS_LIMIT_BYTES,
    max_inbound_header_count=HEADERS_LIMIT_COUNT,
    max_send_header_block_length=2 * HEADERS_LIMIT_BYTES,
    # libnghttp2 also counts each partial read of a frame's nine bytes here (its issue 2817): one slow CONTINUATION
    # makes nine. 64 KiB of fields need four, and what has no bytes is still bounded.
    max_continuations=64,
)
_CONNECTS = 0x8  # SETTINGS_ENABLE_CONNECT_PROTOCOL
_HEADERS = (ngh2.RequestReceived, ngh2.ResponseReceived)
_CHATTER = (ngh2.PingReceived, ngh2.SettingsReceived, ngh2.PriorityUpdateReceived)


class NativeFrames:
    """See MakeFrames."""

    def __init__(self, is_client: bool, stream_window_bytes: int = STREAM_WINDOW_BYTES, /) -> None:
        self.is_over = False
        self._has_settings = False
        self._connection = ngh2.Connection(ngh2.Role.CLIENT if is_client else ngh2.Role.SERVER, _CONFIGURATION)
        self._connection.initiate_connection(settings(is_client=is_client, stream_window_bytes=stream_window_bytes))
        self._connection.set_local_window_size(CONNECTION_WINDOW_BYTES)
        self._last_words = b""
        self._broken_off: set[int] = set()  # by us

    def receive(self, data: bytes) -> None:
        if self.is_over:
            return
        try:
            self._connection.receive_data(data)
        except ngh2.NGH2Error as error:
            self.is_over = True
            self._last_words = goaway(CALM if isinstance(error, ngh2.DenialOfServiceError) else PROTOCOL_ERROR)
            raise Broken(str(error)) from error

    def events(self) -> list[Event]:
        made: list[Event] = []
        for event in self._connection.events():
            if isinstance(event, _HEADERS):
                made.append(Headers(event.stream_id, event.headers, event.end_stream))
            elif isinstance(event, ngh2.DataReceived):
                if event.data or event.end_stream:
                    made.append(Data(event.stream_id, event.data, event.end_stream))
                else:
                    made.append(Chatter())
            elif isinstance(event, ngh2.StreamClosed):
                is_ours = event.stream_id in self._broken_off
                self._broken_off.discard(event.stream_id)
                made.append(Closed(event.stream_id, event.error_code, is_ours))
            elif isinstance(event, ngh2.TrailersReceived):
                made.append(Trailers(event.stream_id, event.headers))
            elif isinstance(event, ngh2.InformationalResponseReceived):
                made.append(Interim(event.stream_id, event.headers))
            elif isinstance(event, _CHATTER):
                self._has_settings = self._has_settings or isinstance(event, ngh2.SettingsReceived)
                made.append(Chatter())
            elif isinstance(event, ngh2.GoAwayReceived):
                made.append(Going(event.last_stream_id, event.error_code))
            elif isinstance(event, ngh2.ConnectionClosed):
                self.is_over = True
        return made

    @property
    def takes_tunnels(self) -> bool | None:
        return self._connection.remote_settings[_CONNECTS] == 1 if self._has_settings else None

    def to_send(self) -> bytes:
        if self._last_words:
            words, self._last_words = self._last_words, b""
            return words
        try:
            return self._connection.data_to_send()
        except ngh2.NGH2Error:
            self.is_over = True
            return b""

    def request(self, fields: Fields, *, is_last: bool) -> int | None:
        try:
            return self._connection.send_request(fields, end_stream=is_last)
        except ngh2.NGH2Error:
            return None

    def head(self, stream: int, fields: Fields, *, is_last: bool) -> None:
        try:  # and not `suppress`, here and below: three of them make up a thirtieth of a request
            self._connection.send_response(stream, fields, end_stream=is_last)
        except ngh2.NGH2Error:
            pass

    def interim(self, stream: int, fields: Fields) -> None:
        with suppress(ngh2.NGH2Error):
            self._connection.send_informational_response(stream, fields)

    def data(self, stream: int, data: bytes) -> None:
        try:
            self._connection.send_data(stream, data)
        except ngh2.NGH2Error:
            pass

    def trailers(self, stream: int, fields: Fields) -> None:
        with suppress(ngh2.NGH2Error):
            self._connection.send_trailers(stream, fields)

    def end(self, stream: int) -> None:
        try:
            self._connection.end_stream(stream)
        except ngh2.NGH2Error:
            pass

    def reset(self, stream: int, code: int) -> None:
        self._broken_off.add(stream)
        with suppress(ngh2.NGH2Error):
            self._connection.reset_stream(stream, code)

    def waiting(self, stream: int) -> int:
        return self._connection.queued_body_size(stream)

    def consumed(self, stream: int, size: int) -> None:
        with suppress(ngh2.NGH2Error):
            self._connection.acknowledge_received_data(size, stream)

    def leave(self, code: int = NO_ERROR) -> None:
        with suppress(ngh2.NGH2Error):
            if code == NO_ERROR:
                self._connection.send_goaway()
            else:
                self._connection.terminate_connection(code)
