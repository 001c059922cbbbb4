"""A clock that is wrong enough to break TLS. Pure."""

from __future__ import annotations

from homeport.doctor.facts import MachineFacts
from homeport.model.finding import Finding

_BEHIND_S = 86_400.0  # builds and archives stamp files with other zones; a whole day is none of those


def explain_clock(machine: MachineFacts) -> Finding | None:
    if machine.clock_behind_s < _BEHIND_S:
        return None
    return Finding(
        code="clock-wrong",
        what=f"the clock of this computer is at least {machine.clock_behind_s / 86_400:.0f} days behind",
        why="Files that lie here are newer. Certificates that are valid are refused as not valid yet.",
        next="timedatectl, and set the clock (sudo timedatectl set-ntp true)",
    )
