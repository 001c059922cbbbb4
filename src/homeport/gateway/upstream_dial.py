"""Dials the upstream of an HTTP route: in plain, over TLS, or through a Unix socket. It never speaks there itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl import SSLContext

    from homeport.gateway.h2_outbound import H2Outbound
    from homeport.gateway.outbound import Outbound
    from homeport.model.endpoint import Endpoint

DIAL_S = 10.0  # a listener whose backlog is full lets us wait for ever


async def dial(
    made: Outbound | H2Outbound, address: Endpoint, context: SSLContext | None = None, server_name: str = ""
) -> None:
    """`context`: over TLS, `server_name` being what the certificate must be for. Raises OSError, TimeoutError among
    them."""
    loop = asyncio.get_running_loop()
    name = server_name if context is not None else None
    try:
        async with asyncio.timeout(DIAL_S):
            if address.is_unix:
                await loop.create_unix_connection(lambda: made, address.path)
            else:
                await loop.create_connection(
                    lambda: made, address.host, address.port, ssl=context, server_hostname=name
                )
    except asyncio.CancelledError:
        if made.is_made:  # the client went in the very moment in which the upstream accepted
            made.transport.abort()
        raise
    except UnicodeError as error:  # of the IDNA codec, for a name like "a..b"
        raise OSError(f"{address.host!r} is not the name of a host") from error
