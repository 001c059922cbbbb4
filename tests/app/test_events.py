"""The hub: bounded, honest about what it dropped, and over when it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from homeport.app.events import LIMIT, Event, Hub
from homeport.app.seams import Heard
from homeport.model.log import LogLine
from homeport.model.status import Lost


def line(number: int) -> LogLine:
    return LogLine(id=number, app="web", at="", text="x")


def nothing_passes(_filter: str, _heard: Heard) -> Callable[[], None]:
    return lambda: None


def hub(current: list[Event] | None = None) -> Hub:
    return Hub(nothing_passes, lambda: current or [], lambda: None)


async def test_who_does_not_keep_up_loses_the_oldest_and_is_told() -> None:
    one = hub()
    slow = one.subscribe()
    for number in range(LIMIT + 7):
        one.publish("log", line(number))
    batch = await slow.batch()
    assert batch[0] == ("lost", Lost(events=7))
    assert [data.id for _, data in batch[1:] if isinstance(data, LogLine)] == list(range(7, LIMIT + 7))
    one.publish("log", line(1))
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
    one.publish("log", line(1))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await watcher.batch() == [("log", line(1))]


async def test_watchers_are_counted_and_each_change_touches() -> None:
    touched: list[int] = []
    one = Hub(nothing_passes, list, lambda: touched.append(one.watchers))
    watcher = one.subscribe()
    watcher.close()
    watcher.close()
    assert touched[:2] == [1, 0]
    assert one.watchers == 0


async def test_what_the_recording_skipped_counts_as_lost() -> None:
    told: list[Heard] = []

    def watch(_filter: str, heard: Heard) -> Callable[[], None]:
        told.append(heard)
        return told.clear

    one = Hub(watch, list, lambda: None)
    watcher = one.subscribe("method:GET")
    told[0]([], 3)
    one.publish("log", line(1))
    assert await watcher.batch() == [("lost", Lost(events=3)), ("log", line(1))]
    watcher.close()
    assert told == []
    one.subscribe(kinds=["log"])
    assert told == []
