"""What a generation of a CA may ever sign for; its certificates say so themselves, and clients hold it to that."""

from __future__ import annotations

from typing import NamedTuple

from homeport.certs.root import COMMON_NAME, NETWORK_NAME


class Scope(NamedTuple):
    """`domain` and names below it, and the addresses of `networks`. Without a domain every name would be allowed."""

    common_name: str
    domain: str
    networks: tuple[str, ...]


LOOPBACK = Scope(COMMON_NAME, "localhost", ("127.0.0.0/8", "::1/128"))


def beyond_loopback(*networks: str) -> Scope:
    """For addresses alone: no name that anybody has ends in .invalid (RFC 6761)."""
    return Scope(NETWORK_NAME, "invalid", networks)
