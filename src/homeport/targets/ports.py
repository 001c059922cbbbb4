"""The ports (or the socket) that one app is given, and how they are held for it until it listens itself."""

from __future__ import annotations

import os
from collections.abc import Collection

from homeport.machine.leases import Lease
from homeport.model.app import AppSpec
from homeport.model.ports import PortStory
from homeport.model.ports_next import is_taken
from homeport.targets.command import Given
from homeport.targets.seams import Surroundings


class Ports:
    """`are_shared`: the app can listen on a port that we hold, because it sets SO_REUSEADDR as nearly all do."""

    def __init__(self, around: Surroundings) -> None:
        self.are_shared = around.leases.children_share
        self._around = around
        self._leases: list[Lease] = []

    def take(self, spec: AppSpec, route: str) -> Given:
        """Lease what the spec asks for. Raises HomeportError where a fixed port is taken."""
        leases = self._around.leases
        self._leases = []
        ports = {}
        for variable, fixed in spec.ports.items():
            self._leases.append(leases.lease(spec.folder, f"{spec.name}/{variable}", fixed))
            ports[variable] = self._leases[-1].port
        if spec.socket:
            path = self._around.socket_for(route)
            try:
                os.unlink(path)  # left over from the last run
            except FileNotFoundError:
                pass
            return Given(host=spec.host, socket=path, ports=ports)
        self._leases.append(leases.lease(spec.folder, spec.name, spec.port))
        return Given(host=spec.host, port=self._leases[-1].port, ports=ports)

    def yield_holds(self) -> bool:
        """Let go of them without giving them up; true when any was held."""
        held = [lease for lease in self._leases if lease.holds]
        for lease in held:
            lease.yield_hold()
        return bool(held)

    def yield_listened(self, listened: Collection[int]) -> None:
        """While the app listens nobody else can, and it may close and listen again as it likes."""
        for lease in self._leases:
            if lease.port in listened:
                lease.yield_hold()

    def release(self) -> None:
        for lease in self._leases:
            lease.release()
        self._leases = []

    def in_the_way(self, spec: AppSpec, tried: Collection[int] = ()) -> PortStory | None:
        """The story of the first port it wants, or `tried` in vain, that somebody else has."""
        wanted = [*tried, spec.port, *spec.ports.values(), *(lease.port for lease in self._leases)]
        ours = {lease.port for lease in self._leases if lease.holds}
        stories = (self._around.story_of(port) for port in dict.fromkeys(wanted) if port and port not in ours)
        return next((story for story in stories if is_taken(story)), None)
