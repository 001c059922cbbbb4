"""Small adapters between movers that do not know each other: the lines of apps, and how busy their routes are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from homeport.app.roads import Roads
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


class Activity:
    """See homeport.targets.seams.Activity."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads

    def of(self, route: str) -> tuple[int, float]:
        return self._roads.activity_of(route)
