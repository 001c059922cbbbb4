"""Where a request goes, or why it goes nowhere: the Host allow-list, the route, and what the route demands.

One place for every way to come in, HTTP/1.1 and HTTP/2 alike. It reads nothing and writes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeport.gateway import pages
from homeport.gateway.routes import UnknownHost
from homeport.model.exchange import COMPLETE, REFUSED

if TYPE_CHECKING:
    from homeport.gateway.client_side import ClientSide
    from homeport.gateway.routes import Route
    from homeport.gateway.visit import Visit
    from homeport.wire.http1 import RequestHead


def admit(side: ClientSide, visit: Visit, head: RequestHead, now_s: float) -> None:
    """Let the visit enter its route, or answer it here."""
    only = side.only
    try:
        if only is None:
            route, prefix = side.door.routes.find(head.host, head.target)
        else:
            route, prefix = only, b""
            if only.checks_host:
                side.door.routes.check(head.host)
    except UnknownHost:
        visit.answer_ourselves(421, pages.MISDIRECTED, REFUSED)
        return
    if route is None:
        visit.answer_ourselves(404, pages.NO_DEFAULT, REFUSED)
        return
    if route.https != "also" and _is_wrong_scheme(side, visit, route, head):
        return
    visit.enter(route, head, prefix, side.forwarded(head.host), now_s)


def _is_wrong_scheme(side: ClientSide, visit: Visit, route: Route, head: RequestHead) -> bool:
    """Whether the route wants it the other way, which the client is then told."""
    if route.https == "off" and side.is_secure:
        visit.answer_ourselves(421, pages.NO_HTTPS, REFUSED)
    elif route.https == "only" and not side.is_secure and head.target.startswith(b"/"):
        location = b"Location: https://" + head.host + head.target + b"\r\n"
        visit.answer_ourselves(308, pages.HTTPS_ONLY, COMPLETE, location)
    elif route.https == "only" and not side.is_secure:
        visit.answer_ourselves(421, pages.HTTPS_ONLY, REFUSED)
    else:
        return False
    return True
