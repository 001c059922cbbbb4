"""The store: one SQLite file, one process that opens it. Writes batches, forgets the oldest, and says what went wrong.

SQL is only in this room; reading for people is in search.py and detail.py. Nothing here waits, but for the disk.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from homeport.recording.rows import RAW_COLUMNS, SUMMARY_COLUMNS, Row
from homeport.recording.sqlite_errors import is_damage

SCHEMA_VERSION = 4
PIECE_BITS = 16  # a piece's key is its exchange's number with the piece's own below it: one b-tree, in order
_PAGE_BYTES = 8192  # a usual exchange of 1.5 KiB leaves a quarter of a 4 KiB page empty: 22 µs each against 17
_CACHE_KIB = 4096  # the pages of one commit under load; given back when idle
_CHECKPOINT_PAGES = 1000
_VACUUM_PAGES = 32  # free pages worth giving back

_SCHEMA = """
CREATE TABLE exchange (
    id INTEGER PRIMARY KEY, started INTEGER, kind TEXT, route TEXT, client TEXT, process TEXT, method TEXT, scheme TEXT,
    version TEXT, host TEXT, path TEXT, status INTEGER, type TEXT, duration INTEGER, request_bytes INTEGER,
    response_bytes INTEGER, ending TEXT, why TEXT, conditions TEXT DEFAULT ''
);
CREATE TABLE raw (
    id INTEGER PRIMARY KEY, upstream TEXT, reused INTEGER, head INTEGER, dialled INTEGER, sent INTEGER,
    answered INTEGER, cut INTEGER, request_head BLOB, request_body BLOB, response_head BLOB, response_body BLOB,
    felt BLOB
);
CREATE TABLE piece (key INTEGER PRIMARY KEY, at INTEGER, from_client INTEGER, data BLOB);
CREATE TABLE log (id INTEGER PRIMARY KEY, app TEXT, at TEXT, stream TEXT, text TEXT, continues INTEGER);
CREATE INDEX log_of_app ON log (app, id);
CREATE TABLE floor (name TEXT PRIMARY KEY, next INTEGER);
"""
# From the version before to each: what was recorded stays readable. Adding columns touches no row.
_STEPS = {
    4: ("ALTER TABLE exchange ADD COLUMN conditions TEXT DEFAULT ''", "ALTER TABLE raw ADD COLUMN felt BLOB"),
}


def _marks(columns: str) -> str:
    return ", ".join("?" * (columns.count(",") + 1))


_PUT_SUMMARY = f"INSERT OR REPLACE INTO exchange ({SUMMARY_COLUMNS}) VALUES ({_marks(SUMMARY_COLUMNS)})"  # noqa: S608
_PUT_RAW = f"INSERT OR REPLACE INTO raw ({RAW_COLUMNS}) VALUES ({_marks(RAW_COLUMNS)})"  # noqa: S608
_PUT_PIECE = "INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?)"
_PUT_LINE = "INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?, ?, ?)"


class Unusable(Exception):  # noqa: N818 - a state of the file
    """The file is not our store, or is damaged: it can only be put aside."""


class Store:
    """Open at once. Raises sqlite3.Error (try again later) or Unusable. Every write is inside `begin` … `commit`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # before SQLite makes it by the umask
        # check_same_thread costs a call per statement; this process has one thread
        self.sql = sqlite3.connect(path, timeout=0, isolation_level=None, cached_statements=64)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self.sql.close()
            if is_damage(error):
                raise Unusable(str(error)) from error
            raise
        except Unusable:
            self.sql.close()
            raise

    def _open(self) -> None:
        # One process owns the file, so its lock is kept and the WAL needs no shared memory beside it.
        self._pragma("locking_mode = EXCLUSIVE")
        version = self._pragma("user_version")
        if not version and self.sql.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise Unusable("it holds something else")
        if version not in (0, SCHEMA_VERSION, *(step - 1 for step in _STEPS)):
            raise Unusable(f"it was written by another version ({version})")
        if not version:
            self._pragma(f"page_size = {_PAGE_BYTES}")
            self._pragma("auto_vacuum = INCREMENTAL")
        self._pragma("journal_mode = WAL")
        self._pragma("synchronous = NORMAL")  # a power cut may cost the last moments, never the file
        self._pragma(f"cache_size = -{_CACHE_KIB}")
        self._pragma(f"wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._pragma(f"journal_size_limit = {_CHECKPOINT_PAGES * _PAGE_BYTES}")
        self._pragma("secure_delete = FAST")  # overwrite what is forgotten where that costs no extra write
        self._pragma("temp_store = MEMORY")
        self.sql.execute("BEGIN EXCLUSIVE")  # takes the lock now, or says that somebody has it
        if not version:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self.sql.execute(statement)
        for step in range((version or SCHEMA_VERSION) + 1, SCHEMA_VERSION + 1):
            for statement in _STEPS[step]:
                self.sql.execute(statement)
        self._pragma(f"user_version = {SCHEMA_VERSION}")
        self.sql.execute("COMMIT")

    def _pragma(self, text: str) -> Any:
        row = self.sql.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row else None

    def close(self) -> None:
        try:
            self.sql.close()
        except sqlite3.Error:
            pass  # what was committed is safe; the rest was counted as lost

    # writing

    @property
    def is_writing(self) -> bool:
        return self.sql.in_transaction

    def begin(self) -> None:
        if not self.sql.in_transaction:
            self.sql.execute("BEGIN")

    def commit(self) -> None:
        if self.sql.in_transaction:
            self.sql.execute("COMMIT")

    def roll_back(self) -> None:
        try:
            if self.sql.in_transaction:
                self.sql.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # SQLite rolls back by itself where the disk fails

    def put_exchanges(self, summaries: Iterable[Row], raws: Iterable[Row]) -> None:
        self.sql.executemany(_PUT_SUMMARY, summaries)
        self.sql.executemany(_PUT_RAW, raws)

    def put_pieces(self, rows: Iterable[Row]) -> None:
        self.sql.executemany(_PUT_PIECE, rows)

    def put_lines(self, rows: Iterable[Row]) -> None:
        self.sql.executemany(_PUT_LINE, rows)

    def end_the_open(self, ending: str, why: str) -> None:
        """Nobody will close what is still open."""
        self.sql.execute("UPDATE exchange SET ending = ?, why = ? WHERE ending = 'open'", (ending, why))

    # numbers

    def next_numbers(self) -> tuple[int, int]:
        """The first free numbers of exchanges and log lines, above everything that was ever there."""
        floors = dict(self.sql.execute("SELECT name, next FROM floor").fetchall())
        exchange = self.sql.execute("SELECT coalesce(max(id), 0) + 1 FROM exchange").fetchone()[0]
        line = self.sql.execute("SELECT coalesce(max(id), 0) + 1 FROM log").fetchone()[0]
        return max(exchange, floors.get("exchange", 1)), max(line, floors.get("log", 1))

    def keep_numbers(self) -> None:
        """Remember them before rows go, so that no number is given twice."""
        exchange, line = self.next_numbers()
        self.sql.executemany("INSERT OR REPLACE INTO floor VALUES (?, ?)", [("exchange", exchange), ("log", line)])

    def count(self) -> int:
        return int(self.sql.execute("SELECT count(*) FROM exchange").fetchone()[0])

    def lines_by_app(self) -> dict[str, int]:
        return dict(self.sql.execute("SELECT app, count(*) FROM log GROUP BY app").fetchall())

    # room

    def used_bytes(self) -> int:
        """What the rows take; the file may be larger until it is shrunk."""
        return int((self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size"))

    def file_bytes(self) -> int:
        return sum(_size(self.path.with_name(self.path.name + end)) for end in ("", "-wal"))

    def forget_exchanges(self, below: int) -> None:
        """All but those that still run."""
        self.sql.execute("DELETE FROM exchange WHERE id < ? AND ending != 'open'", (below,))
        running = "(SELECT id FROM exchange WHERE id < ?)"
        self.sql.execute(f"DELETE FROM raw WHERE id < ? AND id NOT IN {running}", (below, below))  # noqa: S608
        self.sql.execute(
            f"DELETE FROM piece WHERE key < ? AND (key >> {PIECE_BITS}) NOT IN {running}",  # noqa: S608
            (piece_key(below, 0), below),
        )

    def forget_lines(self, app: str, below: int) -> int:
        return self.sql.execute("DELETE FROM log WHERE app = ? AND id < ?", (app, below)).rowcount

    def clear(self) -> None:
        """Every exchange; log lines stay. A DELETE without WHERE drops whole pages and is quick at any size."""
        for table in ("exchange", "raw", "piece"):
            self.sql.execute(f"DELETE FROM {table}")  # noqa: S608

    def shrink(self, pages: int) -> bool:
        """Give free pages back to the disk; whether that helped. Outside of a transaction."""
        free = self._pragma("freelist_count")
        if free < _VACUUM_PAGES:
            return False
        self.sql.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        return bool(self._pragma("freelist_count") < free)

    def rest(self) -> None:
        """Give the memory of the last commits back."""
        self._pragma("shrink_memory")

    def checkpoint(self) -> None:
        """Move everything into the file and empty the log beside it."""
        self.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.sql.execute(query, values).fetchall()


def piece_key(exchange: int, n: int) -> int:
    return (exchange << PIECE_BITS) + n


def put_aside(path: Path) -> Path:
    """Rename an unusable store and what belongs to it; the newest such file replaces an older one."""
    aside = path.with_name(path.name + ".broken")
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.replace(aside)
    return aside


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
