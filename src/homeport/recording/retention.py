"""Forgetting: the oldest exchanges and log lines go when there are too many, too large or too old.

In small steps, in the recorder's idle time, so that writing waits a few milliseconds at most. Exchanges that still run
are never forgotten.
"""

from __future__ import annotations

import time

from homeport.model.settings import Settings
from homeport.recording.rows import iso_time
from homeport.recording.store import Store

_STEP_EXCHANGES = 500  # forgotten in one step: 4 µs each
_STEP_PAGES = 128  # given back to the disk in one step: 1 MiB
_SLACK = 1.25  # under steady load nothing is idle: beyond this, writing itself forgets


class Retention:
    """Owns the counts of one open store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self.exchanges = store.count()
        self._lines = store.lines_by_app()

    def wrote(self, exchanges: int, lines: dict[str, int]) -> None:
        self.exchanges += exchanges
        for app, count in lines.items():
            self._lines[app] = self._lines.get(app, 0) + count

    @property
    def is_overdue(self) -> bool:
        return self.exchanges > self._settings.keep_exchanges * _SLACK + _STEP_EXCHANGES

    def catch_up(self) -> None:
        """Inside the writer's transaction: forget as many as are too many."""
        self._forget_oldest(self.exchanges - self._settings.keep_exchanges)

    def step(self) -> bool:
        """One step of idle time, outside of a transaction; whether there may be more to do."""
        self._store.begin()
        forgot = self._exchanges_step() or self._lines_step()
        self._store.commit()
        return forgot or self._store.shrink(_STEP_PAGES)

    def _exchanges_step(self) -> bool:
        too_many = self.exchanges - self._settings.keep_exchanges
        if too_many > 0:
            return self._forget_oldest(min(too_many, _STEP_EXCHANGES))
        used, limit = self._store.used_bytes(), self._settings.keep_bytes
        if used > limit:
            share = int(self.exchanges * (used - limit) / used) + 1
            return self._forget_oldest(min(share, _STEP_EXCHANGES)) or self._forget_largest_log()
        oldest = self._store.rows("SELECT started FROM exchange WHERE ending != 'open' ORDER BY id LIMIT 1")
        return bool(oldest) and oldest[0][0] < self._too_old_us() and self._forget_oldest(_STEP_EXCHANGES, is_age=True)

    def _forget_oldest(self, count: int, *, is_age: bool = False) -> bool:
        young, values = (" AND started < ?", [self._too_old_us()]) if is_age else ("", [])
        rows = self._store.rows(
            f"SELECT max(id), count(*) FROM (SELECT id FROM exchange WHERE ending != 'open'{young}"  # noqa: S608
            " ORDER BY id LIMIT ?)",
            (*values, count),
        )
        last, forgotten = rows[0]
        if last is None:
            return False
        self._store.keep_numbers()
        self._store.forget_exchanges(last + 1)
        self.exchanges -= forgotten
        return True

    def _lines_step(self) -> bool:
        """Log lines: too many of an app, or too old."""
        for app, count in self._lines.items():
            if count > self._settings.keep_log_lines * _SLACK:
                return self._forget_lines(app, count - self._settings.keep_log_lines)
        too_old = iso_time(self._too_old_us())
        oldest = self._store.rows("SELECT at FROM log ORDER BY id LIMIT 1")
        if not oldest or oldest[0][0] >= too_old:
            return False
        self._store.keep_numbers()
        self._store.rows(
            "DELETE FROM log WHERE id < coalesce((SELECT id FROM log WHERE at >= ? ORDER BY id LIMIT 1), ?)",
            (too_old, self._store.next_numbers()[1]),
        )
        self._lines = self._store.lines_by_app()
        return True

    def _forget_largest_log(self) -> bool:
        """No exchange is left to forget and the store is still too large: it is the logs."""
        if not self._lines:
            return False
        app = max(self._lines, key=lambda app: self._lines[app])
        return self._forget_lines(app, max(1, self._lines[app] // 4))

    def _forget_lines(self, app: str, count: int) -> bool:
        last = self._store.rows("SELECT id FROM log WHERE app = ? ORDER BY id LIMIT 1 OFFSET ?", (app, count - 1))
        if not last:
            self._lines = self._store.lines_by_app()
            return False
        self._store.keep_numbers()
        self._lines[app] -= self._store.forget_lines(app, last[0][0] + 1)
        if not self._lines[app]:
            del self._lines[app]
        return True

    def _too_old_us(self) -> int:
        return int((time.time() - self._settings.keep_days * 86400) * 1e6)
