"""The use cases on extra routes: what `homeport route` adds to lead to something that already runs."""

from __future__ import annotations

import msgspec

from homeport.app.conditions import read_conditions
from homeport.app.engine_journal import EngineJournal
from homeport.app.seams import Conditioned, Exposures, Roads
from homeport.app.stream_tls import check_tls
from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.name import RESERVED, is_route_name
from homeport.model.route import RouteSpec, RouteState
from homeport.targets.upstream import parse_target


class RoutesUseCases:
    """`journal` keeps the routes for the next engine, should this one be killed."""

    def __init__(
        self,
        roads: Roads,
        conditioned: Conditioned,
        exposures: Exposures,
        journal: EngineJournal[RouteSpec] | None = None,
    ) -> None:
        self._roads, self._conditioned, self._exposures, self._journal = roads, conditioned, exposures, journal
        self._specs: dict[str, RouteSpec] = {}

    async def restore(self) -> list[str]:
        """Open again what a killed engine held; sentences about it."""
        sentences = []
        for spec in self._journal.read() if self._journal else []:
            try:
                await self.add(spec)
            except HomeportError as error:
                sentences.append(f"the route {spec.name!r} of an engine that died could not be opened again: {error}")
            else:
                sentences.append(f"the route {spec.name!r} of an engine that died is open again")
        return sentences

    def close(self) -> None:
        """The engine ends well: nothing is left for the next one."""
        if self._journal:
            self._journal.remove()

    async def add(self, spec: RouteSpec) -> RouteState:
        check_name(spec.name)
        check_target(spec)
        check_tls(spec)
        kind, _ = parse_target(spec.target)
        conditions = read_conditions(spec.conditions, kind) if spec.conditions else None
        state = await self._roads.add(spec)
        try:
            if conditions is not None:
                self._conditioned.set(spec.name, conditions)
            if spec.expose is not None:
                state.exposed = await self._exposures.open(spec.name, spec.expose)
        except HomeportError:
            await self._roads.remove(spec.name)
            raise
        # Nothing is opened to other computers but by somebody who is there to see it.
        self._specs[spec.name] = msgspec.structs.replace(spec, expose=None)
        self._write()
        return state

    async def list(self) -> list[RouteState]:
        return self._roads.states()

    async def remove(self, name: str) -> RouteState:
        found = next((state for state in self._roads.states() if state.name == name), None)
        if found is None:
            raise HomeportError("not-found", f"no route is called {name!r}", "homeport status")
        if found.kind in ("app", "control"):
            raise HomeportError("bad-usage", f"the route {name!r} belongs to an app", f"homeport stop {name}")
        self._specs.pop(name, None)
        self._write()
        return await self._roads.remove(name)

    async def link(self, name: str) -> str:
        """The address of a route for a browser; with a key that works once where the route asks for a token."""
        if not any(state.name == name and state.kind != "control" for state in self._roads.states()):
            raise HomeportError("not-found", f"no route is called {name!r}", "homeport status")
        return self._roads.enter_link(name)

    async def expose(self, name: str, spec: ExposeSpec) -> Exposed:
        """Open the route to other computers: on one address, over TLS, to whom its rule or this one lets in."""
        return await self._exposures.open(name, spec)

    async def unexpose(self, name: str) -> Exposed:
        """Close it again, and cut off who is inside."""
        closed = self._exposures.close(name)
        if closed is None:
            raise HomeportError("not-found", f"{name} is not exposed", "homeport expose")
        return closed

    async def exposed_link(self, name: str) -> str:
        """Its address for another device; with a key that works once where a token is asked for."""
        return self._exposures.link(name)

    def _write(self) -> None:
        if self._journal:
            self._journal.write_soon(lambda: list(self._specs.values()))


def check_name(name: str) -> None:
    if name == RESERVED:
        raise HomeportError("name-taken", f"the name {RESERVED!r} is the dashboard's", "choose another name")
    if not is_route_name(name):
        raise HomeportError(
            "bad-usage", f"{name!r} cannot be a route's name: small letters, digits, hyphens and dots", "api"
        )


def check_target(spec: RouteSpec) -> None:
    """The target's grammar, and that a TCP or UDP route has a port of its own."""
    kind, _ = parse_target(spec.target)
    if kind in ("tcp", "udp") and not spec.listen:
        raise HomeportError(
            "bad-usage",
            f"a {kind} route needs a port of its own",
            f"homeport route {spec.name} {spec.target} --listen {62900 if kind == 'tcp' else 62901}",
        )
    if spec.listen:
        parse_endpoint(spec.listen)
