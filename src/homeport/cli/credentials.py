"""Which headers carry credentials. They are recorded as they passed, but not shown on a screen unasked."""

from __future__ import annotations

HIDDEN = "(hidden; --secrets shows it)"
_NAMES = {"authorization", "proxy-authorization", "cookie", "set-cookie"}
_PARTS = ("token", "secret", "password", "api-key", "apikey", "session", "csrf", "xsrf", "credential", "signature")


def is_secret(name: str) -> bool:
    """By the header's name: X-Api-Key, X-Amz-Security-Token, X-Hub-Signature-256 and kin count."""
    name = name.lower()
    return name in _NAMES or any(part in name for part in _PARTS)
