"""The system store of a Linux distribution: a folder of anchors, and the command that takes them up.

curl, wget, git, Python, Go, Ruby and PHP read what comes of it; Node only when it is told to; Chromium never.
Other files in the folder are not read, and what the command makes of them is the system's affair.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from homeport.certs import private
from homeport.certs.place import Place
from homeport.certs.root import Root
from homeport.certs.store import Kind


class Layout(NamedTuple):
    """`bundle`: what the command makes of it. `links`: a folder where it leaves links to anchors that are gone."""

    name: str
    folder: str
    suffix: str
    command: tuple[str, ...]
    bundle: str
    links: str = ""


LAYOUTS = (
    Layout(
        "Fedora, RHEL",
        "/etc/pki/ca-trust/source/anchors",
        ".pem",
        ("update-ca-trust", "extract"),
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ),
    Layout(
        "Arch",
        "/etc/ca-certificates/trust-source/anchors",
        ".crt",
        ("update-ca-trust",),
        "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    ),
    Layout(
        "openSUSE",
        "/etc/pki/trust/anchors",
        ".pem",
        ("update-ca-certificates",),
        "/var/lib/ca-certificates/ca-bundle.pem",
    ),
    Layout(
        "Debian, Ubuntu, Alpine",
        "/usr/local/share/ca-certificates",
        ".crt",
        ("update-ca-certificates",),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/ssl/certs",
    ),
)


def linux_store(place: Place) -> LinuxStore | None:
    """The first layout whose command is installed and whose folder (or the one above it) is there."""
    for layout in LAYOUTS:
        folder = place.at(layout.folder)
        if place.which(layout.command[0]) and (os.path.isdir(folder) or os.path.isdir(os.path.dirname(folder))):
            return LinuxStore(place, layout)
    return None


class LinuxStore:
    kind: Kind = "system"
    needs_root = True

    def __init__(self, place: Place, layout: Layout) -> None:
        self.name = f"system ({layout.name})"
        self.path = place.at(layout.folder)
        self._place = place
        self._layout = layout

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        """An anchor counts when the command has taken it up, which may have failed, or was forgotten."""
        bundle = private.read_open(self._place.at(self._layout.bundle))
        there = self.holds(roots)
        return {root.fingerprint for root in roots if root.fingerprint in there and root.pem.strip() in bundle}

    def holds(self, roots: Sequence[Root]) -> set[str]:
        return {root.fingerprint for root in roots if private.read_open(self._anchor(root)) == root.pem}

    def add(self, root: Root) -> None:
        install = ("install", "-D", "-m", "0644", "--", root.path, self._anchor(root))
        self._place.do_as_root(install, self._update())

    def remove(self, root: Root) -> None:
        self._place.do_as_root(("rm", "-f", "--", self._anchor(root), *self._links(root)), self._update())

    def _anchor(self, root: Root) -> str:
        return os.path.join(self.path, f"homeport-{root.short}{self._layout.suffix}")

    def _links(self, root: Root) -> list[str]:
        """Debian's command forgets the links to an anchor that is gone, unless it is told to make all of them anew:
        that would remove dangling links of others too."""
        if not self._layout.links:
            return []
        folder = self._place.at(self._layout.links)
        first = f"homeport-{root.short}.pem"
        found = [
            entry.path
            for entry in os.scandir(folder)
            if entry.is_symlink() and (entry.name == first or os.readlink(entry.path) == first)
        ]
        return sorted(found)

    def _update(self) -> tuple[str, ...]:
        name, *words = self._layout.command
        return (self._place.tool(name, "install ca-certificates"), *words)
