"""An exposure: a route that other computers may reach for a while, on one address, over TLS, by a rule.

`ExposeSpec` is what somebody asked for, `Exposed` what stands open. It lives in the engine's memory alone: what was
opened is never opened again by itself.
"""

from __future__ import annotations

import msgspec

from homeport.model.access import Access


class ExposeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`address` is one of this computer's own, with a port or without: the door's port then, or the next free one."""

    address: str
    access: Access | None = None  # None: the route's own
    lasts_s: float | None = None  # None: until somebody closes it


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a route stands open. Times are ISO 8601, UTC."""

    address: str  # "192.168.1.20:62893"
    url: str
    access: str  # in words
    since: str
    ends: str = ""  # "" for: when somebody closes it
    root: str = ""  # the file of the root certificate, for devices that shall trust it
    fingerprint: str = ""  # of that certificate: SHA-256, in lower-case hexadecimal
