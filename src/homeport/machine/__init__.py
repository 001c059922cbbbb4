"""This computer: what a process is, what it listens on, leases, files of ours. One interface, one file per system.

Importing this package costs nothing: the interface (`Machine`, `Listener`, `Lock`) and the system's own file
are loaded when they are first asked for, because the command line starts through `homeport.machine.home`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` alone takes longer to import than `homeport version` may need
if TYPE_CHECKING:
    from homeport.machine.interface import Listener as Listener
    from homeport.machine.interface import Lock as Lock
    from homeport.machine.interface import Machine as Machine


def __getattr__(name: str) -> object:
    if name in ("Listener", "Lock", "Machine"):
        from homeport.machine import interface

        return getattr(interface, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def this_machine() -> Machine:
    """The machine we run on. Make one for each process and hand it over; it keeps caches."""
    if sys.platform == "win32":
        from homeport.machine.windows import Windows

        return Windows()
    if sys.platform == "darwin":
        from homeport.machine.macos import MacOS

        return MacOS()
    from homeport.machine.linux import Linux

    return Linux()
