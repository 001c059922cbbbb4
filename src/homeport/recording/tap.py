"""The engine's side of the recording: it gathers what passed and hands it over in batches.

Its methods append and return: about a microsecond per exchange, measured in bench/recording.py. They never wait, never
raise and never encode. They may be called from the loop's thread and from the thread of the raw TCP relays.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import msgspec

from homeport.model.exchange import Exchange
from homeport.model.log import LogLine
from homeport.recording.channel import NEWCOMERS_PER_S, Batch, Newcomer, Piece
from homeport.recording.running import Running

_T = TypeVar("_T")

BATCH_RECORDS = 256  # handed over at once when so many are gathered …
BATCH_BYTES = 1 << 20  # … or so much
QUEUE_RECORDS = 8192  # gathered at most, should nobody take them
PIECES_OF_ONE, PIECE_BYTES_OF_ONE = 4096, 1 << 20  # kept of one upgraded connection, from its beginning


class _Passed(msgspec.Struct):
    """What passed on one upgraded connection."""

    pieces: int = 0
    bytes: int = 0
    cut: int = 0


class RecorderTap:
    """`wake(is_urgent)` asks for `take` to be called: soon, or right now.

    `greet` hears of new clients, 20 a second, and `told` of every log line at once.
    """

    def __init__(
        self,
        wake: Callable[[bool], None],
        greet: Callable[[Newcomer], None] | None = None,
        told: Callable[[LogLine], None] | None = None,
        *,
        body_limit_bytes: int = 64 * 1024,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.body_limit_bytes = body_limit_bytes
        self.next_id: Callable[[], int] = itertools.count(1).__next__
        self.next_line: Callable[[], int] = itertools.count(1).__next__
        self.lost = 0  # exchanges that no batch took
        self.lost_lines = 0
        self._wake = wake
        self._greet = greet
        self._told = told
        self._clock = clock
        self._is_awake = False
        self._closed: deque[Exchange] = deque()
        self._bytes = 0  # about, of what is gathered
        self._pieces: deque[Piece] = deque()
        self._lines: deque[LogLine] = deque()
        self._running = Running()
        self._fresh = self._running.fresh  # at hand: a call more for each exchange would show
        self._passed: dict[int, _Passed] = {}
        self._cut: dict[int, int] = {}
        self._last_client = ""
        self._greeting_due_s = 0.0

    def opened(self, exchange: Exchange) -> None:
        self._fresh[exchange.id] = exchange
        if not self._is_awake:
            self._is_awake = True
            self._wake(False)
        if exchange.client != self._last_client:
            self._last_client = exchange.client
            if exchange.opened_s >= self._greeting_due_s and self._greet is not None:
                self._greeting_due_s = exchange.opened_s + 1 / NEWCOMERS_PER_S
                self._greet(Newcomer(exchange.client, exchange.server_port))

    def closed(self, exchange: Exchange) -> None:
        if self._fresh.pop(exchange.id, None) is None:
            self._running.ended(exchange.id)
            self._end_of_pieces(exchange.id)
        queue = self._closed
        if len(queue) >= QUEUE_RECORDS:
            self.lost += 1
            return
        queue.append(exchange)
        self._bytes += exchange.request_bytes + exchange.response_bytes
        if len(queue) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
            self._wake(True)
        elif not self._is_awake:
            self._is_awake = True
            self._wake(False)

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        passed = self._passed.get(exchange.id)
        if passed is None:
            passed = self._passed[exchange.id] = _Passed()
            self._running.announce(exchange)
        if (
            passed.cut
            or passed.pieces >= PIECES_OF_ONE
            or passed.bytes + len(data) > PIECE_BYTES_OF_ONE
            or len(self._pieces) >= QUEUE_RECORDS
        ):
            passed.cut += 1  # nothing after a gap can be read, so nothing after it is kept
            return
        at_us = int(((self._clock() if at_s is None else at_s) - exchange.opened_s) * 1e6)
        self._pieces.append(Piece(exchange.id, passed.pieces, at_us, from_client, bytes(data)))
        passed.pieces += 1
        passed.bytes += len(data)
        self._bytes += len(data)
        if self._bytes >= BATCH_BYTES:
            self._wake(True)
        elif not self._is_awake:
            self._is_awake = True
            self._wake(False)

    def line(self, line: LogLine) -> None:
        """Keep a line of an app's log. It gets its number here, so that it can be shown before it is stored."""
        line.id = self.next_line()
        if self._told is not None:
            self._told(line)
        if len(self._lines) >= QUEUE_RECORDS:
            self.lost_lines += 1
            return
        self._lines.append(line)
        if len(self._lines) >= BATCH_RECORDS:
            self._wake(True)
        elif not self._is_awake:
            self._is_awake = True
            self._wake(False)

    def number_from(self, exchange: int, line: int) -> None:
        """Count from these numbers on, unless that would be backwards."""
        self.next_id = itertools.count(max(exchange, self.next_id())).__next__
        self.next_line = itertools.count(max(line, self.next_line())).__next__

    def announce_all(self) -> None:
        """A new recorder knows nothing of what runs."""
        self._running.announce_all()

    def take(self) -> Batch | None:
        """What was gathered since the last time; None when that is nothing. Its number is set by the sender."""
        now = self._clock()
        self._is_awake = False
        self._bytes = 0
        running = self._running.due(now)
        batch = Batch(0, time.time(), now, _drain(self._closed), running, _drain(self._pieces), {}, _drain(self._lines))
        if self._cut:
            batch.pieces_cut, self._cut = self._cut, {}
        if not (batch.closed or running or batch.pieces or batch.lines):
            return None
        return batch

    def running(self) -> list[Exchange]:
        """What has begun and not ended."""
        return self._running.all()

    def next_look_s(self) -> float | None:
        """In how many seconds `take` should be called although nothing is passing; None when never."""
        return self._running.next_look_s(self._clock())

    def _end_of_pieces(self, exchange: int) -> None:
        passed = self._passed.pop(exchange, None)
        if passed is not None and passed.cut:
            self._cut[exchange] = passed.cut


class LinesTap(RecorderTap):
    """Where exchanges are not to be recorded: log lines only."""

    def opened(self, exchange: Exchange) -> None:
        pass

    def closed(self, exchange: Exchange) -> None:
        pass

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        pass


def _drain(queue: deque[_T]) -> list[_T]:
    """Element by element: the relays' thread may append meanwhile, and a swap of queues would lose that one."""
    return [queue.popleft() for _ in range(len(queue))]
