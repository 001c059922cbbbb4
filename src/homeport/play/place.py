"""Where `connect` goes, as typed: a port, an address, a URL, or the path of a Unix socket. Pure; looks nothing up."""

from __future__ import annotations

import ipaddress
from typing import Literal

import msgspec

from homeport.model.endpoint import Endpoint, parse_endpoint
from homeport.model.errors import HomeportError

Protocol = Literal["tcp", "udp", "http", "ws"]
_SCHEMES: dict[str, tuple[Protocol, bool, int]] = {  # protocol, TLS, port where none is named (0: it must be)
    "tcp": ("tcp", False, 0),
    "tls": ("tcp", True, 0),
    "ssl": ("tcp", True, 0),
    "udp": ("udp", False, 0),
    "http": ("http", False, 80),
    "https": ("http", True, 443),
    "ws": ("ws", False, 80),
    "wss": ("ws", True, 443),
}
_NAMES = {("tcp", True): "tls", ("http", True): "https", ("ws", True): "wss"}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is what HTTP and WebSocket ask for, with its query."""

    endpoint: Endpoint
    protocol: Protocol = "tcp"
    is_tls: bool = False
    path: str = ""
    source: str = ""  # the address of this computer to come from

    @property
    def name(self) -> str:
        """What it speaks, in a word: tcp, tls, udp, http, https, ws, wss."""
        return _NAMES.get((self.protocol, self.is_tls), self.protocol)

    @property
    def authority(self) -> str:
        """For a Host field: without the port where it is the scheme's own."""
        endpoint = self.endpoint
        if endpoint.is_unix:
            return "localhost"
        own = 443 if self.is_tls else 80
        return str(endpoint).rpartition(":")[0] if endpoint.port == own else str(endpoint)

    @property
    def uri(self) -> str:
        return f"{self.name}://{self.authority}{self.path or '/'}"


def parse_place(text: str, *, tls: bool = False, udp: bool = False, ws: str | None = None) -> Place:
    """Read what was typed, and what its options add. Raises HomeportError("bad-usage")."""
    scheme, has_scheme, rest = text.strip().partition("://")
    if not has_scheme:
        place = Place(endpoint=_endpoint(text.strip()))
    else:
        place = _from_url(text.strip(), scheme.lower(), rest)
    if udp:
        if place.protocol not in ("tcp", "udp") or place.is_tls or tls or place.endpoint.is_unix:
            raise HomeportError("bad-usage", "UDP is spoken without TLS, and with a host and a port", _example("udp"))
        place = msgspec.structs.replace(place, protocol="udp")
    if ws is not None:
        if place.protocol == "udp":
            raise HomeportError("bad-usage", "a WebSocket needs TCP", _example("ws"))
        place = msgspec.structs.replace(place, protocol="ws", path=ws if ws.startswith("/") else f"/{ws}")
    if tls and place.protocol == "udp":
        raise HomeportError("bad-usage", "UDP is spoken without TLS", _example("udp"))
    return msgspec.structs.replace(place, is_tls=place.is_tls or tls)


def _from_url(text: str, scheme: str, rest: str) -> Place:
    if scheme not in _SCHEMES:
        known = ", ".join(_SCHEMES)
        raise HomeportError("bad-usage", f"{scheme}:// is not spoken here, but {known}", _example("tcp"))
    protocol, is_tls, port = _SCHEMES[scheme]
    at = min((found for mark in "/?#" if (found := rest.find(mark)) >= 0), default=len(rest))
    authority, path = rest[:at].rpartition("@")[2], rest[at:].partition("#")[0]
    if path.startswith("?"):
        path = f"/{path}"
    has_port = authority.rpartition("]")[2].rpartition(":")[1]
    endpoint = parse_endpoint(authority if has_port or not port else f"{authority}:{port}")
    if path not in ("", "/") and protocol in ("tcp", "udp"):
        raise HomeportError("bad-usage", f"{text!r} has a path, which {scheme} knows none of", _example(protocol))
    return Place(endpoint=_with_port(endpoint), protocol=protocol, is_tls=is_tls, path=path)


def _endpoint(text: str) -> Endpoint:
    if text.startswith("unix:") or "/" in text:
        return parse_endpoint(text if text.startswith("unix:") else f"unix:{text}")
    return _with_port(parse_endpoint(text))


def _with_port(endpoint: Endpoint) -> Endpoint:
    if not endpoint.is_unix and not endpoint.port:
        raise HomeportError("bad-usage", "port 0 is nobody's: name one from 1 to 65535", _example("tcp"))
    return endpoint


def _example(protocol: str) -> str:
    return {"tcp": "homeport connect 127.0.0.1:3000", "ws": "homeport connect ws://127.0.0.1:3000/"}.get(
        protocol, f"homeport connect {protocol}://127.0.0.1:3000"
    )


def come_from(place: Place, source: str) -> Place:
    """Raises HomeportError("bad-usage") for what is no address."""
    if not source:
        return place
    try:
        host = str(ipaddress.ip_address(source.removeprefix("[").removesuffix("]")))
    except ValueError as error:
        raise HomeportError("bad-usage", f"{source!r} is no address to come from", "--from 127.64.0.1") from error
    return msgspec.structs.replace(place, source=host)
