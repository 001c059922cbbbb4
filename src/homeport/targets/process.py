"""A command as an app: run, watched, started again where that is wanted, ended whole.

One task lives for as long as the app is up. What is known of the current run is in its `Run`; sentences come from
`Explain`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from homeport.model.app import AppSpec, State
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding
from homeport.model.ports import PortStory
from homeport.targets import command, follow
from homeport.targets.app import App, Bell
from homeport.targets.ports import Ports
from homeport.targets.program import find_program
from homeport.targets.restart import Backoff
from homeport.targets.run import Run
from homeport.targets.seams import Surroundings
from homeport.targets.tree import Orphans


class ProcessApp(App):
    """See App. `wait_for_needs` returns when all that it needs is ready, `neighbours` are its project's URLs."""

    def __init__(
        self,
        spec: AppSpec,
        route: str,
        around: Surroundings,
        changes: Bell,
        orphans: Orphans,
        neighbours: Callable[[App], dict[str, str]],
        wait_for_needs: Callable[[App], Awaitable[None]],
    ) -> None:
        super().__init__(spec, route, around, changes)
        self._orphans = orphans
        self._neighbours = neighbours
        self._wait_for_needs = wait_for_needs
        self._life: asyncio.Task[None] | None = None
        self._run: Run | None = None
        self._ready_at_s = 0.0  # on the loop's clock
        self._ports = Ports(around)
        self._backoff = Backoff(around.pace)

    async def start(self) -> None:
        async with self._transition:
            if self._life is None or self._life.done():
                self._backoff = Backoff(self._around.pace)
                self.restarts = 0
                self._become("starting")
                self._life = asyncio.create_task(self._live(), name=f"app {self.route}")
                self._life.add_done_callback(self._after_life)

    async def stop(self, state: State = "stopped") -> None:
        async with self._transition:
            if self._life and not self._life.done():
                self._become("stopping")
                self._life.cancel()
                await asyncio.wait([self._life])
            await self._end_run()
            self._ports.release()
            self.again_at_s = None
            if state != "stopped" or self.state not in ("exited", "failed"):
                self._become(state)  # what ended by itself keeps its end: its code and its reason
            self._tell()

    def explain(self, error: OSError | None) -> Finding:
        if self._run:
            self._run.look_soon()  # what was known of its listeners is out of date
        return super().explain(error)

    async def _live(self) -> None:
        try:
            while True:
                await self._wait_for_needs(self)
                if not await self._run_once():
                    break
        except HomeportError as error:
            in_the_way = self._ports.in_the_way(self.spec) if error.code == "port-taken" else None
            self._fail(error=error.message, port_story=in_the_way)
        await self._end_run()
        self._ports.release()
        if self.state == "stopping":
            self._become("idle")
        self._tell()

    def _after_life(self, life: asyncio.Task[None]) -> None:
        """A mistake of ours must not look like an app that is still starting."""
        error = None if life.cancelled() else life.exception()
        if error:
            life.get_loop().call_exception_handler(
                {"message": f"the supervision of {self.route} broke", "exception": error}
            )
            self._fail(error=f"homeport made a mistake: {error!r}")

    async def _run_once(self) -> bool:
        """From its start to its end; true when it is to be started again."""
        self._forget_run()
        self.given = self._ports.take(self.spec, self.route)
        self._run = Run(
            self.spec, self.route, self.given, self._ports, self._around, self._orphans, heard=self._remember
        )
        self._become("starting")
        try:
            await self._spawn(self._run)
        except OSError as error:
            self.exit_code = 126 if isinstance(error, PermissionError) else 127
            self._fail(error=str(error))
            return False
        await self._run.follow(self._seen)
        if self.state == "stopping":
            return False
        return await self._after_the_end(self._run)

    async def _spawn(self, run: Run) -> None:
        """Raises OSError with a sentence about what could not be started, or HomeportError."""
        spec = self.spec
        cwd = os.path.join(spec.folder, spec.cwd)
        if not os.path.isdir(cwd):
            raise FileNotFoundError(f"its folder {cwd} does not exist")
        urls = self._around.urls.all(self.route, spec.default, spec.https)
        marker = f"{self._around.marker_key}/{self.route}"
        env = command.environment(
            spec, self.given, marker=marker, url=urls[0] if urls else "", neighbours=self._neighbours(self)
        )
        if self._around.portserver:
            env.setdefault("PORTSERVER_ADDRESS", self._around.portserver)
        env.update(self._around.trust(env))
        words = command.words(spec.command, self.given)
        if not isinstance(words, str):
            words = [find_program(words[0], cwd, env), *words[1:]]
        if not self._ports.are_shared:
            self._ports.yield_holds()
        await run.start(words, cwd, env)
        self.pid = run.pid
        self._mark_started()
        self._say(f"started with {self.given.address}" if self.given.address else "started")

    def _seen(self) -> bool:
        """Take over what the run has seen; true when it has been idle for long enough to be stopped."""
        run = self._run
        if run is None:
            return True
        self.pid, self.endpoint, self.ready_seen = run.pid, run.endpoint, run.ready_seen
        given = self.given
        shown = [listener for listener in run.listeners if given.socket or not listener.endpoint.is_unix]
        self.listens = list(dict.fromkeys(listener.endpoint for listener in shown))
        self.exposed = bool(follow.exposed(run.listeners))
        notice = follow.notice(self.spec.name, given, run.endpoint, run.listeners)
        if notice and notice != self.notice:
            self._say(notice)
        self.notice = notice
        self._judge(run)
        return self._rests()

    def _judge(self, run: Run) -> None:
        """Ready, not ready any more, or too late."""
        if run.is_ready and self.state != "ready":
            self._ready_at_s = asyncio.get_running_loop().time()
            self._become("ready")
            self._say(f"ready on {run.endpoint}" if run.endpoint else "ready")
        elif not run.is_ready and self.state == "ready":
            self._become("starting")
        elif self.state == "starting" and run.starting_s >= self.spec.ready_timeout_s and run.pid:
            self._fail(waited_s=run.starting_s)
        else:
            self._tell()

    def _rests(self) -> bool:
        idle_stop_s, activity = self.spec.idle_stop_s, self._around.activity
        if idle_stop_s is None or activity is None or self.state != "ready" or self.awaited:
            return False
        active, idle_s = activity.of(self.route)
        ready_s = asyncio.get_running_loop().time() - self._ready_at_s
        if active or min(idle_s, ready_s) < idle_stop_s:
            return False
        self._say(f"no request for {idle_stop_s:g} s: stopped until the next one")
        self._become("stopping")
        return True

    async def _after_the_end(self, run: Run) -> bool:
        await self._end_run()
        code = self.exit_code or 0
        if code and run.bind_failed and self._ports.are_shared:
            # It does not set SO_REUSEADDR and met our own hold on its port.
            self._ports.are_shared = False
            self._say("it cannot share a port that is held: started once more without the hold")
            return True
        self._say(f"ended with code {code}")
        pause_s = self._backoff.pause_s(self.spec.restart, code, run.ran_s)
        if pause_s is None:
            self.state = "failed" if code else "exited"
            in_the_way = self._ports.in_the_way(self.spec, run.tried) if code and run.said_in_use else None
            self._become(self.state, self._around.explain(self.facts(port_story=in_the_way)) if code else None)
            return False
        self.state, self.again_at_s = "backoff", asyncio.get_running_loop().time() + pause_s
        self._become("backoff", self._around.explain(self.facts()))
        await asyncio.sleep(pause_s)
        self.again_at_s = None
        self.restarts += 1
        return True

    async def _end_run(self) -> None:
        if self._run:
            await self._run.end()
            if self._run.exit_code is not None:
                self.exit_code, self.ran_s = self._run.exit_code, self._run.ran_s
            self._run = None
        self.pid, self.endpoint, self.listens, self.exposed, self.notice = None, None, [], False, ""

    def _forget_run(self) -> None:
        self._tail.clear()
        self.exit_code, self.ran_s, self.ready_seen, self.notice = None, None, "", ""

    def _fail(self, *, waited_s: float | None = None, error: str = "", port_story: PortStory | None = None) -> None:
        self.state = "failed"
        finding = self._around.explain(self.facts(waited_s=waited_s, error=error, port_story=port_story))
        self._become("failed", finding)
        self._say(f"{finding.what} {finding.why}".strip())
