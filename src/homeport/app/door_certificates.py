"""The certificates of the door, from the local CA of this home: made when the first client asks for HTTPS.

The CA itself is made then too, whether anybody trusts it yet or not: browsers believe it after
`homeport trust`. Which names may be asked for is the gateway's decision; nothing is made before it was
asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import TYPE_CHECKING

from homeport.certs.receipt import is_trusted
from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.certs.contexts import Certificates


class DoorCertificates:
    """See homeport.gateway.seams.Certificates. `folder` is where the CA lives, `report` hears what went wrong."""

    def __init__(self, folder: str, report: Callable[[HomeportError], None], keylog: str = "") -> None:
        self._folder, self._report, self._keylog = folder, report, keylog
        self._certificates: Certificates | None = None
        self._one_at_a_time = asyncio.Lock()  # or two first clients would make two authorities

    def warnings(self) -> list[str]:
        """That keys are written to a file, and that somebody uses HTTPS which no browser believes yet."""
        found = [f"the keys of TLS sessions are written to {self._keylog} (tls_keylog)"] if self._keylog else []
        if self._certificates is not None and not is_trusted(self._folder, self._certificates.authority.fingerprint):
            found.append("browsers do not trust the certificates for https yet: homeport trust")
        return found

    def at_hand(self, name: str) -> SSLContext | None:
        return self._certificates.at_hand(name) if self._certificates is not None else None

    async def make(self, name: str) -> SSLContext | None:
        """0.15 s for the first one, which imports what signs; then 3 ms. In a thread, since the road must not wait."""
        return await self._in_a_thread(lambda: self._ready().for_name(name))

    # For TCP routes (homeport.gateway.seams.StreamCertificates)

    def for_stream(self, name: str, client_ca: str, alpn: tuple[str, ...]) -> SSLContext | None:
        found = self._certificates
        return found.at_hand(name, client_ca=client_ca or None, alpn=alpn) if found is not None else None

    async def make_for_stream(self, name: str, client_ca: str, alpn: tuple[str, ...]) -> SSLContext | None:
        return await self._in_a_thread(lambda: self._ready().for_name(name, client_ca=client_ca or None, alpn=alpn))

    async def _in_a_thread(self, make: Callable[[], SSLContext | None]) -> SSLContext | None:
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(make)
            except HomeportError as error:
                self._report(error)
                return None

    def _ready(self) -> Certificates:
        if self._certificates is None:
            from homeport.certs.authority import Authority
            from homeport.certs.contexts import Certificates

            authority = Authority.load(self._folder) or Authority.create(self._folder)
            self._certificates = Certificates(
                authority, lambda _: True, alpn=("h2", "http/1.1"), keylog=self._keylog or None
            )
        return self._certificates
