"""NSS databases by certutil, the tool that NSS itself comes with.

Roots are found by nickname (their name is unique to a generation) and compared by fingerprint; nothing else in a
database is read.
"""

from __future__ import annotations

import re

from homeport.certs.place import Place
from homeport.certs.root import Root, read_root
from homeport.certs.store_nss import InDatabase

_LINE = re.compile(r"^(?P<nickname>.+?)\s+(?P<trust>[a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*)\s*$")


class Certutil:
    def __init__(self, place: Place, program: str) -> None:
        self._place, self._program = place, program

    def state(self, path: str, root: Root) -> InDatabase:
        flags = dict(self._list(path)).get(root.name)
        if flags is None or not self._is(path, root):
            return "absent"
        return "trusted" if "C" in flags.split(",")[0] else "there"  # T and u may stand beside it

    def add(self, path: str, root: Root) -> None:
        self._do(path, "-A", "-t", "C,,", "-n", root.name, "-i", root.path)

    def remove(self, path: str, root: Root) -> None:
        self._do(path, "-D", "-n", root.name)

    def make(self, path: str) -> None:
        self._do(path, "-N", "--empty-password")

    def is_empty(self, path: str) -> bool:
        return not self._list(path) and "<" not in self._place.run(*self._words(path, "-K")).out

    def _list(self, path: str) -> list[tuple[str, str]]:
        """Nickname and trust flags of every certificate."""
        lines = self._do(path, "-L").splitlines()
        return [(found["nickname"], found["trust"]) for line in lines if (found := _LINE.match(line))]

    def _is(self, path: str, root: Root) -> bool:
        from homeport.certs import issue

        try:
            found = read_root(self._do(path, "-L", "-a", "-n", root.name).encode())
        except issue.Damaged:
            return False
        return found.fingerprint == root.fingerprint

    def _do(self, path: str, *words: str) -> str:
        return self._place.do(*self._words(path, *words)).out

    def _words(self, path: str, *words: str) -> tuple[str, ...]:
        return (self._program, words[0], "-d", f"sql:{path}", *words[1:])
