"""Events: what changes while somebody watches. One hub, any number of subscriptions, each with a bounded queue.

Publishing never waits: a subscriber that does not keep up loses its oldest events and is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from homeport.app.seams import Matcher, ParseFilter
from homeport.model.app import AppState
from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine
from homeport.model.route import RouteState
from homeport.model.status import EngineState, Lost

Kind = Literal["app", "route", "exchange", "log", "engine", "lost"]
Data = AppState | RouteState | ExchangeSummary | LogLine | EngineState | Lost
Event = tuple[Kind, Data]

LIMIT = 4096  # events that wait for one subscriber: about 2 MiB, some seconds of a loaded door


class Subscription:
    """What one watcher wants to see. Its owner calls `batch` until it gives [] (the hub closed), then `close`."""

    def __init__(self, kinds: Collection[str], apps: Collection[str], matcher: Matcher | None, leave: Leave) -> None:
        self._kinds, self._apps, self._matcher, self._leave = kinds, apps, matcher, leave
        self._waiting: deque[Event] = deque()
        self._lost = 0
        self._ended = False
        self._wake = asyncio.Event()

    def offer(self, kind: Kind, data: Data) -> None:
        if not self._wants(kind, data):
            return
        if len(self._waiting) >= LIMIT:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append((kind, data))
        self._wake.set()

    def _wants(self, kind: Kind, data: Data) -> bool:
        if self._kinds and kind not in self._kinds:
            return False
        if isinstance(data, ExchangeSummary):
            return self._matcher is None or self._matcher.matches(data)
        if isinstance(data, AppState):
            return not self._apps or data.route in self._apps
        if isinstance(data, LogLine):
            return not self._apps or data.app in self._apps
        return True

    async def batch(self) -> list[Event]:
        """Everything that waits, as soon as something does; [] once the hub is closed."""
        while not self._waiting and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        events = list(self._waiting)
        self._waiting.clear()
        if self._lost:
            events.insert(0, ("lost", Lost(events=self._lost)))
            self._lost = 0
        return events

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    def close(self) -> None:
        self._leave(self)


Leave = Callable[[Subscription], None]


class Hub:
    """Hands what happens to everyone who watches."""

    def __init__(self, parse_filter: ParseFilter, current: Callable[[], Iterable[Event]], touch: Callable[[], None]):
        self._parse_filter, self._current, self._touch = parse_filter, current, touch
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    @property
    def watchers(self) -> int:
        return len(self._subscriptions)

    def subscribe(self, filter: str = "", apps: Collection[str] = (), kinds: Collection[str] = ()) -> Subscription:  # noqa: A002
        """Starts with what is so now: engine, routes and apps. Raises HomeportError("bad-usage") for a bad filter."""
        matcher = self._parse_filter(filter) if filter.strip() else None
        subscription = Subscription(frozenset(kinds), frozenset(apps), matcher, self._leave)
        for kind, data in self._current():
            subscription.offer(kind, data)
        self._subscriptions.add(subscription)
        if self._closed:
            subscription.end()
        self._touch()
        return subscription

    def publish(self, kind: Kind, data: Data) -> None:
        for subscription in self._subscriptions:
            subscription.offer(kind, data)

    def app_changed(self, state: AppState) -> None:
        """What the supervisor pushes; an app that ended may have been what kept the engine."""
        self.publish("app", state)
        self._touch()

    def recorded(self, data: ExchangeSummary | LogLine) -> None:
        """What the recording pushes."""
        self.publish("log" if isinstance(data, LogLine) else "exchange", data)

    def close(self) -> None:
        """Every subscription gives what it still holds, then ends."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()

    def _leave(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        self._touch()
