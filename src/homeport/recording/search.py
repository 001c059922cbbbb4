"""Finding recorded exchanges, newest first, a slice at a time: between two slices the recorder writes what has arrived.

Bodies are searched by reading them, without an index: an index would cost every exchange, a search costs its reader.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice

from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine
from homeport.recording.detail import read_body, read_messages, read_pieces
from homeport.recording.filter import Filter, parse_filter
from homeport.recording.heads import read_head
from homeport.recording.rows import SUMMARY_COLUMNS, summary_of
from homeport.recording.store import Store

TIME_LIMIT_S = 5.0  # then what was found so far is the answer
_SLICE, _SLOW_SLICE = 2000, 32  # exchanges looked at in one go: 5 to 10 ms
_COLUMNS = ", ".join(f"e.{column.strip()}" for column in SUMMARY_COLUMNS.split(","))
_NEWEST = 1 << 46


class Scan:
    """One search under way. Raises HomeportError for a filter that cannot be read, sqlite3.Error from `step`."""

    def __init__(self, store: Store, text: str, limit: int, before: int | None = None) -> None:
        self.found: list[ExchangeSummary] = []
        self._store = store
        self._filter = parse_filter(text, time.time())
        self._limit = limit
        self._before = _NEWEST if before is None else before
        self._deadline_s = time.monotonic() + TIME_LIMIT_S

    def step(self) -> bool:
        """Look at one slice; whether the search is over."""
        size = _SLOW_SLICE if self._filter.is_slow else _SLICE
        first = self._store.rows(
            "SELECT min(id) FROM (SELECT id FROM exchange WHERE id < ? ORDER BY id DESC LIMIT ?)", (self._before, size)
        )[0][0]
        if first is None:
            return True
        room = self._limit - len(self.found)
        self.found += matching(self._store, self._filter, "e.id >= ? AND e.id < ?", (first, self._before), room)
        self._before = first
        return len(self.found) >= self._limit or time.monotonic() > self._deadline_s


def matching(
    store: Store, wanted: Filter, among: str, among_values: Sequence[object], limit: int
) -> list[ExchangeSummary]:
    """The exchanges that match, newest first, among those that meet a condition on their numbers."""
    source = "exchange e JOIN raw r ON r.id = e.id" if wanted.needs_heads else "exchange e"
    query = f"SELECT {_COLUMNS} FROM {source} WHERE {among} AND {wanted.condition} ORDER BY e.id DESC LIMIT ?"  # noqa: S608
    rows = store.rows(query, (*among_values, *wanted.values, -1 if wanted.bodies else limit))
    found = (row for row in rows if all(holds(store, row[0], word) == wish for word, wish in wanted.bodies))
    return [summary_of(row) for row in islice(found, limit)]


def holds(store: Store, exchange: int, word: str) -> bool:
    """Whether a body, or a message of an upgraded connection, holds the word as decoded; case does not matter."""
    needle = word.lower()
    for side in ("request", "response"):
        body = read_body(store, exchange, side)
        if body and needle in body[0].decode("utf-8", "replace").lower():
            return True
    pieces = read_pieces(store, exchange)
    if not pieces:
        return False
    head = store.rows("SELECT response_head FROM raw WHERE id = ?", (exchange,))
    messages = read_messages(read_head(head[0][0] if head else b""), pieces)
    return any(needle in (message.text or "").lower() for message in messages)


def read_lines(store: Store, app: str | None, limit: int, after: int | None) -> list[LogLine]:
    """Log lines in their order: the last ones, or the first ones after the line `after`."""
    whose, values = ("app = ?", [app]) if app is not None else ("1", [])
    order = "ASC" if after is not None else "DESC"
    rows = store.rows(
        f"SELECT id, app, at, stream, text, continues FROM log WHERE {whose} AND id > ? ORDER BY id {order} LIMIT ?",  # noqa: S608
        (*values, after or 0, limit),
    )
    if after is None:
        rows.reverse()
    return [
        LogLine(id=row[0], app=row[1], at=row[2], stream=row[3], text=row[4], continues=bool(row[5])) for row in rows
    ]
