"""The use case on app logs: the last lines, of one app or of all."""

from __future__ import annotations

from homeport.app.seams import Recording
from homeport.model.log import LogLine

LIMIT = 10_000  # lines in one answer; `after` pages on


class LogsUseCases:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def list(self, app: str | None = None, limit: int = 200, after: int | None = None) -> list[LogLine]:
        """Oldest first: the last `limit` lines, or the first `limit` lines after the id `after`."""
        return await self._recording.logs(app, min(max(limit, 1), LIMIT), after)
