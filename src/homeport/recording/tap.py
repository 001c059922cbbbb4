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

_T = TypeVar("_T")

ANNOUNCE_AFTER_S = 0.1  # an exchange that runs longer is shown while it runs
FIRST_PROGRESS_S, LAST_PROGRESS_S = 1.0, 16.0  # then told about again, each time after twice the wait
BATCH_RECORDS = 256  # handed over at once when so many are gathered …
BATCH_BYTES = 1 << 20  # … or so much
QUEUE_RECORDS = 8192  # gathered at most, should nobody take them
PIECES_OF_ONE, PIECE_BYTES_OF_ONE = 4096, 1 << 20  # kept of one upgraded connection, from its beginning


class _Running(msgspec.Struct):
    """An announced exchange: when to look at it again, and what it had when it was told about last."""

    exchange: Exchange
    due_s: float
    wait_s: float
    mark: tuple[int, int, str]


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
        self._closed_bytes = 0
        self._pieces: deque[Piece] = deque()
        self._lines: deque[LogLine] = deque()
        self._fresh: dict[int, Exchange] = {}  # opened a moment ago, in that order
        self._running: dict[int, _Running] = {}
        self._look_due_s = float("inf")  # when the first of the running is due
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
            self._running.pop(exchange.id, None)
            self._end_of_pieces(exchange.id)
        queue = self._closed
        if len(queue) >= QUEUE_RECORDS:
            self.lost += 1
            return
        queue.append(exchange)
        self._closed_bytes += exchange.request_bytes + exchange.response_bytes
        if len(queue) >= BATCH_RECORDS or self._closed_bytes >= BATCH_BYTES:
            self._wake(True)
        elif not self._is_awake:
            self._is_awake = True
            self._wake(False)

    def seen(self, exchange: Exchange, from_client: bool, data: bytes) -> None:
        passed = self._passed.get(exchange.id)
        if passed is None:
            passed = self._passed[exchange.id] = _Passed()
            self._announce_now(exchange)
        if (
            passed.cut
            or passed.pieces >= PIECES_OF_ONE
            or passed.bytes + len(data) > PIECE_BYTES_OF_ONE
            or len(self._pieces) >= QUEUE_RECORDS
        ):
            passed.cut += 1  # nothing after a gap can be read, so nothing after it is kept
            return
        at_us = int((self._clock() - exchange.opened_s) * 1e6)
        self._pieces.append(Piece(exchange.id, passed.pieces, at_us, from_client, bytes(data)))
        passed.pieces += 1
        passed.bytes += len(data)
        if not self._is_awake:
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
        for running in self._running.values():
            running.due_s = 0.0
            running.mark = (-1, -1, "")
        self._look_due_s = 0.0

    def take(self) -> Batch | None:
        """What was gathered since the last time; None when that is nothing. Its number is set by the sender."""
        now = self._clock()
        self._is_awake = False
        self._closed_bytes = 0
        running = self._due(now)
        batch = Batch(0, time.time(), now, _drain(self._closed), running, _drain(self._pieces), {}, _drain(self._lines))
        if self._cut:
            batch.pieces_cut, self._cut = self._cut, {}
        if not (batch.closed or running or batch.pieces or batch.lines):
            return None
        return batch

    def next_look_s(self) -> float | None:
        """In how many seconds `take` should be called although nothing is passing; None when never."""
        if self._fresh:
            return 0.03
        if self._running:
            return max(0.03, self._look_due_s - self._clock())
        return None

    def _due(self, now_s: float) -> list[Exchange]:
        """The exchanges to tell about although they run."""
        told: list[Exchange] = []
        while self._fresh:
            exchange = next(iter(self._fresh.values()))
            if now_s - exchange.opened_s < ANNOUNCE_AFTER_S:
                break
            del self._fresh[exchange.id]
            self._running[exchange.id] = _Running(exchange, now_s, FIRST_PROGRESS_S / 2, (-1, -1, ""))
            self._look_due_s = now_s
        if now_s < self._look_due_s:
            return told  # ten thousand idle connections are not looked at every 30 ms
        self._look_due_s = float("inf")
        for running in list(self._running.values()):
            if running.due_s <= now_s:
                running.wait_s = min(running.wait_s * 2, LAST_PROGRESS_S)
                running.due_s = now_s + running.wait_s
                mark = _mark_of(running.exchange)
                if mark != running.mark:
                    running.mark = mark
                    told.append(running.exchange)
            self._look_due_s = min(self._look_due_s, running.due_s)
        return told

    def _announce_now(self, exchange: Exchange) -> None:
        """An upgraded connection is told about with its first bytes: it is there to stay."""
        if self._fresh.pop(exchange.id, None) is not None:
            self._running[exchange.id] = _Running(exchange, 0.0, FIRST_PROGRESS_S / 2, (-1, -1, ""))
            self._look_due_s = 0.0

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

    def seen(self, exchange: Exchange, from_client: bool, data: bytes) -> None:
        pass


def _mark_of(exchange: Exchange) -> tuple[int, int, str]:
    return (exchange.request_bytes, exchange.response_bytes + bool(exchange.response_head), exchange.kind)


def _drain(queue: deque[_T]) -> list[_T]:
    """Element by element: the relays' thread may append meanwhile, and a swap of queues would lose that one."""
    return [queue.popleft() for _ in range(len(queue))]
