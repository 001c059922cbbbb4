"""The apps that run, each with its route: what the supervisor and the table of routes must be told together.

It decides which app answers on the plain address. It never starts a process itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from homeport.app.conditions import read_conditions
from homeport.app.exposures import Exposures, Prepared
from homeport.app.roads import Roads
from homeport.app.rules import make_rule
from homeport.app.seams import Conditioned
from homeport.model.app import AppSpec, AppState
from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.gateway.access import Rule
    from homeport.targets.app import App
    from homeport.targets.supervisor import Supervisor

OVER = frozenset({"stopped", "exited", "failed"})
USUAL_DEFAULTS = ("web", "app", "frontend", "www", "site")


class RunningApps:
    """See homeport.app.seams.Apps. `is_ending` is true once the engine stops: then nothing new begins."""

    def __init__(
        self,
        supervisor: Supervisor,
        roads: Roads,
        conditioned: Conditioned,
        exposures: Exposures,
        is_ending: Callable[[], bool],
    ) -> None:
        self._supervisor, self._roads, self._is_ending = supervisor, roads, is_ending
        self._conditioned, self._exposures = conditioned, exposures

    async def start(self, specs: list[AppSpec]) -> list[AppState]:
        """All or none: names are looked at before the first app starts."""
        self._refuse_at_the_end()
        routes = [self._supervisor.route_for(spec) for spec in specs]
        for route in routes:
            self._roads.check_free_for_app(route)
        rules = {
            route: make_rule(route, spec.access, spec.cross_site) for spec, route in zip(specs, routes, strict=True)
        }
        networks = {
            route: read_conditions(spec.conditions, "app")
            for spec, route in zip(specs, routes, strict=True)
            if spec.conditions
        }
        default = self._default(specs, routes)
        wanted = [  # how an app may be reached from elsewhere is no reason to restart it
            msgspec.structs.replace(spec, default=route == default, expose=None)
            for spec, route in zip(specs, routes, strict=True)
        ]
        prepared: dict[str, Prepared] = {}
        try:
            for spec, route in zip(specs, routes, strict=True):
                if spec.expose is not None:
                    prepared[route] = await self._exposures.prepare(route, spec.expose, rules[route])
            apps = await self._supervisor.start_all(wanted)
        except BaseException:
            for one in prepared.values():
                one.sock.close()
            raise
        for app in apps:
            self._add(app, default=app.spec.default, rule=rules[app.route])
        for route, one in prepared.items():
            await self._exposures.open_prepared(route, one)
        for app in apps:
            self._exposures.follow(app.snapshot())  # some are over already
        for route, conditions in networks.items():
            self._conditioned.set(route, conditions)
        if default in routes:
            self._take_default_from_others(default)
        return [app.snapshot() for app in apps]

    async def stop(self, route: str) -> AppState:
        self._exposures.close(route)
        return (await self._supervisor.stop(route)).snapshot()

    async def restart(self, route: str) -> AppState:
        self._refuse_at_the_end()
        return (await self._supervisor.restart(route)).snapshot()

    async def wait(self, route: str) -> AppState:
        return await self._supervisor.wait_ready(route)

    def states(self) -> list[AppState]:
        return self._supervisor.states()

    def _default(self, specs: list[AppSpec], routes: list[str]) -> str:
        """The route for the plain address. Who has it keeps it while it lives, unless its own project moves it."""
        holder = next((state for state in self.states() if state.default and state.state not in OVER), None)
        wishes = [route for spec, route in zip(specs, routes, strict=True) if spec.default]
        if holder is not None:
            same_project = any(spec.folder == holder.folder for spec in specs)
            return wishes[0] if wishes and same_project else holder.route
        if self._roads.has_default():
            return ""
        return wishes[0] if wishes else _likeliest(specs, routes)

    def _take_default_from_others(self, default: str) -> None:
        for route in self._supervisor.routes():
            app: App = self._supervisor.app(route)
            if app.spec.default and route != default:
                app.spec = msgspec.structs.replace(app.spec, default=False)
                self._add(app, default=False, rule=make_rule(route, app.spec.access, app.spec.cross_site))

    def _add(self, app: App, *, default: bool, rule: Rule | None) -> None:
        spec = app.spec
        self._roads.add_app(
            app.route, app, default=default, https=spec.https, h2=spec.h2, rule=rule, subdomains=spec.subdomains
        )

    def _refuse_at_the_end(self) -> None:
        if self._is_ending():
            raise HomeportError("engine-unreachable", "the engine is about to end", "try again")


def _likeliest(specs: list[AppSpec], routes: list[str]) -> str:
    """A name that says so, a directory, or the first app that no other one needs (so not the database)."""
    by_name = {spec.name: route for spec, route in zip(specs, routes, strict=True)}
    needed = {name for spec in specs for name in spec.needs}
    usual = [by_name[name] for name in USUAL_DEFAULTS if name in by_name]
    served = [by_name[spec.name] for spec in specs if spec.serve]
    free = [by_name[spec.name] for spec in specs if spec.name not in needed]
    return [*usual, *served, *free, *routes][0]
