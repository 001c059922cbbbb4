"""Small adapters between movers that do not know each other: the lines of apps, and how busy their routes are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from homeport.app.roads import Roads
from homeport.app.seams import Heard
from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine


class LineTap(Protocol):
    def line(self, line: LogLine) -> None: ...


class LogSink:
    """Gives each line its time, hands it to the recording, which numbers it, and shows it to who watches."""

    def __init__(self, tap: LineTap, show: Callable[[LogLine], None]) -> None:
        self._tap, self._show = tap, show

    def line(self, app: str, stream: str, text: str, continues: bool) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        line = LogLine(app=app, at=at, stream=stream, text=text, continues=continues)
        self._tap.line(line)
        self._show(line)


class Subscribing(Protocol):
    def subscribe(
        self,
        seen: Callable[[ExchangeSummary | LogLine], None],
        filter: str = "",  # noqa: A002
        on_lost: Callable[[int], None] | None = None,
    ) -> Callable[[], None]: ...


class Watching:
    """See homeport.app.seams.Watch. Lines reach the hub by the way of LogSink, so they are not wanted here."""

    def __init__(self, recording: Subscribing) -> None:
        self._recording = recording

    def __call__(self, filter: str, heard: Heard) -> Callable[[], None]:  # noqa: A002
        def seen(what: ExchangeSummary | LogLine) -> None:
            if isinstance(what, ExchangeSummary):
                heard([what], 0)

        return self._recording.subscribe(seen, filter, lambda count: heard([], count))


class Activity:
    """See homeport.targets.seams.Activity."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads

    def of(self, route: str) -> tuple[int, float]:
        return self._roads.activity_of(route)
