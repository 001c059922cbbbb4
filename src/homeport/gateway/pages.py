"""What the door itself says: the pages for 4xx and 5xx, as HTML for people and JSON for programs.

A page says in one sentence what is the matter and what to do. The refusal of an unknown host is constant: it lists
nothing, since whoever gets it may be an attacker's page.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from homeport.model.finding import Finding

if TYPE_CHECKING:
    from homeport.wire.http1 import RequestHead

MISDIRECTED = Finding(
    code="unknown-host",
    what="This host is not served here.",
    next="Open the address that `homeport status` shows.",
)
NO_DEFAULT = Finding(
    code="no-default-app",
    what="No app answers on this address yet.",
    why="homeport is running, and nothing has been started behind it.",
    next="homeport run -- npm run dev",
)
LOOP = Finding(
    code="loop",
    what="This request came back to homeport after homeport had passed it on.",
    why="The target of the route leads back to the door itself.",
    next="homeport status",
)

NO_HTTPS = Finding(code="no-https", what="This app is not served over HTTPS.", why='Its route says https = "off".')
HTTPS_ONLY = Finding(
    code="https-only", what="This app is served over HTTPS alone.", why='Its route says https = "only".'
)
NO_WEBSOCKET = Finding(
    code="upstream-no-websocket",
    what="The server behind this route takes no WebSockets.",
    why="Its HTTP/2 is without extended CONNECT (RFC 8441), and it did not answer over HTTP/1.1 on the same port.",
    next="give what serves the WebSockets a route of its own, without h2",
)
CONDITIONS = Finding(
    code="network-conditions",
    what="This answer was made by the network conditions of the route.",
    why="They say which requests are answered with an error instead of being passed on.",
    next="homeport net show",
)
MOVED = Finding(code="moved", what="This app answers one slash further.")

_STYLE = """
:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}
main{max-width:42rem;padding:2rem}h1{font-size:1.35rem;line-height:1.35;margin:.25rem 0 1rem;overflow-wrap:anywhere}
.status{font-size:.85rem;letter-spacing:.06em;text-transform:uppercase;opacity:.65;margin:0}
p{margin:0 0 1rem;overflow-wrap:anywhere}pre{padding:.75rem 1rem;border-radius:8px;white-space:pre-wrap;
background:color-mix(in srgb,CanvasText 8%,Canvas);overflow-wrap:anywhere;font:14px/1.5 ui-monospace,monospace}
footer{font-size:.8rem;opacity:.65}
"""
# Nothing but this very style, and in no frame: whoever gets a refusal must not dress it up as a page of an app's.
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest())
_POLICY = (
    b"Content-Security-Policy: default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n"
) % _STYLE_HASH


def wants_json(accept: bytes, content_type: bytes = b"") -> bool:
    """Whether the client is a program that would rather have JSON."""
    if b"text/html" in accept:
        return False
    return b"json" in accept or b"json" in content_type


def reply(
    status: int, finding: Finding, head: RequestHead | None, fields: bytes, *, closes: bool
) -> tuple[bytes, bytes]:
    """The whole answer to a request, its head and its body. `head` None: it could not be read."""
    asked = {name.lower(): value for name, value in head.headers} if head is not None else {}
    as_json = wants_json(asked.get(b"accept", b""), asked.get(b"content-type", b""))
    page_head, body = page(status, finding, as_json=as_json)
    if closes:
        fields += b"Connection: close\r\n"
    elif head is not None and not head.is_http11:
        fields += b"Connection: keep-alive\r\n"
    return page_head + fields + b"\r\n", b"" if head is not None and head.method == b"HEAD" else body


def page(status: int, finding: Finding, *, as_json: bool) -> tuple[bytes, bytes]:
    """The head, without its Connection field and empty line, and the body."""
    phrase = _phrase(status)
    if as_json:
        body, media = msgspec.json.encode({"error": finding, "status": status}) + b"\n", b"application/json"
    else:
        body, media = _html(status, phrase, finding).encode(), b"text/html; charset=utf-8"
    head = b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (status, phrase.encode(), media, len(body))
    head += b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Homeport: %s\r\n" % finding.code.encode()
    if not as_json:
        head += _POLICY
    return head, body


def _html(status: int, phrase: str, finding: Finding) -> str:
    why = "".join(f"<p>{escape(part)}</p>" for part in finding.why.split("\n") if part)
    todo = f"<pre>{escape(finding.next)}</pre>" if finding.next else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(finding.what)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f'<main><p class="status">{status} {escape(phrase)}</p><h1>{escape(finding.what)}</h1>{why}{todo}'
        f"<footer>homeport &middot; {escape(finding.code)}</footer></main></html>\n"
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
