"""Is this request another site's doing? From what browsers say about it and no page can forge: Origin, Sec-Fetch-Site.

Programs send neither and are let through: they have no cookies of somebody else to abuse. One rule for the control API
and for routes that deny cross-site requests.
"""

from __future__ import annotations

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = ("", "same-origin", "none")  # "none": the user did it, by typing the address or a bookmark


def is_foreign_site(site: str) -> bool:
    """`site` is Sec-Fetch-Site. "same-site" is foreign too: api.localhost is another app than web.localhost."""
    return site not in _OWN_SITES


def is_foreign_origin(origin: str, own: str, site: str = "") -> bool:
    """`origin` is the field, "" where there is none; `own` is scheme://HOST as the request was sent.

    "null" is anybody's, unless the browser says that it is our own page (one with Referrer-Policy: no-referrer).
    """
    if not origin or (origin == "null" and site == "same-origin"):
        return False
    return origin.lower() != own.lower()


def is_cross_site(method: str, origin: str, site: str, own: str, *, is_upgrade: bool) -> bool:
    """What may change something, or opens a WebSocket (which no CORS rule guards), for a page of another origin."""
    if method in SAFE and not is_upgrade:
        return False
    return is_foreign_site(site) or is_foreign_origin(origin, own, site)
