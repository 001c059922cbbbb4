"""The engine's events as a queue that can be waited on with a limit, so that signals and ticks get their turn.

A thread of its own reads the connection: on Windows a blocked read cannot be interrupted by Ctrl-C, a queue with a
limit can. The queue is bounded: a terminal that is slow holds the reader back, and the engine says what it dropped.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from homeport.cli.seams import Engine, Event
from homeport.model.errors import HomeportError

LIMIT = 2000  # events; a screen scrolls by in less


class FeedEnded(Exception):  # noqa: N818 - the engine stopped, which is no mistake of ours
    """No more events will come."""


class Feed:
    """Events from now on: each subscription stands when the method that makes it returns."""

    def __init__(self, engine: Engine, kinds: tuple[str, ...], filter: str = "", apps: tuple[str, ...] = ()) -> None:  # noqa: A002
        self._engine = engine
        self._queue: queue.Queue[Event | Exception] = queue.Queue(LIMIT)
        self.add(kinds, filter, apps)

    def add(self, kinds: tuple[str, ...], filter: str = "", apps: tuple[str, ...] = ()) -> None:  # noqa: A002
        """More events into the same queue. Those of apps begin with how the apps are at that moment."""
        events = self._engine.events(filter=filter, apps=apps, kinds=kinds)
        threading.Thread(target=self._read, args=(events,), name="engine events", daemon=True).start()

    def fail(self, error: HomeportError) -> None:
        """What another thread could not do is raised where the events are read."""
        self._queue.put(error)

    def next(self, limit_s: float) -> Event | None:
        """The next event, None when none came in time. Raises FeedEnded after the last one."""
        try:
            item = self._queue.get(block=limit_s > 0, timeout=limit_s)
        except queue.Empty:
            return None
        if isinstance(item, Exception):
            raise item
        return item

    def _read(self, events: Iterator[Event]) -> None:
        end: Exception = FeedEnded()
        try:
            for event in events:
                self._queue.put(event)
        except (OSError, HomeportError):
            pass  # the engine was killed in the middle of a line: the same to us
        except Exception as error:
            end = error
        self._queue.put(end)
