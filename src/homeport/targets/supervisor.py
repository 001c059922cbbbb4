"""The supervisor: every app of one engine by its route, what they need of each other, and their common end.

It runs nothing itself (ProcessApp and DirectoryApp do) and knows neither the door nor the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from typing import Any

import msgspec

from homeport.model.app import AppSpec, AppState
from homeport.model.errors import HomeportError
from homeport.model.name import is_route_name, slug
from homeport.targets.app import App, Bell
from homeport.targets.process import ProcessApp
from homeport.targets.seams import Surroundings
from homeport.targets.served import DirectoryApp
from homeport.targets.tree import Orphans


class Supervisor:
    """Apps stay listed after their end, so that they can be looked at and started again."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._apps: dict[str, App] = {}
        self._changes = Bell()
        self._orphans = Orphans(around)
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self, spec: AppSpec) -> App:
        """Begin to run an app, or leave it running when it does so already with the same wishes.

        An app that is started on request is only made known. Raises HomeportError("name-taken").
        """
        return (await self.start_all([spec]))[0]

    async def start_all(self, specs: Sequence[AppSpec]) -> list[App]:
        """Several at once: each finds the URLs of all the others in its environment, whichever comes first."""
        apps = [await self._make_known(spec) for spec in specs]
        for app in apps:
            if app.is_alive:
                continue
            if app.spec.start == "up":
                await app.start()
            else:
                await app.stop("idle")
        return apps

    async def _make_known(self, spec: AppSpec) -> App:
        """The app of a spec; it still runs only where that is what the spec wants."""
        route = self.route_for(spec)
        app = self._apps.get(route)
        if app and app.is_alive and self._wants(app.spec) == self._wants(spec):
            app.spec = spec
            return app
        if app is None or not self._is_same(app, spec) or bool(app.spec.serve) != bool(spec.serve):
            if app:
                await self.stop(route)
            app = self._apps[route] = self._make(spec, route)
        elif app.spec != spec:
            await self.stop(route)
            app.spec = spec
        return app

    async def stop(self, route: str) -> App:
        app = self.app(route)
        await self._finish(app.stop())
        return app

    async def stop_all(self, routes: Collection[str]) -> None:
        """Those that need others end before them."""
        depths: dict[int, list[App]] = {}
        for route in routes:
            app = self.app(route)
            depths.setdefault(self._depth(app, ()), []).append(app)
        for depth in sorted(depths, reverse=True):
            await self._finish(*(app.stop() for app in depths[depth]))

    async def restart(self, route: str) -> App:
        app = await self.stop(route)
        await app.start()
        return app

    async def wait_ready(self, route: str) -> AppState:
        """When it is ready, waits for a request, or will not become ready by itself."""
        return await self.app(route).settled()

    def app(self, route: str) -> App:
        """Raises HomeportError("not-found")."""
        try:
            return self._apps[route]
        except KeyError:
            raise HomeportError("not-found", f"there is no app {route}", "homeport status") from None

    def states(self) -> list[AppState]:
        return [app.snapshot() for app in self._apps.values()]

    def routes(self) -> list[str]:
        return list(self._apps)

    def is_needed(self) -> bool:
        """Some app runs, or waits for a request."""
        return any(app.is_alive or app.state == "idle" for app in self._apps.values())

    async def close(self) -> None:
        """End everything."""
        await self.stop_all(list(self._apps))
        self._orphans.collect()
        if self._ending:
            await asyncio.wait(self._ending)

    def route_for(self, spec: AppSpec) -> str:
        """NAME, or BRANCH.NAME in a worktree; with the project behind it where another project's app has that name."""
        name = spec.name if is_route_name(spec.name) else slug(spec.name)
        plain = f"{slug(spec.branch)}.{name}" if spec.branch else name
        for route in (plain, f"{plain}.{slug(spec.project)}"):
            other = self._apps.get(route)
            if other is None or self._is_same(other, spec) or not (other.is_alive or other.state == "idle"):
                return route
        raise HomeportError(
            "name-taken", f"another app is called {plain} in a project called {spec.project}", "homeport status"
        )

    def _make(self, spec: AppSpec, route: str) -> App:
        if spec.serve:
            return DirectoryApp(spec, route, self._around, self._changes)
        return ProcessApp(
            spec, route, self._around, self._changes, self._orphans, self._neighbours, self._wait_for_needs
        )

    def _is_same(self, app: App, spec: AppSpec) -> bool:
        return (app.spec.folder, app.spec.name) == (spec.folder, spec.name)

    def _wants(self, spec: AppSpec) -> AppSpec:
        """Every terminal has variables of its own: alone they are no reason to restart; the next start uses them."""
        return msgspec.structs.replace(spec, env={})

    def _neighbours(self, app: App) -> dict[str, str]:
        siblings = (other for other in self._apps.values() if other.spec.folder == app.spec.folder)
        return {other.spec.name: self._around.urls.of(other.route) for other in siblings}

    def _find(self, app: App, name: str) -> App | None:
        siblings = (other for other in self._apps.values() if other.spec.folder == app.spec.folder)
        return next((other for other in siblings if other.spec.name == name), None)

    async def _wait_for_needs(self, app: App) -> None:
        """An app that did its work and ended with 0 (a migration) is as good as one that is ready."""
        for name in app.spec.needs:
            while True:
                other = self._find(app, name)
                if other and (other.state == "ready" or (other.state == "exited" and other.exit_code == 0)):
                    break
                if other and other.state == "idle":
                    await other.start()
                    continue
                app.wait_for(name, other.state if other else "")
                await self._changes.wait()
        app.wait_for("", "")

    def _depth(self, app: App, above: tuple[str, ...]) -> int:
        """How many others it needs, one behind the other; a circle counts once."""
        if app.route in above:
            return 0
        others = [other for name in app.spec.needs if (other := self._find(app, name))]
        return max((1 + self._depth(other, (*above, app.route)) for other in others), default=0)

    async def _finish(self, *ends: Coroutine[Any, Any, None]) -> None:
        """Ends go on to their end, even when whoever asked for them goes away."""
        tasks = [asyncio.create_task(end) for end in ends]
        self._ending.update(tasks)
        for task in tasks:
            task.add_done_callback(self._ending.discard)
        if tasks:
            await asyncio.shield(asyncio.gather(*tasks))
