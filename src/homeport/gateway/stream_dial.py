"""Dials the upstream of a stream route for a side that waits: each address of a name in turn. It has no time limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeport.gateway.tcp_dial import look_up
from homeport.model.endpoint import Endpoint
from homeport.streams.listen import do_not_pace

if TYPE_CHECKING:
    from homeport.gateway.stream_side import Side


async def connect(endpoint: Endpoint, side: Side) -> None:
    """`side` hears of its connection before this returns. Raises the OSError of the last address."""
    loop = asyncio.get_running_loop()
    if endpoint.is_unix:
        await loop.create_unix_connection(lambda: side, endpoint.path)
        return
    addresses = await look_up(endpoint)
    for address in addresses:
        try:
            await loop.create_connection(lambda: side, *address.where[:2])
        except OSError:
            if address is addresses[-1]:
                raise
        else:
            sock = side.transport.get_extra_info("socket")
            if address.loopback and sock is not None:
                do_not_pace(sock)
            return
