"""When the engine ends by itself, on a loop whose time the test turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from homeport.app.idle import Idle


class Turned:
    """Stands in for the loop: one clock, timers by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_s

    def call_at(self, when_s: float, callback: Callable[[], None]) -> Turned:
        self.timers.append((when_s, callback))
        return self

    def cancel(self) -> None:
        self.timers.clear()

    def turn(self, to_s: float) -> None:
        while due := [timer for timer in self.timers if timer[0] <= to_s]:
            self.timers.remove(min(due))
            self.now_s = min(due)[0]
            min(due)[1]()
        self.now_s = to_s


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> Turned:
    loop = Turned()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def test_it_ends_a_while_after_the_last_touch(turned: Turned) -> None:
    ended: list[float] = []
    idle = Idle(10.0, lambda: False, lambda: ended.append(turned.now_s))
    idle.touch()
    turned.turn(9.0)
    idle.touch()
    turned.turn(18.9)
    assert ended == []
    turned.turn(19.0)
    assert ended == [19.0]


def test_what_is_needed_stays_without_a_timer_until_it_is_touched(turned: Turned) -> None:
    ended: list[float] = []
    needed = True
    idle = Idle(10.0, lambda: needed, lambda: ended.append(turned.now_s))
    idle.touch()
    turned.turn(100.0)
    assert (ended, turned.timers) == ([], [])
    needed = False
    idle.touch()
    turned.turn(110.0)
    assert ended == [110.0]


def test_never_means_never(turned: Turned) -> None:
    idle = Idle(None, lambda: False, lambda: pytest.fail("it ended"))
    idle.touch()
    assert turned.timers == []


def test_closed_it_ends_nothing(turned: Turned) -> None:
    idle = Idle(1.0, lambda: False, lambda: pytest.fail("it ended"))
    idle.touch()
    idle.close()
    idle.touch()
    turned.turn(5.0)
