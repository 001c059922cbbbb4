"""Reads what a user wants examined: a port, an address, a URL, a Unix socket. Looks at nothing."""

from __future__ import annotations

from urllib.parse import urlsplit

from homeport.doctor.facts import Target
from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def parse_target(text: str) -> Target:
    """`3000`, `[::1]:3000`, `tcp:localhost:5432`, `https://localhost:8443/login`, `unix:/run/app.sock`.

    A port alone is a port of localhost, as it is typed into a browser. Raises HomeportError("bad-usage").
    """
    text = text.strip()
    if "://" in text:
        return _url(text)
    text = text.removeprefix("tcp:")  # as routes are written
    place, slash, path = (text, "", "") if text.startswith("unix:") else text.partition("/")
    try:
        endpoint = parse_endpoint(place, default_host="localhost")
    except HomeportError as error:
        raise HomeportError(error.code, error.message, f"homeport doctor {error.hint}") from None
    if not endpoint.port and not endpoint.path:
        raise HomeportError("bad-usage", f"{text!r} names no port from 1 to 65535", "homeport doctor 3000")
    return Target(
        text=text, host=endpoint.host.lower(), port=endpoint.port, unix=endpoint.path, path=slash + path or "/"
    )


def _url(text: str) -> Target:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise HomeportError("bad-usage", f"{text!r} is not a URL", "homeport doctor http://localhost:3000/") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname or port == 0:
        raise HomeportError(
            "bad-usage", f"{text!r} is not an http or https URL", "homeport doctor http://localhost:3000/"
        )
    return Target(
        text=text,
        scheme="https" if scheme in ("https", "wss") else "http",
        host=parts.hostname.rstrip(".") or parts.hostname,
        port=port or _PORTS[scheme],
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
