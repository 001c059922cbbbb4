"""Apps in the foreground: start them, follow them until the last has ended, stop them when asked.

When one app of several ends, the others go on: a finished build must not take the server with it. The exit status is
that of the first app that failed, else 0; with one app it is the app's own.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from homeport.cli.app_lines import has_ended
from homeport.cli.expose_view import show_asked_for
from homeport.cli.feed import Feed, FeedEnded
from homeport.cli.printer import Printer, printer_for
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.cli.signals import TerminalGone, on_stop
from homeport.cli.stopping import by_need, kill_at_once, stop_all
from homeport.model.app import AppSpec, AppState
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine

TICK_S = 0.5  # how long a signal may wait for the loop on systems where it cannot interrupt it
LAST_REQUESTS_S = 0.3  # requests pass through the recorder, 0.13 s, and may come after the news of the end
LAST_LINES = 1000
HANGUP_STATUS = 129  # 128 + SIGHUP


class Foreground:
    """One run. It stops only what it started: an app that ran already is followed, and left running."""

    def __init__(self, session: Session, engine: Engine, specs: list[AppSpec], *, requests: bool = False) -> None:
        self._session, self._engine, self._specs = session, engine, specs
        self._kinds = ("log", "exchange") if requests else ("log",)
        self._feed: Feed
        self._states: dict[str, AppState] = {}
        self._own: list[str] = []  # routes that this command started
        self._printer: Printer = printer_for(session, [])
        self._last_log: dict[str, int] = {}
        self._failures: list[str] = []  # routes, in the order in which they failed
        self._asked = 0  # how often we were asked to stop

    @property
    def was_asked_to_stop(self) -> bool:
        return self._asked > 0

    def run(self) -> int:
        """Until the end; returns the exit status."""
        try:
            with on_stop(self._on_stop):
                # Logs from before the start, so that no line is missed; states from after it, because a subscription
                # begins with the states that are, and those of an earlier run of the same app say that it has ended.
                self._feed = Feed(self._engine, self._kinds)
                self._start()
                self._feed.add(("app",))
                self._follow()
        except TerminalGone:
            return HANGUP_STATUS
        except BrokenPipeError:
            self._say_what_goes_on()
            raise
        return self._status()

    def _start(self) -> None:
        newest = max((line.id for line in self._engine.logs.list(limit=1)), default=0)
        before = {state.route: state.pid for state in self._engine.apps.list() if not has_ended(state)}
        states = self._engine.apps.start(self._specs)
        self._states = {state.route: state for state in states}
        self._own = [state.route for state in states if before.get(state.route, -1) != state.pid]
        self._last_log = dict.fromkeys(self._states, newest)
        self._printer = printer_for(self._session, list(self._states))
        for state in states:
            self._app(state)
        if attached := [route for route in self._states if route not in self._own]:
            self._printer.say(f"{', '.join(attached)} ran already; Ctrl-C leaves it running")
        show_asked_for(self._session, self._engine, self._specs, states, as_data=False)
        if self._asked:
            self._stop()

    def _follow(self) -> None:
        try:
            while not self._is_over():
                self._take(self._feed.next(TICK_S))
            ends_s = time.monotonic() + (LAST_REQUESTS_S if "exchange" in self._kinds else 0)
            while (data := self._feed.next(max(0, ends_s - time.monotonic()))) is not None:
                self._take(data)
            self._last_lines()
        except FeedEnded:
            if not self._asked:
                message = "the engine is gone; the next command ends what it left running"
                raise HomeportError("engine-unreachable", message, "homeport status") from None
        self._printer.finish()

    def _take(self, data: Any) -> None:
        match data:
            case AppState() if data != self._states.get(data.route, data):
                self._app(data)
            case LogLine() if data.app in self._states:
                self._log(data)
            case ExchangeSummary() if data.route in self._states:
                self._printer.exchange(data)

    def _app(self, state: AppState) -> None:
        self._states[state.route] = state
        if state.state == "failed" and state.route not in self._failures:
            self._failures.append(state.route)
        self._printer.app(state)

    def _log(self, line: LogLine) -> None:
        self._last_log[line.app] = max(line.id, self._last_log[line.app])
        self._printer.log(line)

    def _last_lines(self) -> None:
        """What an app said last passes through the recorder, and may come after the news of its end."""
        try:
            for route, last_id in self._last_log.items():
                for line in self._engine.logs.list(app=route, limit=LAST_LINES, after=last_id):
                    self._printer.log(line)
        except HomeportError:
            pass  # `homeport down` ended the engine as well

    def _on_stop(self, number: int) -> None:
        self._asked += 1
        if not self._states:
            return  # `apps.start` has not answered yet; it is heeded then
        if self._asked == 1:
            self._stop()
        elif self._asked > 2:
            raise KeyboardInterrupt  # nothing helped: leave at least
        else:
            kill_at_once(self._states[route] for route in self._own)

    def _stop(self) -> None:
        """In a thread of its own: the loop goes on and shows what the apps say last."""
        routes = {spec.name: state.route for spec, state in zip(self._specs, self._states.values(), strict=True)}
        needs = {spec.name: spec.needs for spec in self._specs if routes[spec.name] in self._own}
        levels = [[routes[name] for name in level] for level in by_need(needs)]
        running = [route for route in self._own if not has_ended(self._states[route])]
        if running:
            self._printer.say(f"stopping {', '.join(running)} (Ctrl-C again kills)")
        stop = threading.Thread(
            target=stop_all, args=(self._engine, levels, self._feed.fail), name="stop apps", daemon=True
        )
        stop.start()

    def _say_what_goes_on(self) -> None:
        """Whoever read our output (`| head`) has seen enough; that was no wish to stop anything."""
        running = [route for route, state in self._states.items() if not has_ended(state)]
        if running:
            self._session.say(f"{', '.join(running)} goes on in the background; homeport stop ends it")

    def _is_over(self) -> bool:
        """Once we were asked to stop, apps that are not ours are no longer waited for."""
        routes = self._own if self._asked else list(self._states)
        return all(has_ended(self._states[route]) for route in routes)

    def _status(self) -> int:
        if self._failures:
            return self._states[self._failures[0]].exit_code or 1
        return next((code for state in self._states.values() if (code := state.exit_code)), 0)
