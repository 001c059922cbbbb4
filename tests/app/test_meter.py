"""What is measured while somebody watches: bytes since the last look, answers once each, nothing while nobody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from homeport.app.meter import Meter
from homeport.model.exchange import Exchange
from homeport.model.measured import DelayMeasured, Measured


class Stage:
    """Exchanges, what the gateway knows, and a timer that rings when it is told to."""

    def __init__(self) -> None:
        self.open: list[Exchange] = []
        self.followers: list[Callable[[Sequence[Exchange]], None]] = []
        self.datagrams: dict[str, tuple[int, int]] = {}
        self.held: dict[str, tuple[int, int]] = {}
        self.delays: dict[str, tuple[list[float], list[float]]] = {}
        self.now_s = 100.0
        self.tick: Callable[[], None] | None = None
        self.told: list[Measured] = []
        self.meter = Meter(self, self, self.later, lambda: self.now_s)

    def later(self, _delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        self.tick = call
        return cast(asyncio.TimerHandle, self)

    def cancel(self) -> None:
        self.tick = None

    def running(self) -> Sequence[Exchange]:
        return self.open

    def follow(self, ended: Callable[[Sequence[Exchange]], None]) -> Callable[[], None]:
        self.followers.append(ended)
        return lambda: self.followers.remove(ended)

    def datagram_bytes(self) -> Mapping[str, tuple[int, int]]:
        return dict(self.datagrams)

    def held_bytes(self) -> Mapping[str, tuple[int, int]]:
        return dict(self.held)

    def take_delays(self) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        taken, self.delays = self.delays, {}
        return taken

    def stop_delays(self) -> None:
        self.delays = {}

    def end(self, exchange: Exchange) -> None:
        if exchange in self.open:
            self.open.remove(exchange)
        for follower in self.followers:
            follower([exchange])

    def after_half_a_second(self) -> dict[str, Any]:
        """By route, what was told."""
        self.now_s += 0.5
        assert self.tick is not None
        self.tick()
        return {one.route: one for one in self.told[-1].routes}


def exchange(number: int, **what: Any) -> Exchange:
    return Exchange(number, route="api", opened_s=1.0, **what)


def test_bytes_are_counted_once_while_it_runs_and_at_its_end() -> None:
    stage = Stage()
    old = exchange(1, response_bytes=9_000_000)
    stage.open.append(old)
    stage.meter.watch(stage.told.append)
    old.response_bytes += 1000
    assert stage.after_half_a_second()["api"].down_bps == 16_000
    old.request_bytes += 50
    stage.end(old)
    stage.end(exchange(2, request_head=b"x" * 50, response_bytes=1000))
    told = stage.after_half_a_second()["api"]
    assert (told.up_bps, told.down_bps) == (1600, 16_000)
    assert stage.after_half_a_second() == {}


def test_an_answer_counts_once_and_from_the_first_byte_of_the_request() -> None:
    stage = Stage()
    before = exchange(1, answered_s=1.9)
    stage.open.append(before)
    stage.meter.watch(stage.told.append)
    slow = exchange(2, answered_s=1.4)
    stage.open.append(slow)
    stage.end(exchange(3, answered_s=1.1, closed_s=1.2))
    told = stage.after_half_a_second()["api"]
    assert (told.answers, told.answer_p50_ms, told.answer_p95_ms) == (2, 100.0, 400.0)
    stage.end(slow)
    stage.end(before)
    assert stage.after_half_a_second() == {}


def test_first_bytes_of_tcp_are_no_answers() -> None:
    stage = Stage()
    stage.meter.watch(stage.told.append)
    stage.end(exchange(1, kind="tcp", answered_s=1.1, response_bytes=10))
    told = stage.after_half_a_second()["api"]
    assert (told.answers, told.down_bps) == (0, 160)


def test_what_conditions_hold_back_has_not_passed_yet() -> None:
    stage = Stage()
    stage.meter.watch(stage.told.append)
    stream = exchange(1, kind="tcp", response_bytes=3000)
    stage.open.append(stream)
    stage.held["api"] = (0, 2000)
    assert stage.after_half_a_second()["api"].down_bps == 16_000
    stage.held["api"] = (0, 500)
    assert stage.after_half_a_second()["api"].down_bps == 24_000


def test_datagrams_are_those_of_the_relay_and_not_of_the_exchanges() -> None:
    stage = Stage()
    stage.datagrams["game"] = (1_000_000, 0)
    stage.meter.watch(stage.told.append)
    stage.end(exchange(1, kind="udp", request_bytes=77))
    stage.datagrams["game"] = (1_000_100, 200)
    told = stage.after_half_a_second()
    assert list(told) == ["game"]
    assert (told["game"].up_bps, told["game"].down_bps) == (1600, 3200)


def test_delays_are_told_each_way() -> None:
    stage = Stage()
    stage.meter.watch(stage.told.append)
    stage.delays["db"] = ([0.04] * 95 + [0.09] * 5, [])
    told = stage.after_half_a_second()["db"]
    assert told.up_delay == DelayMeasured(p50_ms=40.0, p95_ms=40.0)
    assert told.down_delay is None


def test_two_watch_and_nothing_is_left_when_both_have_gone() -> None:
    stage = Stage()
    others: list[Measured] = []
    leave = stage.meter.watch(stage.told.append)
    leave_too = stage.meter.watch(others.append)
    stage.end(exchange(1, response_bytes=10))
    stage.after_half_a_second()
    assert others == stage.told
    leave()
    assert stage.tick is not None
    stage.tick()
    assert (len(others), len(stage.told)) == (2, 1)
    leave_too()
    assert not stage.followers
    assert stage.tick is None
    stage.meter.watch(stage.told.append)
    assert stage.after_half_a_second() == {}
