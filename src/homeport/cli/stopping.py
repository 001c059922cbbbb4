"""Stopping apps from a foreground command: politely through the engine, or at once.

Runs in a thread beside the loop that shows the last lines; what goes wrong is seen there, as the state of the app.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from homeport.cli.seams import Engine
from homeport.model.app import AppState
from homeport.model.errors import HomeportError

Failed = Callable[[HomeportError], None]


def stop_all(engine: Engine, levels: list[list[str]], failed: Failed = lambda error: None) -> None:
    """Ask the engine to stop them; those of one level at the same time, since each may take its whole grace time."""
    for routes in levels:
        with ThreadPoolExecutor(max_workers=len(routes)) as pool:
            for error in filter(None, pool.map(lambda route: _stop(engine, route), routes)):
                failed(error)


def by_need(needs: dict[str, list[str]]) -> list[list[str]]:
    """Names in levels, so that what needs others ends before them. Circles are cut where they close."""
    levels: dict[int, list[str]] = {}
    for name in needs:
        levels.setdefault(_depth(name, needs, ()), []).append(name)
    return [levels[depth] for depth in sorted(levels, reverse=True)]


def _depth(name: str, needs: dict[str, list[str]], above: tuple[str, ...]) -> int:
    known = [other for other in needs[name] if other in needs and other not in above]
    return max((1 + _depth(other, needs, (*above, name)) for other in known), default=0)


def stop_each(engine: Engine, routes: list[str]) -> list[AppState]:
    """The same for a command that waits for it: their last states, and errors are raised."""
    with ThreadPoolExecutor(max_workers=max(1, len(routes))) as pool:
        return list(pool.map(engine.apps.stop, routes))


def kill_at_once(states: Iterable[AppState]) -> None:
    """SIGKILL to the process groups of the apps, which the engine starts as leaders of their own groups."""
    for state in states:
        if state.pid is None:
            continue
        try:
            if sys.platform == "win32":
                os.kill(state.pid, signal.SIGTERM)  # TerminateProcess
            else:
                os.killpg(state.pid, signal.SIGKILL)
        except OSError:
            pass  # it was faster


def _stop(engine: Engine, route: str) -> HomeportError | None:
    try:
        engine.apps.stop(route)
    except HomeportError as error:
        # Gone already, or the engine is: the loop hears of both.
        return None if error.code in ("not-found", "engine-unreachable") else error
    return None
