"""Opening the door where it was asked for, or on the next free port, and saying who was in the way.

It carries no visit; that is homeport.gateway.door.
"""

from __future__ import annotations

from homeport.app.taken import FindTaken, told
from homeport.gateway.door import Door
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.streams.listen import bind_loopback, bind_one

TRIES = 100  # ports above the one that was asked for


def free_near(wanted: Endpoint, taken: FindTaken) -> Endpoint:
    """Where a door could open now: the place that was asked for, or the next port; a port for 0.

    Raises HomeportError("port-taken"). Somebody may be quicker; then opening looks again.
    """
    for port in _ports(wanted):
        try:
            sockets = bind_loopback(wanted.host, port, needs_both=True)
        except OSError:
            continue
        found = Endpoint(wanted.host, sockets[0].getsockname()[1])
        for sock in sockets:
            sock.close()
        return found
    every = HomeportError(
        "port-taken", f"{wanted} and the {TRIES} ports above it are taken", "homeport engine --door PORT"
    )
    raise told(every, wanted, taken)


class Doors:
    """The door of this engine. `warnings` are sentences about what could not be had."""

    def __init__(self, door: Door, taken: FindTaken) -> None:
        self._door, self._taken = door, taken
        self.warnings: list[str] = []

    def addresses(self) -> list[str]:
        return [str(endpoint) for endpoint in self._door.endpoints]

    def first(self) -> Endpoint | None:
        return self._door.endpoints[0] if self._door.endpoints else None

    async def open(self, wanted: Endpoint, free: Endpoint) -> None:
        """Listen on the first free place from `free` on. Raises HomeportError("port-taken")."""
        opened = await self._open_near(free)
        if wanted.port and opened.port != wanted.port:
            missed = _missed(wanted)
            finding = self._taken(missed)
            why = finding.what if finding else f"{missed} was taken a moment ago"
            self.warnings.append(f"{why}; the door is {opened} instead")

    async def _open_near(self, free: Endpoint) -> Endpoint:
        *ports, last = _ports(free)
        for port in ports:
            try:
                return (await self._door.open(Endpoint(free.host, port)))[0]
            except HomeportError as error:
                if error.code != "port-taken":
                    raise
        return (await self._door.open(Endpoint(free.host, last)))[0]


def _missed(wanted: Endpoint) -> Endpoint:
    """Which of the two families is somebody else's."""
    try:
        bind_one("127.0.0.1" if wanted.host == "localhost" else wanted.host, wanted.port).close()
    except OSError:
        return wanted
    return Endpoint("::1", wanted.port)


def _ports(wanted: Endpoint) -> range:
    return range(wanted.port, min(wanted.port + TRIES, 65535) + 1) if wanted.port else range(1)
