"""Who wants to hear what is recorded: exchanges through a watch at the recorder, log lines at once.

A subscriber that raises is reported to the loop and hurts nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine
from homeport.recording.channel import News, Watch

Seen = Callable[[ExchangeSummary | LogLine], None]
OnLost = Callable[[int], None]


class _Subscriber(msgspec.Struct):
    seen: Seen
    filter: str
    on_lost: OnLost | None


class Subscriptions:
    """`watch` tells the recorder about a filter that somebody waits for."""

    def __init__(self, watch: Callable[[Watch], None]) -> None:
        self._watch = watch
        self._subscribers: dict[int, _Subscriber] = {}
        self._last = 0

    def add(self, seen: Seen, filter: str, on_lost: OnLost | None) -> Callable[[], None]:  # noqa: A002
        self._last += 1
        number = self._last
        self._subscribers[number] = _Subscriber(seen, filter, on_lost)
        self._watch(Watch(number, filter))

        def end() -> None:
            if self._subscribers.pop(number, None) is not None:
                self._watch(Watch(number, None))

        return end

    def watches(self) -> list[Watch]:
        return [Watch(number, subscriber.filter) for number, subscriber in self._subscribers.items()]

    def line(self, line: LogLine) -> None:
        for subscriber in list(self._subscribers.values()):
            _tell(subscriber.seen, line)

    def news(self, news: News) -> None:
        subscriber = self._subscribers.get(news.watch)
        if subscriber is None:
            return
        for exchange in news.exchanges:
            _tell(subscriber.seen, exchange)
        if news.skipped and subscriber.on_lost is not None:
            subscriber.on_lost(news.skipped)


def _tell(seen: Seen, what: ExchangeSummary | LogLine) -> None:
    try:
        seen(what)
    except Exception as error:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a subscriber of the recording failed", "exception": error}
        )
