"""What passes on each route right now, twice a second while somebody watches: bits each way and how long answers take.

It reads what the road counts anyway. While nobody watches it holds nothing, and nobody calls it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Protocol

from homeport.model.exchange import Exchange
from homeport.model.measured import DelayMeasured, Measured, RouteMeasured

EVERY_S = 0.5  # so that a change is seen within a second
Heard = Callable[[Measured], None]
Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]


class Passing(Protocol):
    """Where exchanges are known (the recording)."""

    def running(self) -> Sequence[Exchange]: ...

    def follow(self, ended: Callable[[Sequence[Exchange]], None]) -> Callable[[], None]:
        """Hear of those that ended; the answer ends it."""


class Carried(Protocol):
    """What the gateway alone knows, by route: up, then down."""

    def datagram_bytes(self) -> Mapping[str, tuple[int, int]]:
        """Passed on udp routes so far."""

    def held_bytes(self) -> Mapping[str, tuple[int, int]]:
        """Counted on their exchanges, and held back by network conditions."""

    def take_delays(self) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        """By how many seconds conditions held back what passed since the last call."""

    def stop_delays(self) -> None:
        """Nobody asks any more."""


class _Seen:
    """How far an exchange had come when it was looked at last."""

    __slots__ = ("down", "is_answered", "up")

    def __init__(self) -> None:
        self.up = self.down = 0
        self.is_answered = False


class _Sum:
    __slots__ = ("answers_s", "down", "up")

    def __init__(self) -> None:
        self.up = self.down = 0
        self.answers_s: list[float] = []


class Meter:
    def __init__(
        self,
        passing: Passing,
        carried: Carried,
        later: Later = lambda delay_s, call: asyncio.get_running_loop().call_later(delay_s, call),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._passing, self._carried, self._later, self._clock = passing, carried, later, clock
        self._watchers: list[Heard] = []
        self._seen: dict[int, _Seen] = {}
        self._sums: dict[str, _Sum] = {}
        self._held: Mapping[str, tuple[int, int]] = {}
        self._datagrams: Mapping[str, tuple[int, int]] = {}
        self._last_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._unfollow: Callable[[], None] = lambda: None

    def watch(self, heard: Heard) -> Callable[[], None]:
        """Tell it, twice a second, until the answer is called."""
        if not self._watchers:
            self._begin()
        self._watchers.append(heard)
        return lambda: self._leave(heard)

    def _begin(self) -> None:
        self._unfollow = self._passing.follow(self._ended)
        for exchange in self._passing.running():
            self._look(exchange)
        self._take_carried()
        self._sums.clear()  # what passed before anybody asked
        self._last_s = self._clock()
        self._timer = self._later(EVERY_S, self._tick)

    def _leave(self, heard: Heard) -> None:
        self._watchers.remove(heard)
        if not self._watchers:
            self._unfollow()
            self._carried.stop_delays()
            self._seen.clear()
            if self._timer is not None:
                self._timer.cancel()

    def _tick(self) -> None:
        for exchange in self._passing.running():
            self._look(exchange)
        delays = self._take_carried()
        now_s = self._clock()
        span_s, self._last_s = max(now_s - self._last_s, 1e-3), now_s
        sums, self._sums = self._sums, {}
        at = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        names = sorted(sums.keys() | delays.keys())
        routes = [_told(name, sums.get(name) or _Sum(), delays.get(name, ((), ())), span_s) for name in names]
        measured = Measured(at=at, span_ms=round(span_s * 1000), routes=routes)
        for heard in list(self._watchers):
            heard(measured)
        self._timer = self._later(EVERY_S, self._tick)

    def _ended(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            self._count(exchange, self._seen.pop(exchange.id, _Seen()))

    def _look(self, exchange: Exchange) -> None:
        seen = self._seen.get(exchange.id)
        if seen is None:
            seen = self._seen[exchange.id] = _Seen()
        self._count(exchange, seen)

    def _count(self, exchange: Exchange, seen: _Seen) -> None:
        if exchange.kind == "udp":  # its bytes are written down once a second, and are those that came
            return
        up = len(exchange.request_head) + exchange.request_bytes
        down = len(exchange.response_head) + exchange.response_bytes
        asks = exchange.kind != "tcp" and exchange.answered_s > 0 and not seen.is_answered
        if up == seen.up and down == seen.down and not asks:
            return
        total = self._sum(exchange.route)
        total.up += up - seen.up
        total.down += down - seen.down
        seen.up, seen.down = up, down
        if asks:
            seen.is_answered = True
            total.answers_s.append(exchange.answered_s - exchange.opened_s)

    def _take_carried(self) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        held, datagrams = self._carried.held_bytes(), self._carried.datagram_bytes()
        self._move(self._held, held, -1)
        self._move(self._datagrams, datagrams, 1)
        self._held, self._datagrams = held, datagrams
        return self._carried.take_delays()

    def _move(self, before: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]], sign: int) -> None:
        for name in before.keys() | now.keys():
            (up_before, down_before), (up, down) = before.get(name, (0, 0)), now.get(name, (0, 0))
            if (up, down) != (up_before, down_before):
                total = self._sum(name)
                total.up += sign * (up - up_before)
                total.down += sign * (down - down_before)

    def _sum(self, route: str) -> _Sum:
        found = self._sums.get(route)
        if found is None:
            found = self._sums[route] = _Sum()
        return found


def _told(name: str, total: _Sum, delays: tuple[Sequence[float], Sequence[float]], span_s: float) -> RouteMeasured:
    answers = _percentiles(total.answers_s)
    return RouteMeasured(
        route=name,
        up_bps=round(max(0, total.up) * 8 / span_s),
        down_bps=round(max(0, total.down) * 8 / span_s),
        answers=len(total.answers_s),
        answer_p50_ms=answers.p50_ms if answers else None,
        answer_p95_ms=answers.p95_ms if answers else None,
        up_delay=_percentiles(delays[0]),
        down_delay=_percentiles(delays[1]),
    )


def _percentiles(times_s: Sequence[float]) -> DelayMeasured | None:
    if not times_s:
        return None
    ordered = sorted(times_s)
    p50, p95 = (ordered[ceil(len(ordered) * share) - 1] for share in (0.5, 0.95))
    return DelayMeasured(p50_ms=round(p50 * 1000, 3), p95_ms=round(p95 * 1000, 3))
