"""After a crash: ends what a killed engine left running, and says so in sentences. Only under the lock of the home."""

from __future__ import annotations

import contextlib
import os

from homeport.machine.home import Home
from homeport.machine.interface import Machine
from homeport.targets import journal


async def clean_up(home: Home, machine: Machine) -> list[str]:
    """Returns when nothing of the killed engine runs any more."""
    found = journal.leftovers(home.children, machine, home.key)
    if found:
        await journal.clean_up(found, machine)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(home.children)
    return [f"{leftover}; it was stopped" for leftover in found]
