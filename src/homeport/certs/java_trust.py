"""A PKCS#12 trust store for Java with this system's roots and ours, for Javas whose cacerts only root may change.

Java takes one store instead of another, so it is a combined one, like the PEM bundle that it is made from.
"""

from __future__ import annotations

import os
import re
import warnings

from homeport.certs import private
from homeport.certs.bundle import combined_bundle

PASSWORD = "changeit"  # noqa: S105 - Java insists on one; there is no secret inside
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


def java_trust_store(folder: str) -> str | None:
    """The path of `java.p12` in the CA's folder, no older than the bundle; None where there is nothing to combine."""
    bundle = combined_bundle(folder)
    if bundle is None:
        return None
    path = os.path.join(folder, "java.p12")
    if not os.path.exists(path) or os.stat(path).st_mtime_ns < os.stat(bundle).st_mtime_ns:
        with open(bundle, "rb") as file:
            private.replace(path, _store(file.read()))
    return path


def java_options(path: str) -> str:
    """For JAVA_TOOL_OPTIONS."""
    return f"-Djavax.net.ssl.trustStore={path} -Djavax.net.ssl.trustStorePassword={PASSWORD}"


def _store(bundle: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

    entries = []
    with warnings.catch_warnings(action="ignore"):  # some old roots have the serial number 0
        for number, block in enumerate(_BLOCK.findall(bundle)):
            try:
                certificate = x509.load_pem_x509_certificate(block)
            except ValueError:  # or oddities that cryptography does not read
                continue
            entries.append(PKCS12Certificate(certificate, f"root-{number}".encode()))
    return serialize_java_truststore(entries, BestAvailableEncryption(PASSWORD.encode()))
