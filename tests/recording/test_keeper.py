"""The store in good and bad times: what is kept, what is forgotten, and what a full or broken disk costs."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.model.conditions_felt import ConditionsFelt
from homeport.model.exchange import Exchange
from homeport.model.log import LogLine
from homeport.model.settings import Settings
from homeport.recording import keeper as module
from homeport.recording.channel import Piece
from homeport.recording.detail import read_detail
from homeport.recording.keeper import Keeper
from homeport.recording.rows import iso_time
from homeport.recording.search import Scan, read_lines
from tests.recording.stage import batch, exchange, keeper, kept, nobody


def numbers(made: Keeper) -> list[int]:
    assert made.store is not None
    return [row[0] for row in made.store.rows("SELECT id FROM exchange ORDER BY id")]


def counts(made: Keeper) -> tuple[int, ...]:
    assert made.store is not None
    return tuple(
        made.store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("exchange", "raw", "piece", "log")
    )


def tidied(made: Keeper) -> None:
    while made.idle_work_in_s == 0.0:
        made.tidy()
    assert not made.problem


def lines(app: str, first: int, count: int, at_s: float | None = None) -> list[LogLine]:
    at = iso_time(int((at_s or time.time()) * 1e6))
    return [LogLine(id=number, app=app, at=at, text=f"line {number}") for number in range(first, first + count)]


def test_everything_is_private(tmp_path: Path) -> None:
    made = keeper(tmp_path / "new" / "store.db")
    kept(made, exchange(1))
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    made.close()


def test_a_store_of_the_version_before_is_read_on(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    for statement in (
        "CREATE TABLE exchange (id INTEGER PRIMARY KEY, started INTEGER, kind TEXT, route TEXT, client TEXT, "
        "process TEXT, method TEXT, scheme TEXT, version TEXT, host TEXT, path TEXT, status INTEGER, type TEXT, "
        "duration INTEGER, request_bytes INTEGER, response_bytes INTEGER, ending TEXT, why TEXT)",
        "CREATE TABLE raw (id INTEGER PRIMARY KEY, upstream TEXT, reused INTEGER, head INTEGER, dialled INTEGER, "
        "sent INTEGER, answered INTEGER, cut INTEGER, request_head BLOB, request_body BLOB, response_head BLOB, "
        "response_body BLOB)",
        "CREATE TABLE piece (key INTEGER PRIMARY KEY, at INTEGER, from_client INTEGER, data BLOB)",
        "CREATE TABLE log (id INTEGER PRIMARY KEY, app TEXT, at TEXT, stream TEXT, text TEXT, continues INTEGER)",
        "CREATE INDEX log_of_app ON log (app, id)",
        "CREATE TABLE floor (name TEXT PRIMARY KEY, next INTEGER)",
        "INSERT INTO exchange VALUES (5, 1, 'http', 'api', '', '', 'GET', 'http', '1.1', '', '/', 200, '', 9, 0, 0, "
        "'complete', '')",
        "INSERT INTO raw VALUES (5, '', 0, NULL, NULL, NULL, NULL, 0, x'', x'', x'', x'')",
        "PRAGMA user_version = 3",
    ):
        old.execute(statement)
    old.close()
    made = keeper(tmp_path / "store.db")
    assert made.store is not None
    kept(made, exchange(6, conditions=ConditionsFelt(number=1, text="3g")))
    for _ in range(2):
        details = [read_detail(made.store, number) for number in (5, 6)]
        assert [detail and detail.summary.conditions for detail in details] == ["", "3g"]
        made.close()
        made = keeper(tmp_path / "store.db")
        assert made.store is not None
    made.close()


def test_a_running_exchange_is_replaced_by_its_end(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db")
    running = Exchange(1, opened_s=time.perf_counter())
    assert made.write(batch(1, running=[running]), nobody)
    assert made.write(batch(2, running=[running]), nobody)
    kept(made, exchange(1), exchange(2))
    assert counts(made)[:2] == (2, 2)
    assert made.state().exchanges == 2
    made.close()


def test_what_an_engine_left_open_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first = keeper(path)
    first.write(batch(1, running=[Exchange(1, opened_s=time.perf_counter())]), nobody)
    first.commit()
    first._close_store()  # as a kill -9 leaves it
    second = keeper(path)
    assert second.store is not None
    assert second.store.rows("SELECT ending FROM exchange") == [("engine-gone",)]
    assert second.numbers() == (2, 1)
    second.close()


def test_only_done_batches_are_confirmed(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db")
    made.write(batch(7, exchange(1)), nobody)
    assert made.done == 0
    assert made.commit_due_in_s is not None
    made.commit()
    assert made.done == 7
    assert made.commit_due_in_s is None
    made.close()


def test_too_many_exchanges_are_forgotten_oldest_first_but_not_those_that_run(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db", Settings(keep_exchanges=100))
    made.write(batch(1, running=[Exchange(3)], pieces=[Piece(3, 0, 0, True, b"x"), Piece(4, 0, 0, True, b"x")]), nobody)
    kept(made, *(exchange(number) for number in range(1, 301) if number != 3))
    tidied(made)
    assert numbers(made) == [3, *range(202, 301)]
    assert counts(made) == (100, 100, 1, 0)
    assert made.state().exchanges == 100
    made.close()


def test_under_load_writing_itself_forgets(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db", Settings(keep_exchanges=100))
    for first in range(1, 3001, 500):
        kept(made, *(exchange(number) for number in range(first, first + 500)))
    assert made.state().exchanges <= 100 * 1.25 + 1000
    assert counts(made)[0] == made.state().exchanges
    made.close()


def test_a_store_that_grew_too_large_shrinks_on_disk(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db", Settings(keep_bytes=2_000_000))
    kept(made, *(exchange(number, body=os.urandom(20_000)) for number in range(1, 501)))
    assert made.store is not None
    made.store.checkpoint()
    assert made.store.file_bytes() > 9_000_000
    tidied(made)
    made.store.checkpoint()
    assert made.store.file_bytes() < 3_000_000
    left = numbers(made)
    assert left[-1] == 500
    assert left == list(range(left[0], 501))
    assert made.store.rows("PRAGMA integrity_check") == [("ok",)]
    made.close()


def test_old_exchanges_and_lines_are_forgotten(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db", Settings(keep_days=1))
    two_days_s = 2 * 86400
    old = time.perf_counter() - two_days_s
    made.write(batch(1, lines=lines("api", 1, 5, time.time() - two_days_s) + lines("api", 6, 5)), nobody)
    kept(made, exchange(1, opened_s=old, closed_s=old + 1), exchange(2))
    tidied(made)
    assert numbers(made) == [2]
    assert made.store is not None
    assert [line.id for line in read_lines(made.store, "api", 50, None)] == [6, 7, 8, 9, 10]
    made.close()


def test_log_lines_are_kept_per_app(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db", Settings(keep_log_lines=100))
    made.write(batch(1, lines=lines("quiet", 1, 10) + lines("loud", 11, 500)), nobody)
    made.commit()
    tidied(made)
    assert made.store is not None
    assert [line.id for line in read_lines(made.store, "loud", 1000, None)] == list(range(411, 511))
    assert len(read_lines(made.store, "quiet", 1000, None)) == 10
    assert [line.id for line in read_lines(made.store, None, 3, None)] == [508, 509, 510]
    assert [line.id for line in read_lines(made.store, None, 3, 5)] == [6, 7, 8]
    made.close()


def test_large_logs_alone_cannot_fill_the_store(tmp_path: Path) -> None:
    made = keeper(tmp_path / "store.db", Settings(keep_bytes=1_000_000))
    long = [
        LogLine(id=number, app="a", at=iso_time(int(time.time() * 1e6)), text="x" * 60_000) for number in range(1, 101)
    ]
    made.write(batch(1, lines=long), nobody)
    made.commit()
    tidied(made)
    assert made.store is not None
    assert made.store.used_bytes() < 1_000_000
    assert read_lines(made.store, "a", 1, None)[0].id == 100
    made.close()


def test_clearing_forgets_exchanges_and_no_number_is_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    made = keeper(path)
    made.write(batch(1, lines=lines("api", 1, 3)), nobody)
    kept(made, *(exchange(number, body=os.urandom(5000)) for number in range(1, 301)))
    made.clear()
    tidied(made)
    made.close()
    assert path.stat().st_size < 500_000
    again = keeper(path)
    assert counts(again) == (0, 0, 0, 3)
    assert again.numbers() == (301, 4)
    again.close()


# bad times


def test_a_file_that_is_no_store_is_put_aside_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database, but somebody's thesis" * 1000)
    made = Keeper(path, Settings())
    assert made.open()
    made.write(batch(1, exchange(1)), nobody)
    made.commit()
    assert numbers(made) == [1]
    assert "store.db.broken" in made.state().problem
    assert b"thesis" in (tmp_path / "store.db.broken").read_bytes()
    made.close()


def test_a_store_that_breaks_while_it_is_written_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    made = keeper(path)
    kept(made, *(exchange(number) for number in range(1, 200)))
    made.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192 * 10)
    broken = Keeper(path, Settings(), clock := Clock())
    broken.open()
    for number in range(300, 330):
        broken.write(batch(number, exchange(number)), nobody)
        broken.commit()
        clock.now_s += 2
    assert numbers(broken)[-1] == 329
    assert "could not be read" in broken.state().problem
    broken.close()


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_another_process_that_has_the_store_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first = keeper(path)
    second = Keeper(path, Settings(), clock := Clock())
    assert not second.open()
    assert "another process" in second.state().problem
    assert not second.write(batch(1, exchange(1)), nobody)
    assert (second.lost, second.done) == (1, 1)
    first.close()
    clock.now_s += module.RETRY_EVERY_S
    assert second.write(batch(2, exchange(2)), nobody)
    second.commit()
    assert second.state().problem == ""
    second.close()


class Full:
    """A connection whose disk is full at will."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self.is_full = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._sql, name)

    def _check(self) -> None:
        if self.is_full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    def execute(self, statement: str, values: object = ()) -> sqlite3.Cursor:
        if not statement.startswith(("SELECT", "ROLLBACK")):
            self._check()
        return self._sql.execute(statement, values)  # type: ignore[arg-type]

    def executemany(self, statement: str, rows: object) -> sqlite3.Cursor:
        self._check()
        return self._sql.executemany(statement, rows)  # type: ignore[arg-type]


def test_a_failing_write_costs_what_it_held_and_is_tried_again(tmp_path: Path) -> None:
    made = Keeper(tmp_path / "store.db", Settings(), clock := Clock())
    made.open()
    kept(made, exchange(1))
    assert made.store is not None
    made.store.sql = full = Full(made.store.sql)  # type: ignore[assignment]
    made.write(batch(2, exchange(2), lines=lines("a", 1, 2)), nobody)
    full.is_full = True
    made.commit()
    assert (made.lost, made.lost_lines, made.done) == (1, 2, 2)
    assert "full" in made.state().problem
    made.write(batch(3, exchange(3)), nobody)
    assert (made.lost, made.done) == (2, 3)
    full.is_full = False
    clock.now_s += module.RETRY_EVERY_S
    kept(made, exchange(4))
    assert numbers(made) == [1, 4]
    assert made.state().lost == 2
    made.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, where this test may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "homeport-test", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("only root on Linux may mount a tiny disk; the injected error above stands in for it")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_really_full_disk_loses_nothing_that_was_stored_and_recovers(tiny_disk: Path) -> None:
    made = Keeper(tiny_disk / "store.db", Settings(), clock := Clock())
    assert made.open()
    for number in range(1, 401):
        made.write(batch(number, exchange(number, body=os.urandom(10_000))), nobody)
        made.commit()
        clock.now_s += 0.5
    state = made.state()
    assert "full" in state.problem
    assert state.lost > 50
    assert made.done == 400
    assert made.store is not None
    scan = Scan(made.store, "", 1000)  # it keeps answering
    while not scan.step():
        pass
    stored = sorted(summary.id for summary in scan.found)
    assert len(stored) + state.lost == 400
    made.store.rows("SELECT 1")
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    clock.now_s += module.RETRY_EVERY_S
    kept(made, exchange(401))
    assert numbers(made) == [*stored, 401]
    assert made.store.rows("PRAGMA integrity_check") == [("ok",)]
    made.close()


def test_a_disk_that_is_full_from_the_start_is_waited_for(tiny_disk: Path) -> None:
    filler = tiny_disk / "filler"
    filler.write_bytes(b"x" * (2 * 1024 * 1024))
    made = Keeper(tiny_disk / "store.db", Settings(), clock := Clock())
    assert not made.open()
    assert made.numbers() == (0, 0)
    assert not made.write(batch(1, exchange(1)), nobody)
    filler.unlink()
    assert made.idle_work_in_s == module.RETRY_EVERY_S
    clock.now_s += module.RETRY_EVERY_S
    made.tidy()
    made.tidy()
    assert made.problem == ""  # although nothing has passed
    kept(made, exchange(2))
    assert numbers(made) == [2]
    made.close()
