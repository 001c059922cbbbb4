"""Reads from an X.509 certificate what the doctor tells: names, issuer, and from when to when it is valid. Pure.

Python's ssl decodes only certificates that it trusts; this reads the others too (RFC 5280, DER of X.690). It checks no
signature and raises nothing: what is not understood stays empty.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

_COMMON_NAME = bytes.fromhex("550403")  # 2.5.4.3
_ORGANISATION = bytes.fromhex("55040a")
_ALTERNATIVE_NAMES = bytes.fromhex("551d11")  # 2.5.29.17
_SEQUENCE, _OID, _OCTETS, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x06, 0x04, 0x17, 0x18
_DNS, _ADDRESS, _VERSION, _EXTENSIONS = 0x82, 0x87, 0xA0, 0xA3


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """`names` are those that a client compares; a common name counts for nobody any more."""

    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_before_s: float | None = None
    not_after_s: float | None = None
    is_self_issued: bool = False


def read_certificate(der: bytes) -> Certificate:
    try:
        return _read(der)
    except (IndexError, ValueError, StopIteration):
        return Certificate()


def _read(der: bytes) -> Certificate:
    whole = next(_elements(der))[1]
    fields = [*_elements(next(_elements(whole))[1])]
    if fields[0][0] == _VERSION:
        del fields[0]
    _serial, _algorithm, issuer, validity, subject, *rest = fields
    begins, ends = [*_elements(validity[1])][:2]
    extensions = next((value for tag, value in rest if tag == _EXTENSIONS), b"")
    return Certificate(
        subject=_name(subject[1]),
        issuer=_name(issuer[1]),
        names=tuple(_alternative_names(extensions)),
        not_before_s=_moment(*begins),
        not_after_s=_moment(*ends),
        is_self_issued=subject[1] == issuer[1],
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a constructed value: tag and content."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 0 < count < 5:
                raise ValueError("no definite length")
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length]
        at += length


def _name(data: bytes) -> str:
    """The common name, or the organisation."""
    found = {}
    for _, group in _elements(data):
        for _, pair in _elements(group):
            (_, kind), (_, value) = [*_elements(pair)][:2]
            found[kind] = value.decode("utf-8", "replace")
    return found.get(_COMMON_NAME, "") or found.get(_ORGANISATION, "")


def _alternative_names(data: bytes) -> Iterator[str]:
    for _, extensions in _elements(data):
        for _, extension in _elements(extensions):
            parts = [*_elements(extension)]
            if parts[0] == (_OID, _ALTERNATIVE_NAMES) and parts[-1][0] == _OCTETS:
                for tag, value in _elements(next(_elements(parts[-1][1]))[1]):
                    if tag == _DNS:
                        yield value.decode("ascii", "replace")
                    elif tag == _ADDRESS:
                        yield str(ipaddress.ip_address(value))


def _moment(tag: int, value: bytes) -> float | None:
    """Seconds since 1970. UTCTime has two digits for the year; 50 and above are of the last century."""
    if tag not in (_UTC_TIME, _GENERALIZED_TIME):
        return None
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
