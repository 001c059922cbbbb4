"""Where to dial: from an endpoint to the addresses that `connect` takes, without ever asking DNS in the relay's thread.

Literal addresses, `localhost` and Unix sockets are answered here; other names are looked up on the asyncio side.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import msgspec

from homeport.model.endpoint import Endpoint

AF_UNIX: int = getattr(socket, "AF_UNIX", -1)  # not on every system


class Address(msgspec.Struct, frozen=True):
    """One thing to connect to; `where` is what socket.connect takes for that family."""

    family: int
    where: Any
    loopback: bool = False


def known_addresses(endpoint: Endpoint) -> list[Address] | None:
    """In the order in which to try them; None for a name that has to be looked up."""
    if endpoint.is_unix:
        return [Address(AF_UNIX, endpoint.path)]
    if endpoint.host == "localhost" or endpoint.host.endswith(".localhost"):
        # RFC 6761, section 6.3: always loopback, whatever the resolver says.
        return [_tcp(socket.AF_INET, ("127.0.0.1", endpoint.port)), _tcp(socket.AF_INET6, ("::1", endpoint.port))]
    host, _, zone = endpoint.host.partition("%")
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    if zone:
        return None  # getaddrinfo knows the number of the interface
    return [_tcp(socket.AF_INET if version == 4 else socket.AF_INET6, (host, endpoint.port))]


async def look_up(endpoint: Endpoint) -> list[Address]:
    """Ask the system's resolver. Raises OSError (gaierror) when it does not know the name."""
    known = known_addresses(endpoint)
    if known is not None:
        return known
    found = await _resolve(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    return [_tcp(family, where) for family, _, _, _, where in found]


async def _resolve(host: str, port: int, *, type: int) -> list[tuple[Any, ...]]:  # noqa: A002 - socket's own name
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=type)


def _tcp(family: int, where: Any) -> Address:
    return Address(family, where, Endpoint(where[0]).is_loopback)
