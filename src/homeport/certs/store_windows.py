"""The user's root store on Windows, driven by Windows' own certutil: Chrome, Edge, curl and .NET read it. It needs no
administrator, but Windows shows a question of its own. Certificates are named by SHA-1, as Windows does."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.certs.place import Place
from homeport.certs.root import Root
from homeport.certs.store import Kind


class WindowsStore:
    kind: Kind = "windows"
    name = "Windows root store"
    path = "Cert:\\CurrentUser\\Root"
    needs_root = False

    def __init__(self, place: Place) -> None:
        self._place = place
        # By its full path: NSS has a tool of the same name, which may come first on PATH.
        self._certutil = place.environ.get("SystemRoot", "C:\\Windows") + "\\System32\\certutil.exe"

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        return self.holds(roots)

    def holds(self, roots: Sequence[Root]) -> set[str]:
        return {root.fingerprint for root in roots if self._place.run(*self._words("-store", root.sha1)).code == 0}

    def add(self, root: Root) -> None:
        self._place.do(*self._words("-addstore", root.path))

    def remove(self, root: Root) -> None:
        self._place.do(*self._words("-delstore", root.sha1))

    def _words(self, verb: str, what: str) -> tuple[str, ...]:
        return (self._certutil, "-user", verb, "Root", what)
