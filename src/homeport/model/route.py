"""A route: a name that leads to a target."""

from __future__ import annotations

from typing import Literal

import msgspec

from homeport.model.access import ANYONE_LOCAL, EVERYONE, Access, CrossSite
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.udp import UdpState

Https = Literal["also", "only", "off"]  # beside plain http · plain http is redirected · never
Tls = Literal["", "terminate", "pass"]  # of a tcp route: none · ends here · chosen by its name, bytes as they came


class RouteSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What `homeport route NAME TARGET` asks for. `target` is `http(s)://HOST:PORT`, `unix:PATH`, `tcp:HOST:PORT` or
    `udp:HOST:PORT`."""

    name: str
    target: str
    listen: str = ""  # a port of its own: needed for tcp and udp, allowed for the others
    default: bool = False
    https: Https = "also"
    h2: bool = False  # the target speaks HTTP/2, as gRPC servers do
    access: Access = EVERYONE
    cross_site: CrossSite = "allow"
    tls: Tls = ""
    client_ca: str = ""  # with tls "terminate": clients need a certificate of one in this file
    verify: str = ""  # of an https target: "" by the usual roots and our CA, "off", or a file of certificates
    conditions: str = ""  # of its network, in KEY=VALUE words
    subdomains: bool = False  # a.NAME.localhost leads here too
    expose: ExposeSpec | None = None  # open to other computers as well


class RouteState(msgspec.Struct, kw_only=True):
    """One route as it stands. `active` visits are under way; `visits` were counted since it was made."""

    name: str
    kind: Literal["app", "http", "https", "unix", "tcp", "udp", "control"]
    target: str
    url: str
    urls: list[str] = []
    listen: str = ""
    default: bool = False
    access: str = ANYONE_LOCAL  # in words
    https: Https = "also"
    cross_site: CrossSite = "allow"
    tls: Tls = ""
    client_ca: str = ""
    active: int = 0
    visits: int = 0
    udp: UdpState | None = None  # of a udp route: what passed
    subdomains: bool = False
    exposed: Exposed | None = None  # open to other computers, until it is closed
    gone: bool = False  # only in events: it was removed
