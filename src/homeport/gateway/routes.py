"""Where a request goes: by the name in its Host, by `/@NAME/` on the plain address, or to the default route.

The Host allow-list is kept here too, because it is the same question: a host that is neither loopback nor the name of
a route is not ours, and whoever asks for it learns nothing (DNS rebinding).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from homeport.gateway.access import Rule
from homeport.gateway.seams import Target
from homeport.gateway.secure import SecureUpstream
from homeport.model.errors import HomeportError
from homeport.model.name import RESERVED, is_route_name
from homeport.model.route import Https

if TYPE_CHECKING:
    from homeport.gateway.exposure import Exposure
    from homeport.gateway.h2_upstream import H2Upstream
    from homeport.gateway.route_conditions import RouteConditions

Kind = Literal["app", "http", "https", "unix", "tcp", "udp", "control"]

_NO_HOST = ("control", "tcp", "udp")  # not among what the plain address leads to
CONTROL = RESERVED  # the route of the dashboard; reached by its host alone, never by a path that apps share
PLAIN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_HOST = re.compile(rb"(?:\[((?=[^\]]*:)[0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")
_REMEMBERED_HOSTS = 1024  # spellings of hosts; a client that invents more only costs the look-up


class Route:
    """A name and its target, with the counters of the gateway: `active` and all `visits`, `last_s` the last one."""

    __slots__ = (
        "active",
        "conditions",
        "default",
        "exposure",
        "h2",
        "https",
        "kind",
        "last_s",
        "listen",
        "name",
        "rule",
        "secure",
        "subdomains",
        "target",
        "visits",
    )

    def __init__(
        self,
        name: str,
        target: Target,
        kind: Kind,
        *,
        default: bool = False,
        listen: str = "",
        https: Https = "also",
        secure: SecureUpstream | None = None,
    ) -> None:
        self.name = name
        self.target = target
        self.kind: Kind = kind
        self.default = default
        self.listen = listen
        self.https: Https = https
        self.secure = secure  # the upstream speaks TLS itself
        self.conditions: RouteConditions | None = None  # None: there never were any
        self.rule: Rule | None = None  # None: every local process may use it
        self.h2: H2Upstream | None = None  # the upstream speaks HTTP/2
        self.exposure: Exposure | None = None  # other computers reach it too
        self.subdomains = False  # one more label before its name leads here as well
        self.active = 0
        self.visits = 0
        self.last_s = 0.0


class UnknownHost(Exception):  # noqa: N818 - a decision, not a failure
    """The host is not ours."""


class Routes:
    """The table. Routes are added and removed while requests pass."""

    def __init__(self) -> None:
        self._by_name: dict[str, Route] = {}
        self._by_host: dict[bytes, Route | None] = {}  # None: a plain host
        self._default: Route | None = None

    def __iter__(self) -> Iterator[Route]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Route | None:
        return self._by_name.get(name)

    def add(self, route: Route) -> None:
        """Raises HomeportError: "name-taken", or "bad-usage" for what is no host name."""
        if route.kind != "control" and not is_route_name(route.name):
            raise HomeportError(
                "bad-usage",
                f"{route.name!r} cannot be a route: use lower-case letters, digits, dots and hyphens",
                "web",
            )
        if route.name in self._by_name:
            raise HomeportError("name-taken", f"there is a route {route.name!r} already", f"homeport stop {route.name}")
        self._by_name[route.name] = route
        self.changed()

    def remove(self, name: str) -> Route:
        """Raises HomeportError("not-found")."""
        if name not in self._by_name:
            raise HomeportError("not-found", f"there is no route {name!r}", "homeport status")
        route = self._by_name.pop(name)
        self.changed()
        return route

    def default(self) -> Route | None:
        """What answers on the plain address: the newest route that asked for it, else the oldest that is not ours."""
        return self._default

    def changed(self) -> None:
        """What the look-ups count on is another now: a route came or went, or its default or names did."""
        ours = [route for route in self._by_name.values() if route.kind not in _NO_HOST]
        wanted = [route for route in ours if route.default]
        self._default = wanted[-1] if wanted else ours[0] if ours else None
        self._by_host.clear()

    def find(self, host: bytes, target: bytes) -> tuple[Route | None, bytes]:
        """The route, and the path prefix that led there (b"" or b"/@NAME"). Raises UnknownHost."""
        try:
            route = self._by_host[host]
        except KeyError:
            route = self._look_up(host)
        if route is not None:
            return route, b""
        if target.startswith(b"/@"):
            name = re.split(rb"[/?]", target[2:], maxsplit=1)[0]
            named = self._by_name.get(name.decode("ascii", "replace"))
            # Names that are no route go on to the default app: Vite's own files live under /@vite and /@fs.
            if named is not None and named.kind not in _NO_HOST:
                return named, b"/@" + name
        return self._default, b""

    def check(self, host: bytes) -> None:
        """Raises UnknownHost."""
        if host not in self._by_host:
            self._look_up(host)

    def certified(self, name: str) -> str | None:
        """The name to ask a certificate for, by what a TLS client sent: a route's, a plain host, or "" for none at all.
        None for what is not ours. All names below one that takes subdomains share a certificate."""
        if not name or name in PLAIN_HOSTS:
            return name
        try:
            route = self._look_up(name.encode())
        except UnknownHost:
            return None
        if route is None or route.https == "off":
            return None
        return name if normalised(name.encode()) == f"{route.name}.localhost" else f"*.{route.name}.localhost"

    def _look_up(self, host: bytes) -> Route | None:
        name = normalised(host)
        if name in PLAIN_HOSTS:
            route = None
        else:
            label, _, rest = name.rpartition(".")
            found = self._by_name.get(label) if rest == "localhost" else None
            if found is None and rest == "localhost":
                found = self._by_name.get(label.partition(".")[2])
                found = found if found is not None and found.subdomains else None
            if found is None or found.kind in ("tcp", "udp"):
                raise UnknownHost
            route = found
        if len(self._by_host) >= _REMEMBERED_HOSTS:
            self._by_host.clear()
        self._by_host[host] = route
        return route


def normalised(host: bytes) -> str:
    """A Host field without port, brackets, trailing dot and case; "" when it is malformed or empty."""
    match = _HOST.fullmatch(host)
    if match is None:
        return ""
    if match[1] is not None:
        return match[1].decode().lower()
    return match[2].decode().lower().removesuffix(".")
