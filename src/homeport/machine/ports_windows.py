"""The ports of Windows: psutil, netsh for the ranges that nobody may open, PowerShell for ports that are only bound.

No sessions, terminals or process groups here, and nothing is asked that needs an administrator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

from homeport.machine import ports_tools
from homeport.machine.ports_psutil import PsutilPorts
from homeport.model.endpoint import Endpoint
from homeport.model.ports import Occupant

_RANGE = re.compile(r"^\s*(\d+)\s+(\d+)\s*\*?\s*$", re.MULTILINE)
_BOUND = 100  # MSFT_NetTCPConnection.State: Bound
_POWERSHELL_LIMIT_S = 8.0  # it takes one to three seconds to start


class WindowsPorts(PsutilPorts):
    """See Ports. `ask` is how netsh and PowerShell are asked."""

    def __init__(self, ask: Callable[[Sequence[str], float], str] = ports_tools.ask) -> None:
        self._ask = ask

    def reserved(self) -> list[tuple[int, int]]:
        """Hyper-V, WSL and Docker have ranges excluded, others after each boot: error 10013 (microsoft/WSL#5514)."""
        found = set()
        for family in ("ipv4", "ipv6"):
            words = ("netsh", "int", family, "show", "excludedportrange", "protocol=tcp")
            found |= set(parse_excluded(self._ask(words, ports_tools.ASK_LIMIT_S)))
        return sorted(found)

    def occupants(self, port: int) -> list[Occupant]:
        """GetExtendedTcpTable, which psutil reads, leaves out what is bound and not listened on."""
        found = super().occupants(port)
        if found or "taken" not in self.bindable(port).values():
            return found
        command = (
            f"Get-NetTCPConnection -LocalPort {port} -State Bound -ErrorAction SilentlyContinue | "
            "Select-Object LocalAddress,LocalPort,RemoteAddress,RemotePort,State,OwningProcess | ConvertTo-Json"
        )
        said = self._ask(("powershell", "-NoProfile", "-NonInteractive", "-Command", command), _POWERSHELL_LIMIT_S)
        return [
            Occupant(kind="bound", endpoint=own, pids=(pid,))
            for own, _, state, pid in parse_connections(said)
            if own.port == port and state == _BOUND
        ]


def parse_excluded(text: str) -> list[tuple[int, int]]:
    """Lines of two numbers, whatever the language; a star marks what an administrator excluded."""
    return [(int(low), int(high)) for low, high in _RANGE.findall(text) if int(low) <= int(high) <= 65535]


def parse_connections(text: str) -> Iterator[tuple[Endpoint, Endpoint, int, int]]:
    """Own end, other end, number of the state, pid. PowerShell writes a single object without a list around it."""
    try:
        rows = json.loads(text)
    except ValueError:
        return
    for row in rows if isinstance(rows, list) else [rows]:
        try:
            own = Endpoint(row["LocalAddress"].partition("%")[0], int(row["LocalPort"]))
            peer = Endpoint(row["RemoteAddress"].partition("%")[0], int(row["RemotePort"]))
            yield own, peer, int(row["State"]), int(row["OwningProcess"])
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
