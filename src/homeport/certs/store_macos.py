"""The login keychain on macOS, driven by `security`: Safari, Chrome, Edge and curl read it. It needs no root, but
macOS asks for the user's password itself when trust changes. Certificates are named by SHA-1, as `security` does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homeport.certs.place import Place
from homeport.certs.root import COMMON_NAME, Root
from homeport.certs.store import Kind

_HASH = re.compile(r"^SHA-1 hash: ([0-9A-F]{40})\s*$", re.MULTILINE)


class KeychainStore:
    kind: Kind = "macos"
    name = "macOS login keychain"
    needs_root = False

    def __init__(self, place: Place) -> None:
        self.path = place.in_home("Library", "Keychains", "login.keychain-db")
        self._place = place

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        """In the keychain, and trusted: `security verify-cert` says whether somebody took the trust away."""
        there = self.holds(roots)
        return {root.fingerprint for root in roots if root.fingerprint in there and self._is_trusted(root)}

    def holds(self, roots: Sequence[Root]) -> set[str]:
        done = self._place.run("security", "find-certificate", "-a", "-Z", "-c", COMMON_NAME, self.path)
        there = {digest.lower() for digest in _HASH.findall(done.out)}
        return {root.fingerprint for root in roots if root.sha1 in there}

    def add(self, root: Root) -> None:
        self._place.do("security", "add-trusted-cert", "-r", "trustRoot", "-k", self.path, root.path)

    def remove(self, root: Root) -> None:
        # -t takes its trust settings away with it.
        self._place.do("security", "delete-certificate", "-Z", root.sha1.upper(), "-t", self.path)

    def _is_trusted(self, root: Root) -> bool:
        return self._place.run("security", "verify-cert", "-q", "-l", "-L", "-c", root.path).code == 0
