"""A recorded head as it is shown: first line and fields in wire order and wire case.

Lenient on purpose, unlike homeport.wire: a refused head is recorded too, and its reader wants to see what was wrong
with it. Nothing here decides anything about a connection.
"""

from __future__ import annotations

from homeport.model.exchange import Head

# Values that give away more than they explain, in lower case. Hidden by `redacted`.
SECRET_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-xsrf-token",
    }
)
HIDDEN = "(hidden)"


def read_head(raw: bytes) -> Head:
    """Never fails. A line without a colon, or one that continues the last, has an empty name."""
    if not raw:
        return Head()
    first, *rest = text_of(raw).replace("\r\n", "\n").split("\n")
    headers: list[tuple[str, str]] = []
    for line in rest:
        if not line:
            break
        name, colon, value = line.partition(":")
        headers.append((name, value.strip()) if colon and name == name.strip() else ("", line))
    return Head(line=first, headers=headers)


def text_of(raw: bytes) -> str:
    """Heads have no declared charset; UTF-8 is what is meant today, ISO 8859-1 what it was."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def header(head: Head, name: str) -> str:
    """All values of a field, joined as RFC 9110 section 5.3 does; `name` in lower case."""
    return ", ".join(value for key, value in head.headers if key.lower() == name)


def redacted(head: Head) -> Head:
    """The same head without what would let its reader in."""
    return Head(
        line=head.line,
        headers=[(name, HIDDEN if name.lower() in SECRET_HEADERS else value) for name, value in head.headers],
    )
