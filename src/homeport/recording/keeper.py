"""The store through good and bad times: it opens it, writes batches, commits ten times a second, and tries again.

While the disk is full or broken, batches are counted as lost instead of kept: nobody waits for a disk. What was written
once stays readable.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from homeport.model.errors import HomeportError
from homeport.model.exchange import ENGINE_GONE
from homeport.model.settings import Settings
from homeport.model.status import RecordingState
from homeport.recording.channel import Batch
from homeport.recording.retention import Retention
from homeport.recording.sqlite_errors import is_damage, is_full, is_locked
from homeport.recording.store import Store, Unusable, put_aside
from homeport.recording.writing import NameOf, Writer

COMMIT_EVERY_S = 0.1
RETRY_EVERY_S = 1.0
_AGE_CHECK_EVERY_S = 600.0
_SIZE_CHECK_EVERY_S = 1.0


class Keeper:
    """Owns the store, which is None while it cannot be opened. `done` is the last batch that needs no more care."""

    def __init__(self, path: Path, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.store: Store | None = None
        self.done = 0
        self.lost = 0
        self.lost_lines = 0
        self.problem = ""
        self._last_problem = ""
        self._notice = ""  # what became of an older store
        self._path = path
        self._settings = settings
        self._clock = clock
        self._is_first = True
        self._latest = 0  # batch
        self._pending = [0, 0]  # exchanges and lines of the open transaction
        self._commit_due_s = 0.0
        self._retry_due_s = 0.0
        self._is_tidy = False
        self._age_check_due_s = 0.0
        self._bytes = 0
        self._bytes_due_s = 0.0

    # opening

    def open(self) -> bool:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._use(self._opened())
        except (sqlite3.Error, OSError, Unusable) as error:
            self._close_store()
            self._blame(error)
            if is_damage(error):
                self._put_aside(str(error))
            return False
        self._is_first = self._is_tidy = False
        return True

    def _opened(self) -> Store:
        try:
            return Store(self._path)
        except Unusable as unusable:
            self._put_aside(str(unusable))
            return Store(self._path)

    def _use(self, store: Store) -> None:
        self.store = store
        if self._is_first:
            self._end_the_open(store)  # left by an engine that was killed
        self._retention = Retention(store, self._settings)
        self._writer = Writer(store, self._retention)

    def _put_aside(self, why: str) -> None:
        aside = put_aside(self._path)
        self._notice = f"the recording could not be read ({why}): it is now {aside}, and a new one was begun"

    def _end_the_open(self, store: Store) -> None:
        store.begin()
        store.end_the_open(ENGINE_GONE, "the engine ended while it ran")
        store.commit()

    def numbers(self) -> tuple[int, int]:
        """The next numbers of exchanges and log lines; zeros where they cannot be known."""
        try:
            return self.store.next_numbers() if self.store else (0, 0)
        except sqlite3.Error as error:
            self._fail(error)
            return 0, 0

    # writing

    def write(self, batch: Batch, name_of: NameOf) -> bool:
        """Put a batch into the transaction; whether it is there to be read."""
        self._latest = batch.number
        store = self._writable()
        if store is None:
            self._drop(batch)
            return False
        try:
            if not store.is_writing:
                store.begin()
                self._commit_due_s = self._clock() + COMMIT_EVERY_S
            self._writer.put(batch, name_of)
        except sqlite3.Error as error:
            self._drop(batch)
            self._fail(error)
            return False
        self._pending[0] += len(batch.closed)
        self._pending[1] += len(batch.lines)
        return True

    def commit(self) -> None:
        if self.store is None or not self.store.is_writing:
            return
        try:
            if self._retention.is_overdue:
                self._retention.catch_up()
            self.store.commit()
        except sqlite3.Error as error:
            self._fail(error)
            return
        self._pending = [0, 0]
        self.done = self._latest
        self.problem = ""
        self._is_tidy = False

    @property
    def commit_due_in_s(self) -> float | None:
        if self.store is None or not self.store.is_writing:
            return None
        return max(0.0, self._commit_due_s - self._clock())

    def clear(self) -> None:
        """Forget every exchange. Raises HomeportError and sqlite3.Error."""
        self.commit()
        if self.store is None:
            raise HomeportError("storage-failed", self.problem)
        self.store.begin()
        try:
            self.store.keep_numbers()
            self.store.clear()
            self.store.commit()
        except sqlite3.Error:
            self.store.roll_back()
            raise
        self._use(self.store)
        self._is_tidy = False
        self._bytes_due_s = 0.0

    # bad times

    def _writable(self) -> Store | None:
        if self._clock() < self._retry_due_s:
            return None
        if self.store is None:
            self.open()
        return self.store

    def _drop(self, batch: Batch) -> None:
        self.lost += len(batch.closed)
        self.lost_lines += len(batch.lines)
        if not any(self._pending):
            self.done = batch.number

    def _fail(self, error: sqlite3.Error) -> None:
        """The transaction is gone, and with it what it held."""
        self.lost += self._pending[0]
        self.lost_lines += self._pending[1]
        self._pending = [0, 0]
        self.done = self._latest
        self._blame(error)
        if self.store is None:
            return
        self.store.roll_back()
        if not is_full(error):
            self._close_store()  # the next try opens it anew
            if is_damage(error):
                self._put_aside(str(error))
            return
        try:
            self._use(self.store)  # the counts are those of before
            self.store.checkpoint()  # the log beside the store is room, once what it holds is in the store
        except sqlite3.Error:
            pass  # it can still be read

    def _blame(self, error: Exception) -> None:
        self._retry_due_s = self._clock() + RETRY_EVERY_S
        if is_locked(error):
            self.problem = f"another process has the recording open: {self._path}"
        else:
            self.problem = f"the recording cannot be written: {error} ({self._path})"
        self._last_problem = self.problem

    def _close_store(self) -> None:
        if self.store is not None:
            self.store.close()
        self.store = None

    # idle time

    @property
    def idle_work_in_s(self) -> float | None:
        """When `tidy` has something to do: in so many seconds, or never."""
        if self.problem:
            return max(0.0, self._retry_due_s - self._clock())
        return None if self._is_tidy else 0.0

    def tidy(self) -> None:
        """One small step of forgetting, or one more try."""
        now_s = self._clock()
        if now_s >= self._age_check_due_s:
            self._age_check_due_s = now_s + _AGE_CHECK_EVERY_S
            self._is_tidy = False
        store = self._writable()
        if store is None or (self._is_tidy and not self.problem):
            return
        try:
            if self.problem:
                self._probe(store)
            elif not self._retention.step():
                store.rest()
                self._is_tidy = True
                self._bytes_due_s = 0.0  # what is said now stands until something passes
        except sqlite3.Error as error:
            self._fail(error)

    def _probe(self, store: Store) -> None:
        """Whether there is room again, when nothing passes that would show it."""
        store.begin()
        store.keep_numbers()
        store.commit()
        self.problem = ""

    def state(self) -> RecordingState:
        now_s = self._clock()
        if now_s >= self._bytes_due_s and self.store is not None:
            self._bytes_due_s = now_s + _SIZE_CHECK_EVERY_S
            self._bytes = self.store.file_bytes()
        return RecordingState(
            exchanges=self._retention.exchanges if self.store is not None else 0,
            bytes=self._bytes,
            lost=self.lost,
            lost_why=self._last_problem if self.lost else "",
            problem=self.problem or self._notice,
            lost_lines=self.lost_lines,
        )

    def close(self) -> None:
        """The engine is gone: nobody will close what is open."""
        self.commit()
        if self.store is not None:
            try:
                self._end_the_open(self.store)
                self.store.checkpoint()
            except sqlite3.Error:
                pass  # the next recorder does it at its start
        self._close_store()
