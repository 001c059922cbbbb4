"""An app as the gateway and the user see it: its state, where it is dialled, and why it cannot be.

The base of ProcessApp and DirectoryApp, which know how one is run. Its fields change on the engine's loop only, and
every change of state wakes whoever waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime

from homeport.model.app import AppFacts, AppSpec, AppState, State
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding, Unavailable
from homeport.model.ports import PortStory
from homeport.targets.command import Given, shown
from homeport.targets.lines import plain
from homeport.targets.seams import Surroundings

_LAST_LINES = 50
_LAST_LINE_CHARACTERS = 500
_OVER: tuple[State, ...] = ("exited", "failed", "stopped")
_PATIENCE_S = 2.0  # a request waits for an app that is about to be started again, but not for long


class Bell:
    """Wakes everybody who waits for the next ring."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class App:
    """See the gateway's `Target`: address, ready, explain."""

    def __init__(self, spec: AppSpec, route: str, around: Surroundings, changes: Bell) -> None:
        self.spec = spec
        self.route = route
        self.state: State = "idle"
        self.finding: Finding | None = None
        self.notice = ""
        self.given = Given(host=spec.host)
        self.endpoint: Endpoint | None = None
        self.listens: list[Endpoint] = []
        self.exposed = False
        self.pid: int | None = None
        self.exit_code: int | None = None
        self.restarts = 0
        self.ran_s: float | None = None
        self.again_at_s: float | None = None  # on the loop's clock
        self.ready_seen = ""
        self.needs = ""
        self.needs_state = ""
        self.awaited = 0  # requests that wait for it
        self._around = around
        self._changes = changes  # of every app: those that need this one wait for it
        self._started = ""
        self._tail: deque[str] = deque(maxlen=_LAST_LINES)
        self._said: AppState | None = None
        self._transition = asyncio.Lock()

    # What the gateway asks.

    def address(self) -> Endpoint | None:
        """An app that failed its ready check but listens is dialled: its own error page says more than ours."""
        return self.endpoint if self.state in ("ready", "failed") else None

    async def ready(self) -> Endpoint:
        if self.state == "idle" or (self.spec.start == "on-request" and self.state in ("exited", "failed")):
            await self.start()
        self.awaited += 1
        try:
            return await self._until_ready()
        finally:
            self.awaited -= 1

    def explain(self, error: OSError | None) -> Finding:
        """With an error: dialling failed. Without: the connection ended before there was an answer."""
        if self.finding and self.state in _OVER:
            return self.finding
        text = (error.strerror or str(error)) if error else ""
        return self._around.explain(self.facts(error=text or "connection closed"))

    async def _until_ready(self) -> Endpoint:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            if endpoint := self.address():
                return endpoint
            self._refuse_if_hopeless()
            try:
                async with asyncio.timeout_at(began_s + self.spec.ready_timeout_s):
                    await self._changes.wait()
            except TimeoutError:
                facts = self.facts(waited_s=loop.time() - began_s)
                raise Unavailable(self._around.explain(facts), 504) from None
            if self.state == "idle":
                await self.start()  # the request came while it was being stopped for idleness

    # What the supervisor asks.

    async def start(self) -> None:
        """Begin to run, unless it runs already. Does not wait until it is ready."""
        raise NotImplementedError

    async def stop(self, state: State = "stopped") -> None:
        """End it; returns when nothing of it is left."""
        raise NotImplementedError

    @property
    def is_alive(self) -> bool:
        """Something of it runs, or is about to."""
        return self.state not in ("idle", "stopped", "exited", "failed") or self.pid is not None

    async def settled(self) -> AppState:
        """Wait until it is ready, or will not become ready by itself."""
        while self.state not in ("ready", "idle", *_OVER):
            await self._changes.wait()
        return self.snapshot()

    def snapshot(self) -> AppState:
        urls = self._around.urls.all(self.route, self.spec.default, self.spec.https)
        return AppState(
            name=self.spec.name,
            project=self.spec.project,
            folder=self.spec.folder,
            route=self.route,
            kind="directory" if self.spec.serve else "process",
            state=self.state,
            command=self._command(),
            pid=self.pid,
            address=str(self.endpoint) if self.endpoint else "",
            port=self.given.port,
            listens=[str(endpoint) for endpoint in self.listens],
            url=urls[0] if urls else "",
            urls=urls,
            started=self._started,
            exit_code=self.exit_code,
            restarts=self.restarts,
            exposed=self.exposed,
            default=self.spec.default,
            finding=self.finding,
            notice=self.notice,
        )

    def facts(self, *, waited_s: float | None = None, error: str = "", port_story: PortStory | None = None) -> AppFacts:
        again_s = self.again_at_s - asyncio.get_running_loop().time() if self.again_at_s is not None else None
        return AppFacts(
            name=self.spec.name,
            route=self.route,
            state=self.state,
            command=self._command(),
            given=self.given.address,
            listens=[str(endpoint) for endpoint in self.listens],
            exit_code=self.exit_code,
            ran_s=self.ran_s,
            again_in_s=max(0.0, again_s) if again_s is not None else None,
            last_log=[plain(line) for line in self._tail],
            waited_s=waited_s,
            ready=self.spec.ready,
            ready_seen=self.ready_seen,
            needs=self.needs,
            needs_state=self.needs_state,
            error=error,
            port_story=port_story,
        )

    def wait_for(self, name: str, state: str) -> None:
        """It waits for another app of its project; with "" it does so no longer."""
        self.needs, self.needs_state = name, state
        if name:
            self.state = "waiting"
            self._become("waiting", self._around.explain(self.facts()))

    # What the kinds of apps share.

    def _become(self, state: State, finding: Finding | None = None) -> None:
        self.state, self.finding = state, finding
        self._tell()

    def _tell(self) -> None:
        """Tell that something changed, if it did, and wake those who wait."""
        snapshot = self.snapshot()
        if snapshot != self._said:
            self._said = snapshot
            self._around.changed(snapshot)
            self._changes.ring()

    def _say(self, text: str) -> None:
        """A line of homeport's own in the app's log."""
        self._around.log.line(self.route, "homeport", text, False)

    def _mark_started(self) -> None:
        self._started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _remember(self, line: str) -> None:
        self._tail.append(line[:_LAST_LINE_CHARACTERS])

    def _refuse_if_hopeless(self) -> None:
        """Raises Unavailable where waiting for it would be in vain."""
        facts = self.facts()
        if self.state in _OVER:
            finding = self.finding or self._around.explain(facts)
            raise Unavailable(finding, 503 if self.state == "stopped" else 502)
        too_long = facts.again_in_s is not None and facts.again_in_s > _PATIENCE_S
        if (self.state == "backoff" and too_long) or (self.state == "ready" and self.spec.listens == "no"):
            raise Unavailable(self._around.explain(facts), 503)

    def _command(self) -> str:
        return self.spec.serve.directory if self.spec.serve else shown(self.spec.command)
