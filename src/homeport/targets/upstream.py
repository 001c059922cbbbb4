"""A target that runs already, somewhere: `http(s)://HOST:PORT`, `unix:PATH`, `tcp:HOST:PORT` or `udp:HOST:PORT`.

It starts nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from homeport.model.endpoint import Endpoint, parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding

ExplainUpstream = Callable[[Endpoint, OSError | None], Finding]


class Upstream:
    """Implements homeport.gateway.seams.Target."""

    def __init__(self, endpoint: Endpoint, explain: ExplainUpstream) -> None:
        self._endpoint, self._explain = endpoint, explain

    def address(self) -> Endpoint:
        return self._endpoint

    async def ready(self) -> Endpoint:
        return self._endpoint

    def explain(self, error: OSError | None) -> Finding:
        return self._explain(self._endpoint, error)


def parse_target(text: str) -> tuple[Literal["http", "https", "unix", "tcp", "udp"], Endpoint]:
    """The kind ("http", "https", "unix", "tcp", "udp") and where to dial. Raises HomeportError("bad-usage")."""
    scheme, _, rest = text.strip().partition(":")
    if scheme == "unix" and rest:
        return "unix", parse_endpoint(text.strip())
    if scheme == "tcp" and rest:
        return "tcp", _with_port(rest.removeprefix("//"), text)
    if scheme == "udp" and rest:
        return "udp", _with_port(rest.removeprefix("//"), text)
    if (scheme == "http" or scheme == "https") and rest.startswith("//"):
        place, _, path = rest.removeprefix("//").partition("/")
        if path or not place or set(place) & set("@?#"):
            raise HomeportError(
                "bad-usage",
                f"{text!r} is not a target: only host and port count",
                f"{scheme}://{place.partition('@')[2]}",
            )
        if scheme == "https":
            return "https", _with_port(place, text, "443")
        return "http", _with_port(place, text, "80")
    raise HomeportError(
        "bad-usage",
        f"{text!r} is not a target: it is http(s)://HOST:PORT, unix:PATH, tcp:HOST:PORT or udp:HOST:PORT",
        "http://127.0.0.1:8080",
    )


def _with_port(place: str, text: str, default: str = "") -> Endpoint:
    has_port = ":" in place.rpartition("]")[2] or place.isdigit()
    if not has_port and default:
        place = f"{place}:{default}"
    elif not has_port:
        raise HomeportError("bad-usage", f"{text!r} is not a target: it needs a port", f"{text}:5432")
    endpoint = parse_endpoint(place)
    if not endpoint.port:
        raise HomeportError("bad-usage", f"{text!r} is not a target: nothing listens on port 0")
    return endpoint
