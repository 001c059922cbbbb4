"""An upstream that speaks TLS itself: how it is believed, and its idle connections, which no other route may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeport.gateway.pool import Pool

if TYPE_CHECKING:
    from ssl import SSLContext


class SecureUpstream:
    """`server_name` is what its certificate must be for."""

    __slots__ = ("context", "pool", "server_name")

    def __init__(self, context: SSLContext, server_name: str) -> None:
        self.context = context
        self.server_name = server_name
        self.pool = Pool()
