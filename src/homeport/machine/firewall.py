"""What homeport asks of a computer about its firewalls. One file for each system and tool; the fake answers alike.

Rules that may not be read are data ("unknown, because only root may read them"), never an exception. Nothing here
changes a rule, except `trace`, which adds a table of its own and removes it again.
"""

from __future__ import annotations

import sys
from typing import Literal, Protocol

from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState, Fix

IP = Literal["tcp", "udp"]


class Firewall(Protocol):
    """The firewalls of this computer. Hosts are loopback addresses; others are answered as far as rules are known."""

    def states(self) -> list[FirewallState]:
        """Every firewall tool that this system may have, absent ones included."""

    def deciding(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        """What the rules say about a connection by user `uid` (default: ours). None: they may not be read."""

    def trace(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        """What really happens to one probe, by which rule. None: not possible here (it needs root, or a tool)."""

    def fix(self, endpoint: Endpoint, deciding: Deciding, protocol: IP = "tcp") -> Fix | None:
        """What would let this port through on loopback only. None: nothing blocks it, or no way is known."""

    def apply(self, fix: Fix) -> tuple[str, Fix]:
        """Carry a fix out: "" or its complaint, and the fix with an undo that can be run."""

    def undo(self, fix: Fix) -> str:
        """Take back what apply did: "" or its complaint."""


def this_firewall() -> Firewall:
    """The firewalls of the computer we run on."""
    if sys.platform == "win32":
        from homeport.machine.firewall_windows import WindowsFirewall

        return WindowsFirewall()
    if sys.platform == "darwin":
        from homeport.machine.firewall_macos import MacFirewall

        return MacFirewall()
    from homeport.machine.firewall_linux import LinuxFirewall

    return LinuxFirewall()


def is_root() -> bool:
    """Whether rules may be read and changed: root, or an elevated process on Windows."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    import os

    return os.geteuid() == 0
