"""The use cases on apps: start, list, stop, restart, wait. They know which app is meant, never how one is run."""

from __future__ import annotations

from homeport.app.seams import Apps
from homeport.model.app import AppSpec, AppState
from homeport.model.errors import HomeportError


class AppsUseCases:
    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    async def start(self, specs: list[AppSpec]) -> list[AppState]:
        """Start them in the order of their needs; answers once each is under way, ready or not."""
        if not specs:
            raise HomeportError("nothing-to-run", "there is no app to start", "homeport run -- COMMAND")
        return await self._apps.start(specs)

    async def list(self) -> list[AppState]:
        return self._apps.states()

    async def stop(self, route: str) -> AppState:
        return await self._apps.stop(self._known(route))

    async def restart(self, route: str) -> AppState:
        return await self._apps.restart(self._known(route))

    async def wait(self, route: str) -> AppState:
        """Answers when it is ready, or will not become ready any more."""
        return await self._apps.wait(self._known(route))

    def _known(self, route: str) -> str:
        routes = [state.route for state in self._apps.states()]
        if route in routes:
            return route
        raise HomeportError("not-found", f"no app is called {route!r}", _choice(route, routes))


def _choice(name: str, names: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else "homeport status"
