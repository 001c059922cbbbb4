"""What can be asked of a TCP route with TLS: the rest is refused when the route is made, not when somebody comes."""

from __future__ import annotations

import ssl

from homeport.model.errors import HomeportError
from homeport.model.route import RouteSpec
from homeport.targets.upstream import parse_target


def check_tls(spec: RouteSpec) -> None:
    """Raises HomeportError("bad-usage") for TLS of anything but tcp, and for a `client_ca` that lets nobody in."""
    if spec.tls and parse_target(spec.target)[0] != "tcp":
        raise HomeportError(
            "bad-usage", f"tls is for a tcp: target; {spec.target} has https behind the door already", "--https only"
        )
    if not spec.client_ca:
        return
    if spec.tls != "terminate":
        raise HomeportError("bad-usage", "client_ca needs TLS to end at the route", "--tls terminate")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(spec.client_ca)
    except OSError as error:  # an ssl.SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise HomeportError(
            "bad-usage", f"client_ca {spec.client_ca} cannot be used: {reason}", f"ls -l {spec.client_ca}"
        ) from error
