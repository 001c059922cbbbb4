"""The upstream of a route that speaks HTTP/2 (`h2 = true`): one connection for all its visits, a call for each.

It dials when a connection is needed, over TLS where it was given a context, and never speaks on one itself.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from homeport.gateway.h2_call import H2Call
from homeport.gateway.h2_outbound import H2Outbound
from homeport.gateway.h2_tunnel import H2Tunnel
from homeport.gateway.pool import IDLE_S as APART_IDLE_S
from homeport.gateway.upstream_dial import DIAL_S, dial

if TYPE_CHECKING:
    from homeport.model.endpoint import Endpoint

# Waits until the network lets a new connection begin, and says what to do with it then.
Enter: TypeAlias = Callable[[], Awaitable[Callable[[H2Outbound], None] | None]]

APART_WINDOW_BYTES = 1 << 20  # so that latency limits a download no sooner than over HTTP/1.1 (conditioned.HELD_BYTES)


@dataclass(slots=True)
class _Attempt:
    """To reach the upstream; given up when nobody waits for it any more."""

    dialling: asyncio.Task[H2Outbound]
    waiting: int = 0


class H2Upstream:
    """Swept and closed like a pool. `context` offers h2 and nothing else; `server_name` is what the upstream's
    certificate must be for."""

    def __init__(self, context: ssl.SSLContext | None = None, server_name: str = "", *, is_apart: bool = False) -> None:
        self._context, self._server_name = context, server_name
        self._is_apart = is_apart
        self._connection: H2Outbound | None = None
        self._attempt: _Attempt | None = None

    def apart(self) -> H2Upstream:
        """The same for one client alone, whose network is its own."""
        return H2Upstream(self._context, self._server_name, is_apart=True)

    @property
    def is_empty(self) -> bool:
        return self._connection is None and self._attempt is None

    def take(self, address: Endpoint) -> H2Call | None:
        connection = self._usable(address)
        return None if connection is None else H2Call(connection)

    async def dial(self, address: Endpoint, enter: Enter | None = None) -> H2Call:
        """Raises CutOff, and OSError, TimeoutError among them; EPROTONOSUPPORT where it does not agree to HTTP/2."""
        return H2Call(await self._reach(address, enter))

    async def tunnel(self, address: Endpoint, enter: Enter | None = None) -> H2Tunnel | None:
        """For a WebSocket; None where the upstream knows none over HTTP/2. Raises as `dial` does."""
        connection = await self._reach(address, enter)
        async with asyncio.timeout(DIAL_S):
            return H2Tunnel(connection) if await connection.takes_tunnels() else None

    def sweep(self, now_s: float) -> None:
        if self._connection is not None and now_s >= self._connection.expires_s:
            self.close()

    def leave(self) -> None:
        """Nobody comes any more; what is under way may finish."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.leave()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _usable(self, address: Endpoint) -> H2Outbound | None:
        connection = self._connection
        if connection is None or connection.address != address or not connection.is_usable:
            return None
        return connection

    async def _reach(self, address: Endpoint, enter: Enter | None) -> H2Outbound:
        """Dialled once for all that ask at a time: they succeed together and fail together."""
        connection = self._usable(address)
        if connection is not None:
            return connection
        attempt = self._attempt
        if attempt is None:
            dialling = asyncio.create_task(self._dial(address, enter), name=f"dial {address}")
            attempt = self._attempt = _Attempt(dialling)
            dialling.add_done_callback(lambda _: self._is_over(attempt))
        attempt.waiting += 1
        try:
            return await asyncio.shield(attempt.dialling)
        finally:
            attempt.waiting -= 1
            if not attempt.waiting:
                self._is_over(attempt)  # before it is: who asks now must not be taken down with it
                attempt.dialling.cancel()

    def _is_over(self, attempt: _Attempt) -> None:
        if self._attempt is attempt:
            self._attempt = None

    async def _dial(self, address: Endpoint, enter: Enter | None) -> H2Outbound:
        self.leave()
        hold = None if enter is None else await enter()
        if self._is_apart:
            made = H2Outbound(address, idle_s=APART_IDLE_S, window_bytes=APART_WINDOW_BYTES)
        else:
            made = H2Outbound(address)
        try:
            await dial(made, address, self._context, self._server_name)
        except ssl.SSLError as error:
            if error.reason and "NO_APPLICATION_PROTOCOL" in error.reason:
                raise _no_http2() from error
            raise
        if self._context is not None and not _agreed(made):
            made.transport.abort()
            raise _no_http2()
        if hold is not None:
            hold(made)
        made.begin()
        self._connection = made
        return made


def _agreed(made: H2Outbound) -> bool:
    secure: ssl.SSLObject = made.transport.get_extra_info("ssl_object")
    return secure.selected_alpn_protocol() == "h2"


def _no_http2() -> OSError:
    return OSError(errno.EPROTONOSUPPORT, "it does not agree to HTTP/2 (ALPN)")
