"""What a visit needs from its client: a connection of HTTP/1.1 (inbound.py), or a stream of HTTP/2 (h2_stream.py).

It says nothing of how requests are read; those who read them make the visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeport.gateway.door import Door
    from homeport.gateway.exposure import Exposure
    from homeport.gateway.routes import Route
    from homeport.gateway.visit import Visit
    from homeport.model.access import Peer
    from homeport.model.net_client import Visitor


class Writing(Protocol):
    """Where the body of an answer goes. `close` after half an answer, or `abort`, must not make it look whole."""

    def write(self, data: bytes, /) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class ClientSide(Protocol):
    """`transport` takes bodies as the client gets them, with chunks only where `RequestHead.takes_chunks`."""

    door: Door
    client: str  # "127.0.0.1:53211"
    server_port: int
    is_secure: bool
    visit: Visit | None
    only: Route | Exposure | None  # what a listener of a route's own leads to

    def peer(self) -> Peer:
        """Whose process it is; the same for every stream of a connection."""

    def visitor(self) -> Visitor:
        """Who it is to network conditions; the same for every stream too."""

    @property
    def is_full(self) -> bool:
        """The client does not read as fast as it is written to."""

    @property
    def transport(self) -> Writing: ...

    @property
    def closes_after_this(self) -> bool: ...

    def close_after_this(self) -> None: ...

    def forwarded(self, host: bytes) -> bytes:
        """What the upstream is told about this client and the host that it asked for."""

    def answer(self, head: bytes, body: bytes | None = None) -> None:
        """A head as HTTP/1.1 writes it; `body` when that is all of it, None when more comes by itself."""

    def interim(self, head: bytes) -> None:
        """100 Continue, 103 Early Hints."""

    def trailers(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        """Of an answer whose chunks were taken apart."""

    def upstream_is_full(self, is_full: bool) -> None: ...

    def reset(self) -> None:
        """End it so that the client sees a broken connection."""

    def refuse(self) -> bool:
        """Tell the client that nobody has looked at its request, so that it may repeat it; False: it knows no such
        thing."""

    def tunnel(self) -> None:
        """From here on everything belongs to the visit."""

    def next(self) -> None:
        """The visit is over."""
