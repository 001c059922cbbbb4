"""The guard before the API and the dashboard: host, page, then secret; and the security headers on every answer.

It decides from the head alone and never reads a body. Requests arrive on the control socket (from the command line with
any name or none, or from the door as homeport.localhost) or on the dashboard's own port (by its exact address).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, MutableMapping
from typing import Any

from homeport.control.answers import refuse
from homeport.control.auth import Auth
from homeport.machine.peers import tells_accounts
from homeport.model.errors import HomeportError
from homeport.wire.cross_site import SAFE, is_foreign_origin, is_foreign_site

DASHBOARD_HOST = "homeport.localhost"
COOKIE = "homeport"
OPEN_PATHS = frozenset({"/api/enter"})  # whoever has a one-time key has no other secret yet

# Everything comes from the engine itself; no inline script or style, no frame around it, nothing leaks out.
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]
App = Callable[[Scope, Receive, Send], Any]
WhyNotOurs = Callable[[object, object], str]  # of both ends of a TCP connection; "": it is our own user's


class Guard:
    """ASGI middleware. `touch` is called for each request that may enter."""

    def __init__(self, app: App, auth: Auth, touch: Callable[[], None], why_not_ours: WhyNotOurs) -> None:
        self._app, self._auth, self._touch, self._why_not_ours = app, auth, touch, why_not_ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the control API speaks no {scope['type']}")

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in given)]
            await send(message)

        error = self._stranger(scope) or check(scope, self._auth)
        if error is None:
            self._touch()
            await self._app(scope, receive, send_with_headers)
            return
        if error.code == "unauthorised" and _shows_secret(scope):
            await self._auth.wrong()
        await refuse(error)(scope, receive, send_with_headers)

    def _stranger(self, scope: Scope) -> HomeportError | None:
        """Who comes through the door has been asked there, and nobody else gets to the control socket."""
        if not has_port(scope.get("server")):
            return None
        why = self._why_not_ours(scope.get("client"), scope.get("server"))
        return HomeportError("forbidden", f"this is open to its own user alone: {why}") if why else None


def check(scope: Scope, auth: Auth) -> HomeportError | None:
    """Why this request may not enter, or None."""
    host = header(scope, b"host").lower()
    if not is_our_host(host, scope.get("server")):
        return HomeportError("forbidden", "this host is not served here")
    path: str = scope["path"]
    if not (path == "/api" or path.startswith("/api/")):
        return None if scope["method"] in SAFE else HomeportError("forbidden", "pages are only read")
    site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
    if is_foreign_site(site):
        return HomeportError("forbidden", "the request came from another site's page")
    if scope["method"] not in SAFE and is_foreign_origin(origin, f"{_scheme(scope)}://{host}", site):
        return HomeportError("forbidden", f"the request came from a page of {origin}")
    if path in OPEN_PATHS or may_enter(scope, auth):
        return None
    return HomeportError("unauthorised", "the token is missing or wrong", "homeport open")


def may_enter(scope: Scope, auth: Auth) -> bool:
    bearer = _bearer(scope)
    if bearer and (auth.is_token(bearer) or auth.is_session(bearer)):
        return True
    cookie = _cookie(scope) if takes_cookie(scope) else ""
    return bool(cookie) and auth.is_session(cookie)


def takes_cookie(scope: Scope) -> bool:
    """Cookies ignore ports: on 127.0.0.1 every app of every project would be sent the cookie, and could send it. And
    so would whoever listens at homeport.localhost:9999, over plain http too (seen in Chromium and Firefox): where the
    system does not keep other users from our door, the page keeps a token, which belongs to its port alone.
    """
    return is_dashboard_host(scope) and tells_accounts()


def is_our_host(host: str, server: tuple[str, int | None] | None) -> bool:
    """`server` is where the request arrived: (path, None) for a Unix socket."""
    if server is None or not has_port(server):
        return without_port(host) in ("", "homeport", DASHBOARD_HOST)
    port = server[1]
    if not hasattr(socket, "AF_UNIX") and without_port(host) == DASHBOARD_HOST:
        return True  # there the door comes in by a port as well
    return host in (f"127.0.0.1:{port}", f"localhost:{port}")


def has_port(server: tuple[str, int | None] | None) -> bool:
    return server is not None and server[1] is not None


def _scheme(scope: Scope) -> str:
    """As the door says; on the socket and on a port of its own there is no TLS."""
    return "https" if header(scope, b"x-forwarded-proto") == "https" else "http"


def is_dashboard_host(scope: Scope) -> bool:
    return without_port(header(scope, b"host").lower()) == DASHBOARD_HOST


def header(scope: Scope, name: bytes) -> str:
    """The value of a header that may stand there once; two of them are as good as a wrong one."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1").strip() if len(values) == 1 else "" if not values else "?"


def without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host


def _bearer(scope: Scope) -> str:
    scheme, _, secret = header(scope, b"authorization").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _cookie(scope: Scope) -> str:
    for part in header(scope, b"cookie").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _shows_secret(scope: Scope) -> bool:
    return bool(_bearer(scope) or _cookie(scope))
