"""Certificates for addresses on networks, of a CA that no store of this computer knows: devices that shall trust it are
given its root.

It may sign for private networks and for nothing else, so that whoever steals it gains no name of the internet; an
address outside of them has a CA for itself. Nothing is made before something is exposed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import Callable
from ssl import SSLContext
from typing import TYPE_CHECKING

from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.certs.contexts import Certificates
    from homeport.certs.root import Root

PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",  # Tailscale and other overlays (RFC 6598)
    "fc00::/7",
)


class ExposedCertificates:
    """See homeport.gateway.seams.Certificates; names are addresses. `folder` is where the CAs lie."""

    def __init__(self, folder: str, report: Callable[[HomeportError], None]) -> None:
        self._folder, self._report = folder, report
        self._by_address: dict[str, Certificates] = {}
        self._one_at_a_time = asyncio.Lock()

    def at_hand(self, name: str) -> SSLContext | None:
        found = self._by_address.get(name)
        return found.at_hand("") if found is not None else None

    async def make(self, name: str) -> SSLContext | None:
        try:
            return await self.prepare(name)
        except HomeportError as error:
            self._report(error)
            return None

    async def prepare(self, address: str) -> SSLContext | None:
        """The same, raising what is wrong: "unsafe-home", "broken-ca"."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(lambda: self._of(address).for_name(None))

    def root(self, address: str) -> Root:
        """What a device is given. Asked once something was made for the address."""
        return self._by_address[address].authority.root

    def _of(self, address: str) -> Certificates:
        found = self._by_address.get(address)
        if found is None:
            from homeport.certs.authority import Authority
            from homeport.certs.contexts import Certificates
            from homeport.certs.scope import beyond_loopback

            networks, name = _networks_of(address)
            folder = os.path.join(self._folder, name)
            authority = Authority.load(folder) or Authority.create(folder, beyond_loopback(*networks))
            found = self._by_address[address] = Certificates(
                authority, lambda _: False, alpn=("h2", "http/1.1"), names=(), addresses=(address,)
            )
        return found


def _networks_of(address: str) -> tuple[tuple[str, ...], str]:
    """What the CA of an address may sign for, and the name of its folder."""
    found = ipaddress.ip_address(address)
    if any(found in ipaddress.ip_network(network) for network in PRIVATE_NETWORKS):
        return PRIVATE_NETWORKS, "private"
    return (address,), address.replace(":", "_")
