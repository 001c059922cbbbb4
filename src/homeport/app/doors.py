"""Opening the door where it was asked for, or on the next free port, and saying who was in the way.

It carries no visit; that is homeport.gateway.door.
"""

from __future__ import annotations

from homeport.gateway.door import Door
from homeport.machine.interface import Holder, Machine
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.streams.listen import bind_loopback

TRIES = 100  # ports above the one that was asked for


def free_near(wanted: Endpoint) -> Endpoint:
    """Where a door could open now: the place that was asked for, or the next port; a port for 0.

    Raises HomeportError("port-taken"). Somebody may be quicker; then opening looks again.
    """
    for port in _ports(wanted):
        try:
            sockets = bind_loopback(wanted.host, port)
        except OSError:
            continue
        found = Endpoint(wanted.host, sockets[0].getsockname()[1])
        for sock in sockets:
            sock.close()
        return found
    raise HomeportError(
        "port-taken", f"{wanted} and the {TRIES} ports above it are taken", "homeport engine --door PORT"
    )


class Doors:
    """The door of this engine. `warnings` are sentences about what could not be had."""

    def __init__(self, door: Door, machine: Machine) -> None:
        self._door, self._machine = door, machine
        self.warnings: list[str] = []

    def addresses(self) -> list[str]:
        return [str(endpoint) for endpoint in self._door.endpoints]

    def first(self) -> Endpoint | None:
        return self._door.endpoints[0] if self._door.endpoints else None

    async def open(self, wanted: Endpoint, free: Endpoint) -> None:
        """Listen on the first free place from `free` on. Raises HomeportError("port-taken")."""
        opened = await self._open_near(free)
        if wanted.port and opened.port != wanted.port:
            who = _who(self._machine.holder(wanted.port))
            self.warnings.append(f"{wanted} is taken by {who}; the door is {opened} instead")
        if "IPv6" in self._door.missing_families:
            others = [holder for holder in self._machine.holder(opened.port) if ":" in holder.endpoint.host]
            if others:
                self.warnings.append(
                    f"[::1]:{opened.port} is taken by {_who(others)}: browsers that try it first land there"
                )

    async def _open_near(self, free: Endpoint) -> Endpoint:
        *ports, last = _ports(free)
        for port in ports:
            try:
                return (await self._door.open(Endpoint(free.host, port)))[0]
            except HomeportError as error:
                if error.code != "port-taken":
                    raise
        return (await self._door.open(Endpoint(free.host, last)))[0]


def _ports(wanted: Endpoint) -> range:
    return range(wanted.port, min(wanted.port + TRIES, 65535) + 1) if wanted.port else range(1)


def _who(holders: list[Holder]) -> str:
    return str(holders[0]) if holders else "another process"
