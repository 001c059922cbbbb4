"""Which certificate a client of TLS is shown, by its hello: only names that are ours have one. It shakes no hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeport.gateway.exposure import Exposure
from homeport.wire.client_hello import (
    HANDSHAKE_FAILURE,
    NEED_MORE,
    NOT_TLS,
    UNRECOGNISED_NAME,
    ClientHello,
    client_hello,
)

if TYPE_CHECKING:
    from homeport.gateway.door import Door
    from homeport.gateway.routes import Route
    from homeport.gateway.seams import Certificates


def certified(data: bytes, door: Door, only: Route | Exposure | None) -> tuple[Certificates, str] | bytes | None:
    """Where its certificate comes from, and the name to ask for; an alert that ends it; None: more is needed."""
    certificates = only.certificates if isinstance(only, Exposure) else door.certificates
    if certificates is None:
        return HANDSHAKE_FAILURE
    hello = client_hello(data)
    if hello == NEED_MORE:
        return None
    if hello == NOT_TLS:
        return HANDSHAKE_FAILURE
    assert isinstance(hello, ClientHello)
    asked = hello.server_name
    name = only.certified(asked) if isinstance(only, Exposure) else door.routes.certified(asked)
    return UNRECOGNISED_NAME if name is None else (certificates, name)
