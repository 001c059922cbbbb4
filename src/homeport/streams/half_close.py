"""The end of one direction (FIN) of a connection that an event loop owns, or of all of it (RST), said below the loop.

uvloop's `write_eof` corrupts its heap when connections churn (0.22.1, 0.23.0). Shutting the descriptor itself does the
same to the connection, and the loop never hears of it: so only once everything that was written has been flushed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct

_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # struct linger: on, 0 s


def send_fin(transport: asyncio.Transport) -> bool:
    """False where it is not possible any more: the connection is gone, or there is no descriptor to be had."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return False
    try:
        with sock.dup() as own:
            own.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True


def reset(transport: asyncio.Transport) -> None:
    """What was not flushed is lost, and the peer is told so."""
    sock = transport.get_extra_info("socket")
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    except (OSError, AttributeError):
        pass  # it is gone already
    transport.abort()
