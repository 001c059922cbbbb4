"""What every trust store can be asked and told. A store is one database or folder; what holds nothing of ours is told
nothing, and what is of others is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from homeport.certs.root import Root

Kind = Literal["system", "nss", "java", "macos", "windows"]


class Store(Protocol):
    """Methods raise HomeportError: "not-installed" with the package as the hint, "needs-root", or "trust-failed"."""

    @property
    def kind(self) -> Kind: ...

    @property
    def name(self) -> str:
        """As people call it: `Firefox (default-release)`."""

    @property
    def path(self) -> str: ...

    @property
    def needs_root(self) -> bool:
        """Whether a change needs root, and so has to be asked for."""

    def holds(self, roots: Sequence[Root]) -> set[str]:
        """The fingerprints of those that are in it, trusted or not."""

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        """The fingerprints of those that its programs accept."""

    def add(self, root: Root) -> None: ...

    def remove(self, root: Root) -> None: ...
