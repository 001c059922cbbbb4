"""TLS on a connection whose first bytes have been read already: a transport above a transport.

    socket ─ raw transport ─► TlsTransport (ssl.MemoryBIO) ─► the protocol above
                          ◄─                              ◄─

asyncio can only begin TLS on a connection that nobody has read from, and looking with MSG_PEEK would make every plain
connection pay for the TLS ones. It keeps nothing but unfinished records. A client that says close_notify has gone, as
all that we know mean it; our own end can be said before the connection is closed (`say_end`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

_RECORD_BYTES = 16 * 1024  # OpenSSL hands out no more at a time


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The server's side. `above` gets `connection_lost` in any case, and bytes only after the handshake.

    `failed` hears why a handshake did not come about, and closes then; without it the connection is closed.
    """

    def __init__(
        self,
        raw: asyncio.Transport,
        context: ssl.SSLContext,
        above: asyncio.Protocol,
        made: Callable[[], None],
        failed: Callable[[ssl.SSLError], None] | None = None,
    ) -> None:
        super().__init__()
        self.raw, self._above, self._made, self._failed = raw, above, made, failed
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_made = False
        self._is_paused = False
        self._is_closing = False

    def begin(self, first: bytes) -> None:
        """`first`: what was read of the connection before."""
        self.raw.set_protocol(self)
        self.data_received(first)

    # What the client does

    def data_received(self, data: bytes) -> None:
        if self._is_closing:
            return
        self._incoming.write(data)
        if not self._is_made:
            self._shake_hands()
        if self._is_made:
            self._deliver()

    def eof_received(self) -> None:
        """The raw transport closes itself."""

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closing = True
        self._above.connection_lost(error)

    def pause_writing(self) -> None:
        self._above.pause_writing()

    def resume_writing(self) -> None:
        self._above.resume_writing()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that says why
            if self._failed is None:
                self.close()
            else:
                self._is_closing = True
                self._failed(error)
        else:
            self._flush()
            self._is_made = True
            self._made()

    def _deliver(self) -> None:
        """Hand on what is whole; stops in the middle when the protocol above wants no more for now."""
        while not self._is_paused and not self._is_closing:
            # Asked in vain OpenSSL raises, which costs as much as reading; and a buffer of the right size is cheap.
            waiting = self._incoming.pending + self._tls.pending()
            if not waiting:
                break
            try:
                data = self._tls.read(min(waiting, _RECORD_BYTES))
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError:
                self._flush()
                self.abort()
                return
            if not data:  # close_notify
                self.close()
                return
            self._above.data_received(data)
        self._flush()  # a key update asks for an answer

    def _flush(self) -> None:
        if self._outgoing.pending:
            self.raw.write(self._outgoing.read())

    # What the protocol above does

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._is_closing or not data:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def pause_reading(self) -> None:
        self._is_paused = True
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self.raw.resume_reading()
            # Records may have come before the pause, and nothing else would read them.
            asyncio.get_running_loop().call_soon(self._deliver)

    def close(self) -> None:
        """What was written is still sent, and the end is said, so that it cannot be forged."""
        if not self._is_closing:
            self.say_end()
            self.raw.close()

    def say_end(self) -> None:
        """close_notify; from here on nothing is written, and what comes is thrown away."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._is_made:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # the client has not said its own end yet, and need not
        self._flush()

    def abort(self) -> None:
        self._is_closing = True
        self.raw.abort()

    def is_closing(self) -> bool:
        return self._is_closing or self.raw.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tls if name == "ssl_object" else self.raw.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self.raw.get_write_buffer_size()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._above = protocol  # type: ignore[assignment]  # every protocol here is a stream's

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._above

    def is_reading(self) -> bool:
        return not self._is_paused
