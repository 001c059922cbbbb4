"""Passwords as they stand in a config: hashed with scrypt, in the PHC string format, `$scrypt$ln=15,r=8,p=3$SALT$HASH`.

N = 2^15, r = 8, p = 3 is one of the settings that OWASP asks for: 32 MiB and a few tenths of a second for each guess.
Whoever checks must do so in a thread, and remember what was right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

LN, R, P = 15, 8, 3
_SALT_BYTES, _KEY_BYTES = 16, 32
_PHC = re.compile(
    r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_MEMORY_LIMIT_BYTES = 256 * 1024 * 1024


def hash_password(password: str, ln: int = LN) -> str:
    """`ln` is lowered by tests alone."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"$scrypt$ln={ln},r={R},p={P}${_text(salt)}${_text(_scrypt(password, salt, ln, R, P, _KEY_BYTES))}"


def is_password_hash(text: str) -> bool:
    """Whether `is_password` can work with it: our format, with a cost that this computer can pay."""
    return _parts(text) is not None


def is_password(password: str, hashed: str) -> bool:
    """Takes as long for a wrong one as for the right one. False for what is no hash."""
    parts = _parts(hashed)
    if parts is None:
        return False
    ln, r, p, salt, key = parts
    return hmac.compare_digest(_scrypt(password, salt, ln, r, p, len(key)), key)


def _parts(text: str) -> tuple[int, int, int, bytes, bytes] | None:
    match = _PHC.fullmatch(text)
    if match is None:
        return None
    ln, r, p = int(match[1]), int(match[2]), int(match[3])
    if not (10 <= ln <= 20 and r >= 1 and 1 <= p <= 16 and 128 * r << ln <= _MEMORY_LIMIT_BYTES):
        return None
    try:
        return ln, r, p, _data(match[4]), _data(match[5])
    except binascii.Error:
        return None


def _scrypt(password: str, salt: bytes, ln: int, r: int, p: int, size: int) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=1 << ln, r=r, p=p, maxmem=_MEMORY_LIMIT_BYTES * 2, dklen=size)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")  # PHC strings carry no padding


def _data(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
