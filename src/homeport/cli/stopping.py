"""Stopping apps from a foreground command: politely through the engine, or at once.

Runs in a thread beside the loop that shows the last lines; what goes wrong is seen there, as the state of the app.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from homeport.cli.seams import Engine
from homeport.model.app import AppState
from homeport.model.errors import HomeportError


def stop_all(engine: Engine, routes: list[str]) -> None:
    """Ask the engine to stop them, all at the same time: each may take its whole grace time."""
    with ThreadPoolExecutor(max_workers=max(1, len(routes))) as pool:
        list(pool.map(lambda route: _stop(engine, route), routes))


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


def _stop(engine: Engine, route: str) -> None:
    try:
        engine.apps.stop(route)
    except (HomeportError, OSError):
        pass  # gone already, or the engine is: the loop hears of both
