"""NSS databases by libnss3, which every browser that has such a database brings along: for where there is no certutil.

The library is only ever loaded in a child (nss_child.py); this is its caller. Certificates are found by their bytes.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import cast

from homeport.certs.place import Place
from homeport.certs.root import Root
from homeport.certs.store_nss import InDatabase
from homeport.model.errors import HomeportError

_CHILD = os.path.join(os.path.dirname(__file__), "nss_child.py")
_CANNOT_LOAD = 3
# The system's first, then what the browsers have of their own: packages, Mozilla's archive, snap, flatpak.
_FOLDERS = (
    f"/usr/lib/{sysconfig.get_config_var('MULTIARCH') or 'lib'}",
    "/usr/lib64",
    "/usr/lib",
    "/usr/lib/firefox-esr",
    "/usr/lib/firefox",
    "/usr/lib64/firefox",
    "/opt/firefox",
    "/snap/firefox/current/usr/lib/firefox",
    "/var/lib/flatpak/app/org.mozilla.firefox/current/active/files/lib/firefox",
)
_IN_HOME = (".local", "share", "flatpak", "app", "org.mozilla.firefox", "current", "active", "files", "lib", "firefox")


def find_libraries(place: Place) -> list[str]:
    """Elsewhere than on Linux, browsers read the system's store."""
    if not place.platform.startswith("linux"):
        return []
    folders = [*map(place.at, _FOLDERS), place.in_home(*_IN_HOME)]
    paths = [os.path.join(folder, "libnss3.so") for folder in folders]
    return [path for path in paths if os.path.isfile(path)]


class NssLibrary:
    def __init__(self, place: Place, paths: list[str]) -> None:
        self._place, self._paths = place, paths

    def state(self, path: str, root: Root) -> InDatabase:
        return cast("InDatabase", self._do(path, "state", _der(root)))

    def add(self, path: str, root: Root) -> None:
        self._do(path, "add", _der(root), root.name)

    def remove(self, path: str, root: Root) -> None:
        self._do(path, "remove", _der(root))

    def make(self, path: str) -> None:
        self._do(path, "make")

    def is_empty(self, path: str) -> bool:
        return self._do(path, "empty") == "empty"

    def _do(self, path: str, *words: str) -> str:
        """With the first library that can be loaded: one may be of another kind of processor."""
        said = ""
        for library in self._paths:
            done = self._place.run(sys.executable, "-I", _CHILD, library, path, *words)
            if done.code == 0:
                return done.out.strip()
            said = done.said
            if done.code != _CANNOT_LOAD:
                break
        raise HomeportError("trust-failed", f"libnss3 failed: {said}", "install certutil and try again")


def _der(root: Root) -> str:
    """Base64, as it stands in the PEM."""
    return "".join(line for line in root.pem.decode("ascii").splitlines() if not line.startswith("-"))
