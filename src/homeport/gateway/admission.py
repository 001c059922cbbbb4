"""Where a request goes, or why it goes nowhere: the Host allow-list, the route, and what the route demands.

One place for every way to come in, HTTP/1.1 and HTTP/2 alike. It reads nothing and writes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeport.gateway import pages
from homeport.gateway.exposure import NO_PLAIN, Exposure
from homeport.gateway.routes import UnknownHost
from homeport.model.exchange import COMPLETE, REFUSED

if TYPE_CHECKING:
    from homeport.gateway.client_side import ClientSide
    from homeport.gateway.routes import Route
    from homeport.gateway.visit import Visit
    from homeport.model.finding import Finding
    from homeport.wire.http1 import RequestHead


def admit(side: ClientSide, visit: Visit, head: RequestHead, now_s: float) -> None:
    """Let the visit enter its route, or answer it here."""
    only = side.only
    try:
        if only is None:
            route, prefix = side.door.routes.find(head.host, head.target)
        elif isinstance(only, Exposure):
            _admit_from_beyond(only, side, visit, head, now_s)
            return
        else:
            route, prefix = only, b""
            side.door.routes.check(head.host)
    except UnknownHost:
        visit.answer_ourselves(421, pages.MISDIRECTED, REFUSED)
        return
    if route is None:
        visit.answer_ourselves(404, pages.NO_DEFAULT, REFUSED)
        return
    if route.https != "also" and _is_wrong_scheme(side, visit, route, head):
        return
    visit.enter(route, route.rule, head, prefix, side.forwarded(head.host), now_s)


def _admit_from_beyond(exposure: Exposure, side: ClientSide, visit: Visit, head: RequestHead, now_s: float) -> None:
    """Over TLS, by the address itself, to the one route; what `https` says of it holds on the door."""
    if not exposure.is_named_by(head.host):
        visit.answer_ourselves(421, pages.MISDIRECTED, REFUSED)
    elif not side.is_secure:
        _send_to_https(visit, head, NO_PLAIN)
    else:
        visit.enter(exposure.route, exposure.rule, head, b"", side.forwarded(head.host), now_s)


def _is_wrong_scheme(side: ClientSide, visit: Visit, route: Route, head: RequestHead) -> bool:
    """Whether the route wants it the other way, which the client is then told."""
    if route.https == "off" and side.is_secure:
        visit.answer_ourselves(421, pages.NO_HTTPS, REFUSED)
    elif route.https == "only" and not side.is_secure:
        _send_to_https(visit, head, pages.HTTPS_ONLY)
    else:
        return False
    return True


def _send_to_https(visit: Visit, head: RequestHead, finding: Finding) -> None:
    if head.target.startswith(b"/"):
        visit.answer_ourselves(308, finding, COMPLETE, b"Location: https://" + head.host + head.target + b"\r\n")
    else:
        visit.answer_ourselves(421, finding, REFUSED)
