"""An endpoint: where something listens. Everything in homeport is a verb on an endpoint."""

from __future__ import annotations

from homeport.model.errors import HomeportError
from homeport.model.fact import Fact


class Endpoint(Fact, kw_only=False):
    """A host and a port, or the path of a Unix socket (then `port` is 0). `host` is never bracketed."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __hash__(self) -> int:
        return hash((self.host, self.port, self.path))  # the pool asks twice a request: 0.3 µs, not 1

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_unix(self) -> bool:
        return bool(self.path)

    @property
    def is_loopback(self) -> bool:
        """True for Unix sockets, `localhost`, names below it, and loopback addresses."""
        if self.path or self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        import ipaddress  # 2 ms, and asked by few

        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_endpoint(text: str, *, default_host: str = "127.0.0.1") -> Endpoint:
    """Read `62893`, `:62893`, `127.0.0.1:62893`, `[::1]:62893`, `localhost:62893` or `unix:/run/app.sock`.

    Raises HomeportError("bad-usage").
    """
    text = text.strip()
    if text.startswith("unix:"):
        if len(text) == len("unix:"):
            raise HomeportError("bad-usage", "a Unix socket needs a path", "unix:/run/app.sock")
        return Endpoint(path=text.removeprefix("unix:"))
    host, _, port_text = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise HomeportError("bad-usage", f"{text!r} is not an endpoint: IPv6 addresses go in brackets", "[::1]:3000")
    if not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65535:
        raise HomeportError(
            "bad-usage", f"{text!r} is not an endpoint: it needs a port from 0 to 65535", "127.0.0.1:3000"
        )
    return Endpoint(host or default_host, int(port_text))
