"""What a control group of Linux says about why a process runs: container, systemd unit, snap or Flatpak.

Pure text to names. A control group survives a double fork where the parents do not.
"""

from __future__ import annotations

import re

_UNIT = re.compile(r"(?:^|/)([^/-][^/]*)\.service(?=/|$)")
# Services that only host what people start by hand: no reason why a server runs.
_HOSTS = re.compile(
    r"user@|app-|snap\.|ssh|gnome-terminal|dbus|getty|serial-getty|login|display-manager|gdm|sddm|lightdm"
)
_CONTAINER = re.compile(
    r"(?P<kind>docker|libpod|crio|cri-containerd|containerd|podman|kubepods)[^\n]*?[/-]"
    r"(?P<id>[0-9a-f]{64})(?:\.scope)?(?=/|$)",
    re.MULTILINE,
)
_LXC = re.compile(r"/lxc(?:\.payload\.|\.payload/|/)(?P<id>[^/\n]+)")
_KINDS = {"docker": "Docker", "libpod": "Podman", "podman": "Podman"}
# snap.firefox.firefox-3f2a….scope, snap.nextcloud.apache.service; app-flatpak-org.gimp.GIMP-4121.scope
_SNAP = re.compile(r"/snap\.(?P<name>[a-z0-9-]+)\.")
_FLATPAK = re.compile(r"/app-flatpak-(?P<name>[\w.]+(?:-[\w.]*[A-Za-z_.][\w.]*)*)-\d+\.scope")


def container_of(cgroup: str) -> tuple[str, str]:
    """("Docker", "3f2a…" of 12 digits), or ("", "")."""
    if found := _CONTAINER.search(cgroup):
        return _KINDS.get(found["kind"], "Kubernetes or containerd"), found["id"][:12]
    if lxc := _LXC.search(cgroup):
        return "LXC", lxc["id"]
    return "", ""


def unit_of(cgroup: str) -> tuple[str, bool]:
    """The innermost systemd service and whether it is one of the user's; ("", False) where a person started it."""
    lines = [line.split(":", 2)[2] for line in cgroup.splitlines() if line.count(":") >= 2]
    for path in lines:
        for name in reversed(_UNIT.findall(path)):
            if not _HOSTS.match(name):
                return f"{name}.service", "/user@" in path
    return "", False


def package_of(cgroup: str) -> str:
    """`the snap firefox`, `the Flatpak org.gimp.GIMP`, or ''."""
    if found := _SNAP.search(cgroup):
        return f"the snap {found['name']}"
    if found := _FLATPAK.search(cgroup):
        return f"the Flatpak {found['name']}"
    return ""
