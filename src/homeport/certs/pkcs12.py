"""A leaf with its key and chain as PKCS#12, for Java and for browsers. Writes no file."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from homeport.certs import issue
from homeport.certs.authority import Authority, Leaf


def key_store(leaf: Leaf, authority: Authority, password: str) -> bytes:
    """The alias is the leaf's first name."""
    own, intermediate = issue.read_certificates(leaf.certificate_pem)
    [root] = issue.read_certificates(authority.root_pem)
    key = load_pem_private_key(leaf.key_pem, None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError("a leaf's key is on an elliptic curve")
    alias = (*leaf.names, *leaf.addresses)[0]
    return serialize_key_and_certificates(
        alias.encode(), key, own, [intermediate, root], BestAvailableEncryption(password.encode())
    )
