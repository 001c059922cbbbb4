"""A route's listener beyond loopback: who may ask there, by which name, over TLS alone.

It leads to that one route, whatever is asked for. It binds nothing and accepts nothing (door.py), and decides about no
address (homeport.app.exposures).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeport.gateway.routes import normalised
from homeport.model.finding import Finding

if TYPE_CHECKING:
    from homeport.gateway.access import Rule
    from homeport.gateway.h2_inbound import H2Inbound
    from homeport.gateway.inbound import Inbound
    from homeport.gateway.routes import Route
    from homeport.gateway.seams import Certificates
    from homeport.model.exposure import Exposed

MOST_INSIDE = 512  # connections; a browser opens six
# Why an app does not answer is told at home: it holds lines of its log.
NOT_NOW = Finding(code="not-now", what="This app does not answer right now.")
NO_PLAIN = Finding(code="https-only", what="This address is served over HTTPS alone.")


class Exposure:
    """`rule` holds here instead of the route's own. `inside` are its connections; the door keeps count."""

    __slots__ = ("certificates", "host", "inside", "is_closed", "route", "rule", "state")

    def __init__(self, route: Route, rule: Rule, host: str, certificates: Certificates, state: Exposed) -> None:
        self.route, self.rule, self.certificates, self.state = route, rule, certificates, state
        self.host = host  # the address, as a Host field names it without brackets
        self.inside: set[Inbound | H2Inbound] = set()
        self.is_closed = False

    @property
    def takes_nobody(self) -> bool:
        """Closed, for those who were accepted in that very moment; or full: a network may send more than a machine."""
        return self.is_closed or len(self.inside) >= MOST_INSIDE

    def certified(self, name: str) -> str | None:
        """The name to ask a certificate for, by what a TLS client sent; None for what is not ours."""
        return self.host if name in ("", self.host) else None

    def is_named_by(self, host: bytes) -> bool:
        """Whether a Host field names it: another one is a name that somebody else points at this address."""
        return normalised(host) == self.host
