"""A root as trust stores see it: its name, its fingerprints, its PEM. Holds no key and reads no file."""

from __future__ import annotations

import msgspec

ORGANISATION = "homeport"
COMMON_NAME = "homeport local CA"  # a generation's own eight digits follow
NETWORK_NAME = "homeport network CA"  # of those for addresses beyond loopback, which no store of ours is given


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """`fingerprint` is SHA-256 and `sha1` SHA-1 of the DER, in lower-case hexadecimal; `path` a file with the PEM."""

    name: str
    fingerprint: str
    sha1: str
    pem: bytes
    path: str = ""

    @property
    def short(self) -> str:
        return self.fingerprint[:16]


def read_root(data: bytes, path: str = "") -> Root:
    """The first certificate of a PEM. Raises issue.Damaged."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    from homeport.certs import issue

    certificate = issue.read_certificates(data)[0]
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError as error:  # names are read when they are asked for
        raise issue.Damaged("its name cannot be read") from error
    return Root(
        name=str(names[0].value) if names else "",
        fingerprint=issue.fingerprint(certificate),
        sha1=certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - how macOS and Windows call a certificate
        pem=issue.pem(certificate),
        path=path,
    )
