"""Certificates for apps that do TLS themselves: files for nginx, Node, PostgreSQL, or a PKCS#12 store for Java.

What it overwrites is an older certificate of ours, and nothing else.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence

import msgspec

from homeport.certs import private
from homeport.certs.authority import Authority, Leaf, local_name, loopback
from homeport.model.errors import HomeportError

DAYS = 90.0  # nobody renews it by itself, and a forgotten one should not work for ever
DAYS_LIMIT = 825  # Apple's systems refuse what is valid for longer, also below a root of the user's
PASSWORD = "changeit"  # noqa: S105 - what PKCS#12 readers expect where there is none; the file is 0600
ROOT_FILE = "homeport-ca.pem"
_NO_SECRET = 0o644


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of files. `certificate` has the intermediate behind it; `root` is what a client is given to verify with."""

    names: tuple[str, ...]
    certificate: str
    key: str
    root: str
    pkcs12: str = ""
    pkcs12_password: str = ""
    not_after: str


def make_certificate(folder: str, wanted: Sequence[str], out: str, *, pkcs12: bool = False, days: float = DAYS) -> Made:
    """Sign a certificate for these names and addresses, with the CA in `folder` (made if there is none).

    Raises HomeportError: "bad-usage" for names outside of localhost, and for files in the way.
    """
    names, addresses = _sorted(wanted)
    authority = Authority.ensure(folder)
    leaf = authority.leaf(names, addresses, days=days)
    base = os.path.join(out, _file_name((*leaf.names, *leaf.addresses)[0]))
    certificate, key, store = f"{base}.pem", f"{base}-key.pem", f"{base}.p12" if pkcs12 else ""
    root = os.path.join(out, ROOT_FILE)
    try:
        os.makedirs(out, exist_ok=True)
        _check_in_the_way([path for path in (certificate, key, store) if path], certificate)
        _check_in_the_way([root], root)
        private.replace(key, leaf.key_pem)
        if store:
            private.replace(store, _pkcs12(leaf, authority))
        for path, data in ((certificate, leaf.certificate_pem), (root, authority.root_pem)):
            private.replace(path, data, _NO_SECRET)
    except OSError as error:
        raise HomeportError("bad-usage", f"{error.filename or out} cannot be written: {error.strerror}") from error
    return Made(
        names=(*leaf.names, *leaf.addresses),
        certificate=certificate,
        key=key,
        root=root,
        pkcs12=store,
        pkcs12_password=PASSWORD if store else "",
        not_after=leaf.not_after.isoformat(),
    )


def _sorted(wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names and addresses, checked before a CA is made for them; `web` stands for `web.localhost`."""
    names, addresses = [], []
    for word in wanted:
        try:
            addresses.append(loopback(str(ipaddress.ip_address(word.strip("[]")))))
        except ValueError:
            is_short = word and "." not in word and word.lower() != "localhost"
            names.append(local_name(f"{word}.localhost" if is_short else word))
    return names, addresses


def _file_name(name: str) -> str:
    return name.replace("*", "_wildcard").replace(":", "_")


def _check_in_the_way(paths: Sequence[str], certificate: str) -> None:
    there = [path for path in paths if os.path.lexists(path)]
    if there and not _is_ours(certificate):
        raise HomeportError(
            "bad-usage", f"{there[0]} exists and is not a certificate of homeport's", "homeport cert --out certs"
        )


def _is_ours(path: str) -> bool:
    from homeport.certs import issue
    from homeport.certs.root import ORGANISATION

    try:
        with open(path, "rb") as file:
            found = issue.read_certificates(file.read())[0]
    except (OSError, issue.Damaged):
        return False
    return any(attribute.value == ORGANISATION for attribute in found.issuer)


def _pkcs12(leaf: Leaf, authority: Authority) -> bytes:
    """Key, certificate and intermediate under one password; Java and browsers import it whole."""
    from homeport.certs.pkcs12 import key_store

    return key_store(leaf, authority, PASSWORD)
