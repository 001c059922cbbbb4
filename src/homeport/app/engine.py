"""The use cases on the engine itself: its status, its end, and the ways into the dashboard.

It says that the engine should stop; stopping the parts in their order is build.py's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime

from homeport import __version__
from homeport.app.events import Event
from homeport.app.seams import Apps, Doors, Keys, Pages, Recording, Roads
from homeport.model.app import AppState
from homeport.model.status import EngineState, Hello, Status


class EngineUseCases:
    def __init__(
        self,
        home: str,
        apps: Apps,
        roads: Roads,
        recording: Recording,
        doors: Doors,
        keys: Keys,
        pages: Pages,
        stop: Callable[[], None],
    ) -> None:
        self._home, self._apps, self._roads, self._recording = home, apps, roads, recording
        self._doors, self._keys, self._pages, self._stop = doors, keys, pages, stop
        self._started = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        self._notices: list[str] = []
        self._warnings: list[str] = []
        self._changing: Callable[[], list[str]] = list
        self._stopped: asyncio.Future[list[AppState]] = asyncio.get_running_loop().create_future()

    def begin(self, warnings: list[str], notices: list[str], changing: Callable[[], list[str]] = list) -> None:
        """What to tell as long as this engine runs, what to tell once, to the next client, and what while it is so."""
        self._warnings += warnings
        self._notices += notices
        self._changing = changing

    async def hello(self) -> Hello:
        """The first call of every client; takes the notices with it."""
        notices, self._notices = self._notices, []
        return Hello(version=__version__, pid=os.getpid(), notices=notices)

    async def status(self) -> Status:
        return Status(engine=self.state(), apps=self._apps.states(), routes=self._roads.states())

    def state(self) -> EngineState:
        doors = self._doors.addresses()
        port = self._port(doors)
        return EngineState(
            version=__version__,
            pid=os.getpid(),
            home=self._home,
            started=self._started,
            doors=doors,
            url=f"http://127.0.0.1:{port}" if port else "",
            dashboard=f"http://homeport.localhost:{port}" if port else "",
            warnings=[*self._warnings, *self._changing()],
            recording=self._recording.state(),
        )

    def sentences(self) -> list[str]:
        """For whoever starts it by hand and watches."""
        state = self.state()
        return [f"the door is {state.url}, the dashboard {state.dashboard}", *state.warnings, *self._notices]

    def current(self) -> list[Event]:
        """What is so now: where every stream of events starts."""
        routes: list[Event] = [("route", state) for state in self._roads.states()]
        return [("engine", self.state()), *routes, *(("app", state) for state in self._apps.states())]

    async def stop(self) -> list[AppState]:
        """Stop every app, then the engine. Answers when the apps have ended; the engine ends right after."""
        self._stop()
        return await asyncio.shield(self._stopped)

    def apps_stopped(self) -> None:
        """build.py says that no app runs any more, so that whoever waits in `stop` hears it."""
        if not self._stopped.done():
            self._stopped.set_result(self._apps.states())

    async def enter_link(self) -> str:
        """The dashboard's address with a key that works once, within a minute."""
        return f"{self.state().dashboard}/#enter={self._keys.one_time()}"

    async def dashboard_port(self) -> str:
        """The same on a port of its own, for systems where homeport.localhost does not resolve."""
        address = await self._pages.open_port()
        return f"http://{address}/#enter={self._keys.one_time()}"

    @staticmethod
    def _port(doors: list[str]) -> str:
        return doors[0].rpartition(":")[2] if doors else ""
