"""Small adapters between movers that do not know each other: the lines of apps, and how busy their routes are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from homeport.app.roads import Roads
from homeport.model.log import LogLine


class LineTap(Protocol):
    def line(self, line: LogLine) -> None: ...


class LogSink:
    """Gives each line its time and hands it to the recording."""

    def __init__(self, tap: LineTap) -> None:
        self._tap = tap

    def line(self, app: str, stream: str, text: str, continues: bool) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        self._tap.line(LogLine(app=app, at=at, stream=stream, text=text, continues=continues))


class Activity:
    """See homeport.targets.seams.Activity."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads

    def of(self, route: str) -> tuple[int, float]:
        return self._roads.activity_of(route)
