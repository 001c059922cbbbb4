"""What a request shows to be let in, and the request without it: Authorization fields and our cookie.

Bytes in, bytes out. Whether a secret is right is not known here. `head` is a request head that was accepted.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

COOKIE = "homeport"
TOKEN_PREFIX = "hp_"  # noqa: S105 - what tells our tokens from those of an app
HIDDEN = b"[not stored]"

_AUTHORIZATION = re.compile(rb"\n(Authorization:[ \t]*([^\r]*))", re.IGNORECASE)
_COOKIES = re.compile(rb"\n(Cookie:[ \t]*([^\r]*))", re.IGNORECASE)
# Beyond loopback it is homeport-PORT: cookies ignore ports, so each exposure on an address has a name of its own.
_OURS = re.compile(rb"(?:^|(?<=;))([ \t]*(" + COOKIE.encode() + rb"(?:-[0-9]{1,5})?)[ \t]*=)([^;]*)(;|$)")


class Shown(NamedTuple):
    """Secrets in plain text; "" where there is none. Two of a kind are as good as none."""

    token: str = ""  # of ours, from `Authorization: Bearer hp_…`
    user: str = ""
    password: str = ""
    has_login: bool = False  # an Authorization of the Basic kind was there, readable or not
    session: str = ""  # from the cookie


def shown(head: bytes, cookie: str = COOKIE) -> Shown:
    """`cookie`: which of ours counts."""
    values = [value.rstrip(b" \t") for _, value in _AUTHORIZATION.findall(head)]
    scheme, _, rest = values[0].partition(b" ") if len(values) == 1 else (b"", b"", b"")
    ours = [one for _, value in _COOKIES.findall(head) for one in _OURS.findall(value)]
    sessions = [found for _, name, found, _ in ours if name == cookie.encode()]
    session = sessions[0].strip(b" \t").decode("latin-1") if len(sessions) == 1 else ""
    rest = rest.strip(b" \t")
    if scheme.lower() == b"bearer" and rest.startswith(TOKEN_PREFIX.encode()):
        return Shown(token=rest.decode("latin-1"), session=session)
    if scheme.lower() == b"basic":
        user, password = _login(rest)
        return Shown(user=user, password=password, has_login=True, session=session)
    return Shown(session=session)


def authorization_lines(head: bytes, *, basic: bool) -> tuple[bytes, ...]:
    """The field lines that are meant for the door: tokens of ours, and logins where the route has some (`basic`)."""
    return tuple(line for line, value in _AUTHORIZATION.findall(head) if _is_meant_for_us(value, basic))


def without_cookie(head: bytes) -> bytes:
    """The head without cookies of ours; a field that held nothing else is gone."""

    def clean(match: re.Match[bytes]) -> bytes:
        kept = _OURS.sub(b"", match[2]).strip(b" \t").removesuffix(b";")
        return match[0] if kept == match[2] else b"\nCookie: " + kept if kept else b"\n\0"

    return _COOKIES.sub(clean, head).replace(b"\n\0\r\n", b"\n")


def hidden(head: bytes, *, basic: bool) -> bytes:
    """The head of a request that passes, as it may be stored: with the place of each secret of ours, not the secret."""
    return _hide(head, authorization_lines(head, basic=basic))


def all_hidden(head: bytes) -> bytes:
    """The same for one that does not pass: what it shows may have been meant for us in any form."""
    return _hide(head, tuple(line for line, _ in _AUTHORIZATION.findall(head)))


def _hide(head: bytes, lines: tuple[bytes, ...]) -> bytes:
    for line in lines:
        scheme, blank, _ = line.partition(b":")[2].strip(b" \t").partition(b" ")
        kept = scheme + b" " if blank else b""
        head = head.replace(b"\n" + line + b"\r", b"\nAuthorization: " + kept + HIDDEN + b"\r")
    return _COOKIES.sub(lambda match: b"\nCookie: " + _OURS.sub(rb"\1" + HIDDEN + rb"\4", match[2]), head)


def _is_meant_for_us(value: bytes, basic: bool) -> bool:
    scheme, _, rest = value.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.lstrip(b" \t").startswith(TOKEN_PREFIX.encode())
    return basic and scheme.lower() == b"basic"


def _login(rest: bytes) -> tuple[str, str]:
    """User and password (RFC 7617); the first colon parts them."""
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
