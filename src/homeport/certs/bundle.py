"""The combined bundle: this system's roots and ours in one file, for variables that replace instead of add.

It is derived, and made again when the system's bundle or our root has changed. Without a bundle of the system there is
none of ours either: a file with our root alone would take every public site from the program that reads it.
"""

from __future__ import annotations

import os
import ssl
import sys

from homeport.certs import private

# Debian, Arch, Alpine; Fedora; openSUSE; macOS, FreeBSD.
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def combined_bundle(folder: str) -> str | None:
    """The path of `bundle.pem` in the CA's folder, up to date; None where there is no CA or nothing to combine with."""
    ours = private.read_open(os.path.join(folder, "root.pem"))
    system = system_roots()
    if not ours or not system:
        return None
    path = os.path.join(folder, "bundle.pem")
    whole = system if system.endswith(b"\n") else system + b"\n"
    if ours not in whole:  # it is in there once the system store has it
        whole += ours
    if private.read_open(path) != whole:
        private.replace(path, whole)
    return path


def system_roots() -> bytes:
    """The PEM of every root that this system trusts; empty where it has no bundle."""
    if sys.platform == "win32":
        trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
        return b"".join(ssl.DER_cert_to_PEM_cert(der).encode() for der in trusted)
    for path in SYSTEM_BUNDLES:
        if b"-----BEGIN " in (data := private.read_open(path)):
            return data
    return b""
