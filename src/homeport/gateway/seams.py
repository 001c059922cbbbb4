"""What the gateway needs from other movers. build.py plugs the parts in."""

from __future__ import annotations

from ssl import SSLContext
from typing import Protocol

from homeport.model.access import Peer
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import Exchange
from homeport.model.finding import Finding
from homeport.model.net_client import Owner


class Target(Protocol):
    """What a route ends at. Every target is dialled: processes, URLs, Unix sockets, our own pages alike."""

    def address(self) -> Endpoint | None:
        """Where to dial right now; None when it must be awaited with `ready` first."""

    async def ready(self) -> Endpoint:
        """Wait until it can be dialled, starting it if need be. Raises Unavailable."""

    def explain(self, error: OSError | None) -> Finding:
        """Why dialling failed with `error`, or (None) why the connection ended before an answer came."""


class Certificates(Protocol):
    """Certificates for names that the door answers to; "" for clients that named none."""

    def at_hand(self, name: str) -> SSLContext | None:
        """One that is made already and still good; takes no time."""

    async def make(self, name: str) -> SSLContext | None:
        """Make one; None where that is not possible. Never raises."""


class StreamCertificates(Protocol):
    """The same for ports of TCP routes. `client_ca`: a file, clients without a certificate of it are refused; `alpn`:
    what is agreed to, nothing where it is empty."""

    def for_stream(self, name: str, client_ca: str, alpn: tuple[str, ...]) -> SSLContext | None:
        """One that is made already and still good; takes no time."""

    async def make_for_stream(self, name: str, client_ca: str, alpn: tuple[str, ...]) -> SSLContext | None:
        """Make one; None where that is not possible. Never raises."""


class Tap(Protocol):
    """Sees what passes. Its methods are synchronous, return at once and never raise."""

    body_limit_bytes: int

    def next_id(self) -> int:
        """A number that no other exchange of this home has."""

    def opened(self, exchange: Exchange) -> None:
        """A visit has begun; the same object is filled while it lasts."""

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        """Bytes of an upgraded connection passed, or a datagram: now, or `at_s` (time.perf_counter)."""

    def closed(self, exchange: Exchange) -> None:
        """The visit is over; nobody changes the exchange any more."""


class Peers(Protocol):
    """Whose process is at the other end of a connection; both addresses as the socket module gives them."""

    def __call__(self, client: object, server: object) -> Peer: ...


class Owners(Protocol):
    """Which process is at the other end of a connection, or sends datagrams; None where that is not known."""

    def __call__(self, client: object, server: object, *, udp: bool = False) -> Owner | None: ...


class Tokens(Protocol):
    """Tokens that programs show."""

    def name_of(self, token: str, route: str) -> str:
        """Its name, where it is one of ours, still good, and meant for this route; else ""."""

    def just_ended(self) -> list[str]:
        """The names of those whose time has run out since this was asked last."""
