"""The hub: bounded, honest about what it dropped, and over when it is closed."""

from __future__ import annotations

import asyncio

from homeport.app.events import LIMIT, Event, Hub
from homeport.app.fake import FakeMatcher
from homeport.model.log import LogLine
from homeport.model.status import Lost


def line(number: int) -> LogLine:
    return LogLine(id=number, app="web", at="", text="x")


def hub(current: list[Event] | None = None) -> Hub:
    return Hub(FakeMatcher, lambda: current or [], lambda: None)


async def test_who_does_not_keep_up_loses_the_oldest_and_is_told() -> None:
    one = hub()
    slow = one.subscribe()
    for number in range(LIMIT + 7):
        one.recorded(line(number))
    batch = await slow.batch()
    assert batch[0] == ("lost", Lost(events=7))
    assert [data.id for _, data in batch[1:] if isinstance(data, LogLine)] == list(range(7, LIMIT + 7))
    one.recorded(line(1))
    assert await slow.batch() == [("log", line(1))]


async def test_what_waits_is_given_before_the_end() -> None:
    one = hub([("log", line(0))])
    watcher = one.subscribe()
    one.publish("log", line(1))
    one.close()
    assert await watcher.batch() == [("log", line(0)), ("log", line(1))]
    assert await watcher.batch() == []
    assert await one.subscribe(kinds=["app"]).batch() == []


async def test_a_cancelled_wait_loses_nothing() -> None:
    one = hub()
    watcher = one.subscribe()
    waiting = asyncio.create_task(watcher.batch())
    await asyncio.sleep(0)
    one.recorded(line(1))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await watcher.batch() == [("log", line(1))]


async def test_watchers_are_counted_and_each_change_touches() -> None:
    touched: list[int] = []
    one = Hub(FakeMatcher, list, lambda: touched.append(one.watchers))
    watcher = one.subscribe()
    watcher.close()
    watcher.close()
    assert touched[:2] == [1, 0]
    assert one.watchers == 0
