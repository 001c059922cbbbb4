"""NSS databases: those of Chromium and its kin on Linux, and one for each profile of Firefox. Driven by certutil.

Roots are found by nickname (their name is unique to a generation) and compared by fingerprint; nothing else in a
database is read. A running browser sees a change after it is started again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from homeport.certs.place import Place
from homeport.certs.root import COMMON_NAME, Root, read_root
from homeport.certs.store import Kind
from homeport.model.errors import HomeportError

PACKAGE = (
    "install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), nss (Arch, Homebrew) or mozilla-nss-tools (openSUSE)"
)
_LINE = re.compile(r"^(?P<nickname>.+?)\s+(?P<trust>[a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*)\s*$")
_FILES = ("cert9.db", "key4.db", "pkcs11.txt")


class NssStore:
    kind: Kind = "nss"
    needs_root = False

    def __init__(self, place: Place, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self._place = place

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        return self._of(roots, "C")  # T and u may stand beside it; without C it is not trusted for servers

    def holds(self, roots: Sequence[Root]) -> set[str]:
        return self._of(roots, "")

    def add(self, root: Root) -> None:
        if not self.exists:
            self._make()
        self._certutil("-A", "-t", "C,,", "-n", root.name, "-i", root.path)

    def remove(self, root: Root) -> None:
        self._certutil("-D", "-n", root.name)

    @property
    def exists(self) -> bool:
        return os.path.exists(os.path.join(self.path, "cert9.db"))

    def discard_if_empty(self) -> None:
        """For a database that we made: take it away again, unless somebody has put something into it since."""
        if not self.exists or self._list() or "<" in self._place.run(*self._words("-K")).out:
            return
        for name in _FILES:
            path = os.path.join(self.path, name)
            if os.path.exists(path):
                os.unlink(path)
        for folder in (self.path, os.path.dirname(self.path)):  # …/pki/nssdb
            try:
                os.rmdir(folder)
            except OSError:
                return

    def _make(self) -> None:
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        self._certutil("-N", "--empty-password")

    def _of(self, roots: Sequence[Root], flag: str) -> set[str]:
        if not self.exists:
            return set()
        ours = {name for name, trust in self._list() if name.startswith(COMMON_NAME) and flag in trust.split(",")[0]}
        return {root.fingerprint for root in roots if root.name in ours and self._is(root)}

    def _list(self) -> list[tuple[str, str]]:
        """Nickname and trust flags of every certificate."""
        lines = self._certutil("-L").splitlines()
        return [(found["nickname"], found["trust"]) for line in lines if (found := _LINE.match(line))]

    def _is(self, root: Root) -> bool:
        from homeport.certs import issue

        try:
            return read_root(self._certutil("-L", "-a", "-n", root.name).encode()).fingerprint == root.fingerprint
        except issue.Damaged:
            return False

    def _certutil(self, *words: str) -> str:
        try:
            return self._place.do(*self._words(*words)).out
        except HomeportError as error:
            if error.code == "trust-failed" and "password" in error.message.lower():
                raise HomeportError(
                    "trust-failed",
                    "its database has a password, which only the browser may ask for",
                    "import the root in the browser's settings",
                ) from error
            raise

    def _words(self, *words: str) -> tuple[str, ...]:
        return (self._place.tool("certutil", PACKAGE), words[0], "-d", f"sql:{self.path}", *words[1:])
