"""Opening the door where it was asked for, or on the next free port, and saying who was in the way.

It carries no visit; that is homeport.gateway.door.
"""

from __future__ import annotations

from homeport.gateway.door import Door
from homeport.machine.interface import Holder, Machine
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError

TRIES = 100  # ports above the one that was asked for


class Doors:
    """The door of this engine. `warnings` are sentences about what could not be had."""

    def __init__(self, door: Door, machine: Machine) -> None:
        self._door, self._machine = door, machine
        self.warnings: list[str] = []

    def addresses(self) -> list[str]:
        return [str(endpoint) for endpoint in self._door.endpoints]

    def first(self) -> Endpoint | None:
        return self._door.endpoints[0] if self._door.endpoints else None

    async def open(self, wanted: Endpoint) -> None:
        """Raises HomeportError("port-taken") when no port near it is free."""
        opened = await self._open_near(wanted)
        if wanted.port and opened.port != wanted.port:
            who = _who(self._machine.holder(wanted.port))
            self.warnings.append(f"{wanted} is taken by {who}; the door is {opened} instead")
        if "IPv6" in self._door.missing_families:
            others = [holder for holder in self._machine.holder(opened.port) if ":" in holder.endpoint.host]
            if others:
                self.warnings.append(
                    f"[::1]:{opened.port} is taken by {_who(others)}: browsers that try it first land there"
                )

    async def _open_near(self, wanted: Endpoint) -> Endpoint:
        last = wanted.port + TRIES if wanted.port else 0
        for port in range(wanted.port, min(last, 65535) + 1):
            try:
                return (await self._door.open(Endpoint(wanted.host, port)))[0]
            except HomeportError as error:
                if error.code != "port-taken" or port >= min(last, 65535):
                    raise
        raise AssertionError("the last port either opened or raised")


def _who(holders: list[Holder]) -> str:
    return str(holders[0]) if holders else "another process"
