"""Finding recorded exchanges, newest first, a slice at a time: between two slices the recorder writes what has arrived.

Bodies are searched by reading them, without an index: an index would cost every exchange, a search costs its reader.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import islice

from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine
from homeport.recording.bodies import SHOWN_LIMIT_BYTES, content_of
from homeport.recording.detail import read_messages, read_pieces
from homeport.recording.filter import Filter, parse_filter
from homeport.recording.heads import read_head
from homeport.recording.rows import SUMMARY_COLUMNS, summary_of
from homeport.recording.store import Store

TIME_LIMIT_S = 5.0  # then what was found so far is the answer
_SLICE, _SLOW_SLICE = 2000, 128  # exchanges looked at in one go: 5 to 10 ms
_COLUMNS = ", ".join(f"e.{column.strip()}" for column in SUMMARY_COLUMNS.split(","))
_NEWEST = 1 << 46
_CODED = re.compile(rb"\n(?=[ctCT])(?:content-encoding|transfer-encoding|content-type:[^\n]*utf-?16)", re.IGNORECASE)
_UPGRADED = re.compile(rb"HTTP/1\.1 101 ")


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
    rows = store.rows(
        "SELECT request_head, request_body, response_head, response_body FROM raw WHERE id = ?", (exchange,)
    )
    if not rows:
        return False
    request_head, request_body, response_head, response_body = rows[0]
    if _body_holds(request_head, request_body, word) or _body_holds(response_head, response_body, word):
        return True
    pieces = read_pieces(store, exchange) if _UPGRADED.match(response_head) or not response_head else []
    messages = read_messages(read_head(response_head), pieces)
    return any(word.lower() in (message.text or "").lower() for message in messages)


def _body_holds(head: bytes, body: bytes, word: str) -> bool:
    """Bodies that passed as they are, in ASCII, are most: they need no decoding. Six times faster."""
    if not body:
        return False
    if word.isascii() and not _CODED.search(head):
        return word.lower().encode() in body.lower()
    content = content_of(read_head(head), body, SHOWN_LIMIT_BYTES)
    return word.lower() in content.data.decode("utf-8", "replace").lower()


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
