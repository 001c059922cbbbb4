"""A directory as an app: opened instead of started. How it is served is the business of `Directories`."""

from __future__ import annotations

from homeport.model.app import State
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding
from homeport.targets.app import App


class DirectoryApp(App):
    """Ready as soon as it is opened."""

    async def start(self) -> None:
        async with self._transition:
            directories, serve = self._around.directories, self.spec.serve
            if self.endpoint or serve is None or directories is None:
                return
            try:
                self.endpoint = await directories.open(self.route, serve)
            except HomeportError as error:
                self._become("failed", Finding(code="directory-not-served", what=error.message, next=error.hint))
                return
            self._mark_started()
            self._become("ready")

    async def stop(self, state: State = "stopped") -> None:
        async with self._transition:
            if self.endpoint and self._around.directories:
                self.endpoint = None
                await self._around.directories.close(self.route)
            self._become(state)
