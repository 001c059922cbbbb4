"""Builds certificates: the constrained root and intermediate of one generation, and leaves. Touches no file.

    root (pathlen 1, key destroyed) ─► intermediate (pathlen 0) ─► leaf (exact names, serverAuth)

Root and intermediate carry the same critical name constraints. Java 17 ignores those of a root, so only the
intermediate's hold there; and without permitted addresses, addresses would not be constrained at all.
Python 3.13 verifies strictly: critical basicConstraints, SKI on a CA, AKI below it.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from homeport.certs.root import ORGANISATION
from homeport.certs.scope import Scope

CA_DAYS = 1825  # five years: a renewal asks for every store again, and the key can sign for this computer only
_SKEW = timedelta(hours=1)  # clocks of containers and virtual machines, and ours set back
_COMMON_NAME_LIMIT = 64  # characters (RFC 5280, ub-common-name)

Key = ec.EllipticCurvePrivateKey
Certificate = x509.Certificate


class Damaged(Exception):  # noqa: N818 - the caller says which file it is
    """The text is not what `generation_pem` wrote. Its message says why."""


def new_generation(scope: Scope, days: float = CA_DAYS) -> tuple[Key, Certificate, Certificate]:
    """The intermediate's key, the intermediate, the root. The root's key ends here."""
    # A name of its own for each generation: of two roots of one name, clients take the stale one and fail.
    name = f"{scope.common_name} {secrets.token_hex(4)}"
    root_key, key = _key(), _key()
    now = datetime.now(UTC)
    begins, ends = now - _SKEW, now + timedelta(days=days)
    only = _only(scope)
    root = _ca(_name(name), _name(name), root_key, root_key, 1, begins, ends, only)
    intermediate = _ca(_name(f"{name} intermediate"), _name(name), key, root_key, 0, begins, ends, only)
    return key, intermediate, root


def leaf(
    key: Key, intermediate: Certificate, names: Sequence[str], addresses: Sequence[str], days: float
) -> tuple[Key, Certificate]:
    """A new key and its certificate, valid no longer than the intermediate."""
    own = _key()
    now = datetime.now(UTC)
    ends = min(now + timedelta(days=days), intermediate.not_valid_after_utc)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(names[0] if names and len(names[0]) <= _COMMON_NAME_LIMIT else None))
        .issuer_name(intermediate.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - _SKEW, intermediate.not_valid_before_utc))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(_authority_key_identifier(key), critical=False)
    )
    return own, builder.sign(key, hashes.SHA256())


def generation_pem(key: Key, intermediate: Certificate, root: Certificate) -> bytes:
    return key_pem(key) + pem(intermediate) + pem(root)


def read_generation(data: bytes) -> tuple[Key, Certificate, Certificate]:
    """Raises Damaged."""
    try:
        key = load_pem_private_key(data, None)
        intermediate, root = x509.load_pem_x509_certificates(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Damaged("it does not hold a key and two certificates") from error
    try:
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != intermediate.public_key():
            raise Damaged("its key is not the key of its certificate")
        intermediate.verify_directly_issued_by(root)
        root.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise Damaged("its certificates were not signed by its root") from error
    return key, intermediate, root


def read_certificates(data: bytes) -> list[Certificate]:
    """Raises Damaged."""
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise Damaged("it holds no certificate") from error


def pem(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def fingerprint(certificate: Certificate) -> str:
    """SHA-256 of the DER, in lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _ca(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    signer: Key,
    path_length: int,
    begins: datetime,
    ends: datetime,
    only: x509.NameConstraints,
) -> Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(only, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_key_identifier(signer), critical=False)
    )
    if signer is not key:  # other kinds of names (mail, URIs) are not constrained, but nothing else can be signed
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def permitted(certificate: Certificate) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks whose addresses a CA may sign for."""
    found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    return [one.value for one in found if isinstance(one.value, ipaddress.IPv4Network | ipaddress.IPv6Network)]


def _only(scope: Scope) -> x509.NameConstraints:
    networks = (x509.IPAddress(ipaddress.ip_network(one)) for one in scope.networks)
    return x509.NameConstraints([x509.DNSName(scope.domain), *networks], None)


def _key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION)]
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def _authority_key_identifier(signer: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
