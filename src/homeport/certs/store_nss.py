"""NSS databases: those of Chromium and its kin on Linux, and one for each profile of Firefox.

Driven by certutil where that is installed, else by the browser's own libnss3. Browsers that run see a change with their
next connection (measured: Firefox 153, Chromium 152).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, Protocol

from homeport.certs.place import Place
from homeport.certs.root import Root
from homeport.certs.store import Kind
from homeport.model.errors import HomeportError

PACKAGE = (
    "install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), nss (Arch, Homebrew) or mozilla-nss-tools (openSUSE)"
)
_READS_SYSTEM = "nothing from Firefox 120 on, which trusts what the system trusts"  # not on Linux
_FILES = ("cert9.db", "key4.db", "pkcs11.txt")
InDatabase = Literal["trusted", "there", "absent"]


class NssTool(Protocol):
    """What changes a database; `path` is its folder. Raises HomeportError("trust-failed")."""

    def state(self, path: str, root: Root) -> InDatabase: ...

    def add(self, path: str, root: Root) -> None: ...

    def remove(self, path: str, root: Root) -> None: ...

    def make(self, path: str) -> None: ...

    def is_empty(self, path: str) -> bool: ...


class NssStore:
    kind: Kind = "nss"
    needs_root = False

    def __init__(self, place: Place, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self._place = place

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        return self._in(roots, "trusted")

    def holds(self, roots: Sequence[Root]) -> set[str]:
        return self._in(roots, "trusted", "there")

    def add(self, root: Root) -> None:
        tool = self._tool()
        if not self.exists:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            tool.make(self.path)
        try:
            tool.add(self.path, root)
        except HomeportError as error:
            if error.code == "trust-failed" and "password" in error.message.lower():
                raise HomeportError(
                    "trust-failed",
                    "its database has a password, which only the browser may ask for",
                    "import the root in the browser's settings",
                ) from error
            raise

    def remove(self, root: Root) -> None:
        self._tool().remove(self.path, root)

    @property
    def exists(self) -> bool:
        return os.path.exists(os.path.join(self.path, "cert9.db"))

    def discard_if_empty(self) -> None:
        """For a database that we made: take it away again, unless somebody has put something into it since."""
        if not self.exists or not self._tool().is_empty(self.path):
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

    def _in(self, roots: Sequence[Root], *wanted: InDatabase) -> set[str]:
        if not roots or not self.exists:
            return set()
        tool = self._tool()
        return {root.fingerprint for root in roots if tool.state(self.path, root) in wanted}

    def _tool(self) -> NssTool:
        """Raises HomeportError("not-installed")."""
        from homeport.certs.nss_certutil import Certutil
        from homeport.certs.nss_library import NssLibrary, find_libraries

        certutil = self._place.which("certutil")
        if certutil is not None:
            return Certutil(self._place, certutil)
        if libraries := find_libraries(self._place):
            return NssLibrary(self._place, libraries)
        hint = PACKAGE if self._place.platform.startswith("linux") else f"{_READS_SYSTEM}; for an older one {PACKAGE}"
        raise HomeportError("not-installed", "neither certutil nor a libnss3 is installed", hint)
