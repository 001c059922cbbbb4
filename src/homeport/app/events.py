"""Events: what changes while somebody watches. One hub, any number of subscriptions, each with a bounded queue.

Publishing never waits: a subscriber that does not keep up loses its oldest events and is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Literal

from homeport.app.seams import Watch
from homeport.model.app import AppState
from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine
from homeport.model.measured import Measured
from homeport.model.network import ConditionsState
from homeport.model.route import RouteState
from homeport.model.status import EngineState, Lost

Kind = Literal["app", "route", "conditions", "exchange", "log", "engine", "measured", "lost"]
Data = AppState | RouteState | ConditionsState | ExchangeSummary | LogLine | EngineState | Measured | Lost
Measure = Callable[[Callable[[Measured], None]], Callable[[], None]]  # tell it, until the answer is called
Event = tuple[Kind, Data]

LIMIT = 4096  # events that wait for one subscriber: about 2 MiB, some seconds of a loaded door


class Subscription:
    """What one watcher wants to see. Its owner calls `batch` until it gives [] (the hub closed), then `close`."""

    def __init__(self, kinds: Collection[str], apps: Collection[str]) -> None:
        self._kinds, self._apps = kinds, apps
        self._waiting: deque[Event] = deque()
        self._lost = 0
        self._ended = False
        self._wake = asyncio.Event()
        self.leave: Callable[[], None] = lambda: None

    def wants(self, kind: Kind) -> bool:
        return not self._kinds or kind in self._kinds

    def offer(self, kind: Kind, data: Data) -> None:
        if not self.wants(kind) or not self._is_about_my_apps(data):
            return
        if len(self._waiting) >= LIMIT:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append((kind, data))
        self._wake.set()

    def passed(self, exchanges: list[ExchangeSummary], skipped: int) -> None:
        """What the recording found to match; it skips what nobody could read."""
        self._lost += skipped
        for exchange in exchanges:
            self.offer("exchange", exchange)

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
        leave, self.leave = self.leave, lambda: None
        leave()

    def _is_about_my_apps(self, data: Data) -> bool:
        if not self._apps:
            return True
        if isinstance(data, AppState):
            return data.route in self._apps
        return not isinstance(data, LogLine) or data.app in self._apps


class Hub:
    """Hands what happens to everyone who watches. Exchanges come from the recording, to each who asked for them."""

    def __init__(
        self,
        watch: Watch,
        current: Callable[[], Iterable[Event]],
        touch: Callable[[], None],
        measure: Measure = lambda heard: lambda: None,
    ) -> None:
        self._watch, self._current, self._touch, self._measure = watch, current, touch, measure
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    @property
    def watchers(self) -> int:
        return len(self._subscriptions)

    def subscribe(self, filter: str = "", apps: Collection[str] = (), kinds: Collection[str] = ()) -> Subscription:  # noqa: A002
        """Starts with what is so now: engine, routes, conditions and apps. What is measured comes only to those who
        name it, because measuring takes time. Raises HomeportError("bad-usage") for a bad filter."""
        subscription = Subscription(frozenset(kinds), frozenset(apps))
        for kind, data in self._current():
            subscription.offer(kind, data)
        ends: list[Callable[[], None]] = []
        if subscription.wants("exchange"):
            ends.append(self._watch(filter, subscription.passed))
        if "measured" in kinds:
            ends.append(self._measure(lambda measured: subscription.offer("measured", measured)))
        subscription.leave = lambda: self._left(subscription, ends)
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

    def close(self) -> None:
        """Every subscription gives what it still holds, then ends."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()

    def _left(self, subscription: Subscription, ends: Iterable[Callable[[], None]]) -> None:
        self._subscriptions.discard(subscription)
        for end in ends:
            end()
        self._touch()
