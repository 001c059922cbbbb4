"""A trust store in memory, of every temper; the same seam as the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from homeport.certs.root import Root
from homeport.certs.store import Kind
from homeport.model.errors import HomeportError


@dataclass
class MemoryStore:
    """`broken`: what it answers to every question; `stubborn`: it says yes and does nothing."""

    name: str = "system"
    kind: Kind = "system"
    path: str = "/anchors"
    needs_root: bool = False
    broken: HomeportError | None = None
    stubborn: bool = False
    inside: dict[str, bytes] = field(default_factory=lambda: {"others": b"corporate"})

    def holds(self, roots: Sequence[Root]) -> set[str]:
        if self.broken:
            raise self.broken
        return {root.fingerprint for root in roots if root.fingerprint in self.inside}

    trusts = holds

    def add(self, root: Root) -> None:
        if not self.stubborn:
            self.inside[root.fingerprint] = root.pem

    def remove(self, root: Root) -> None:
        if not self.stubborn:
            del self.inside[root.fingerprint]
