"""Certificates that the intermediate's key can sign and that nobody may accept: what a thief of the key would make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from homeport.certs import issue
from homeport.certs.authority import Authority, Leaf


def forged(authority: Authority, names: Sequence[str], addresses: Sequence[str] = ()) -> Leaf:
    """A leaf for any names."""
    key, certificate = issue.leaf(authority._key, authority._intermediate, names, addresses, 1)
    return _leaf(authority, issue.pem(certificate) + authority.chain_pem, issue.key_pem(key))


def below_another_authority(authority: Authority, name: str) -> Leaf:
    """A leaf of a CA that the intermediate signed, which its path length forbids."""
    own = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    child = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "child")]))
        .issuer_name(authority._intermediate.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority._key.public_key()), critical=False)
        .sign(authority._key, hashes.SHA256())
    )
    key, certificate = issue.leaf(own, child, [name], [], 1)
    return _leaf(authority, issue.pem(certificate) + issue.pem(child) + authority.chain_pem, issue.key_pem(key))


def _leaf(authority: Authority, certificate: bytes, key: bytes) -> Leaf:
    return Leaf(certificate, key, (), (), authority.not_after, authority.folder)
