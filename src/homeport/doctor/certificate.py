"""What the doctor tells of a certificate: names, issuer, and from when to when it is valid. Pure.

Python's ssl decodes only certificates that it trusts; this reads the others too. It checks no signature and raises
nothing: what is not understood stays empty.
"""

from __future__ import annotations

import msgspec


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """`names` are those that a client compares; a common name counts for nobody any more."""

    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_before_s: float | None = None  # seconds since 1970
    not_after_s: float | None = None
    is_self_issued: bool = False


def read_certificate(der: bytes) -> Certificate:
    from cryptography import x509  # 60 ms, and only those pay who have trouble with TLS

    try:
        read = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=_common(read.subject),
            issuer=_common(read.issuer),
            names=_names(read),
            not_before_s=read.not_valid_before_utc.timestamp(),
            not_after_s=read.not_valid_after_utc.timestamp(),
            is_self_issued=read.subject == read.issuer,
        )
    except (ValueError, TypeError):
        return Certificate()


def _common(name: object) -> str:
    """The common name, or the organisation, or whatever there is."""
    from cryptography import x509

    assert isinstance(name, x509.Name)
    for kind in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)
    return name.rfc4514_string()


def _names(read: object) -> tuple[str, ...]:
    from cryptography import x509

    assert isinstance(read, x509.Certificate)
    try:
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value) for one in found if isinstance(one, x509.DNSName | x509.IPAddress))
