"""The store through good and bad times: it opens it, writes batches, commits ten times a second, and tries again.

While the disk is full or broken, batches are counted as lost instead of kept: nobody waits for a disk. What was written
once stays readable.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from homeport.model.exchange import ENGINE_GONE, Exchange
from homeport.model.settings import Settings
from homeport.model.status import RecordingState
from homeport.recording.channel import Batch
from homeport.recording.retention import Retention
from homeport.recording.rows import raw_row, summary_row
from homeport.recording.store import Store, Unusable, is_damage, is_full, is_locked, piece_key, put_aside

COMMIT_EVERY_S = 0.1
RETRY_EVERY_S = 1.0
_AGE_CHECK_EVERY_S = 600.0
_SIZE_CHECK_EVERY_S = 1.0

NameOf = Callable[[Exchange, float], str]  # (exchange, the batch's clock) -> the client's process


class Keeper:
    """Owns the store. `store` is None while it cannot be opened; `done` is the last batch that needs no more care."""

    def __init__(self, path: Path, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.store: Store | None = None
        self.done = 0
        self.lost = 0
        self.lost_lines = 0
        self.problem = ""
        self._notice = ""
        self._is_first = True
        self._path = path
        self._settings = settings
        self._clock = clock
        self._retention: Retention | None = None
        self._latest = 0
        self._pending = 0  # exchanges and lines of the open transaction
        self._pending_lines = 0
        self._commit_due_s = 0.0
        self._retry_due_s = 0.0
        self._open_ones: set[int] = set()
        self._is_tidy = False
        self._age_check_due_s = 0.0
        self._bytes = 0
        self._bytes_due_s = 0.0

    # opening

    def open(self) -> bool:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.store = self._opened()
            if self._is_first:
                self._end_the_open(self.store)  # left by an engine that was killed
            self._retention = Retention(self.store, self._settings)
        except (sqlite3.Error, OSError, Unusable) as error:
            self._close_store()
            self._blame(error)
            if isinstance(error, sqlite3.Error) and is_damage(error):
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
            store.begin()
            if not self._pending and not self._pending_lines:
                self._commit_due_s = self._clock() + COMMIT_EVERY_S
            self._put(store, batch, name_of)
        except sqlite3.Error as error:
            self._drop(batch)
            self._fail(error)
            return False
        self._pending += len(batch.closed)
        self._pending_lines += len(batch.lines)
        return True

    def _put(self, store: Store, batch: Batch, name_of: NameOf) -> None:
        offset_s = batch.wall_s - batch.clock_s
        exchanges = batch.running + batch.closed
        if exchanges:
            cut = batch.pieces_cut
            store.put_exchanges(
                [summary_row(exchange, offset_s, name_of(exchange, batch.clock_s)) for exchange in exchanges],
                [raw_row(exchange, cut.get(exchange.id, 0) if cut else 0) for exchange in exchanges],
            )
        if batch.pieces:
            store.put_pieces(
                [
                    (piece_key(piece.exchange, piece.n), piece.at_us, piece.from_client, piece.data)
                    for piece in batch.pieces
                ]
            )
        if batch.lines:
            store.put_lines(
                [(line.id, line.app, line.at, line.stream, line.text, line.continues) for line in batch.lines]
            )
        self._count(batch)

    def _count(self, batch: Batch) -> None:
        new = len(batch.closed)
        for exchange in batch.running:
            if exchange.id not in self._open_ones:
                self._open_ones.add(exchange.id)
                new += 1
        if self._open_ones:
            for exchange in batch.closed:
                if exchange.id in self._open_ones:
                    self._open_ones.discard(exchange.id)
                    new -= 1
        lines: dict[str, int] = {}
        for line in batch.lines:
            lines[line.app] = lines.get(line.app, 0) + 1
        if self._retention is not None:
            self._retention.wrote(new, lines)

    def commit(self) -> None:
        if self.store is None or not self.store.is_writing:
            return
        try:
            if self._retention is not None and self._retention.is_overdue:
                self._retention.catch_up()
            self.store.commit()
        except sqlite3.Error as error:
            self._fail(error)
            return
        self._pending = self._pending_lines = 0
        self.done = self._latest
        self.problem = ""
        self._is_tidy = False

    @property
    def commit_due_in_s(self) -> float | None:
        if self.store is None or not self.store.is_writing:
            return None
        return max(0.0, self._commit_due_s - self._clock())

    def clear(self) -> None:
        """Forget every exchange. Raises sqlite3.Error."""
        self.commit()
        if self.store is None or self._retention is None:
            raise sqlite3.OperationalError(self.problem)
        self.store.begin()
        try:
            self.store.keep_numbers()
            self.store.clear()
            self.store.commit()
        except sqlite3.Error:
            self.store.roll_back()
            raise
        self._retention.cleared()
        self._open_ones.clear()
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
        if not self._pending and not self._pending_lines:
            self.done = batch.number

    def _fail(self, error: sqlite3.Error) -> None:
        """The transaction is gone, and with it what it held."""
        self.lost += self._pending
        self.lost_lines += self._pending_lines
        self._pending = self._pending_lines = 0
        self.done = self._latest
        self._blame(error)
        if self.store is None:
            return
        self.store.roll_back()
        if is_damage(error):
            self._close_store()
            self._put_aside(str(error))
            return
        if not is_full(error):
            self._close_store()  # the next try opens it anew
            return
        try:
            self._retention = Retention(self.store, self._settings)
            self.store.checkpoint()  # the log beside the store is room, once what it holds is in the store
        except sqlite3.Error:
            pass  # it can still be read

    def _blame(self, error: Exception) -> None:
        self._retry_due_s = self._clock() + RETRY_EVERY_S
        if isinstance(error, sqlite3.Error) and is_locked(error):
            self.problem = f"another process has the recording open: {self._path}"
        else:
            self.problem = f"the recording cannot be written: {error} ({self._path})"

    def _close_store(self) -> None:
        if self.store is not None:
            self.store.close()
        self.store = self._retention = None

    # idle time

    def tidy(self) -> bool:
        """One small step; whether there is more to do."""
        now_s = self._clock()
        if self.store is None:
            return False
        if now_s >= self._age_check_due_s:
            self._age_check_due_s = now_s + _AGE_CHECK_EVERY_S
            self._is_tidy = False
        if self._is_tidy or self._retention is None or now_s < self._retry_due_s:
            return False
        try:
            if self._retention.step():
                return True
            self.store.rest()
        except sqlite3.Error as error:
            self._fail(error)
            return False
        self._is_tidy = True
        return False

    @property
    def needs_tidying(self) -> bool:
        return self.store is not None and not self._is_tidy and self._clock() >= self._retry_due_s

    def state(self) -> RecordingState:
        now_s = self._clock()
        if now_s >= self._bytes_due_s and self.store is not None:
            self._bytes_due_s = now_s + _SIZE_CHECK_EVERY_S
            self._bytes = self.store.file_bytes()
        exchanges = self._retention.exchanges if self._retention is not None else 0
        return RecordingState(
            exchanges=exchanges,
            bytes=self._bytes,
            lost=self.lost,
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
