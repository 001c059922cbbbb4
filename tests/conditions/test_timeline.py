"""Timelines: what holds at which moment, and when it changes next. Nothing here waits."""

from __future__ import annotations

from contextlib import suppress
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.conditions.profiles import BY_NAME
from homeport.conditions.text import written
from homeport.conditions.timeline import Timeline, parse_timeline
from homeport.model.errors import HomeportError

RIDE = """
# a ride
at 0s 4g
at 10s outage=hang for 3s
at 20s 3g loss=2%   # the hills
loop 60s
"""


def holds(timeline: Timeline, running_s: float) -> str:
    conditions, _ = timeline.now(running_s)
    return "clean" if conditions is None else conditions.profile or written(conditions)


def test_a_ride_and_its_loop() -> None:
    ride = parse_timeline(RIDE, BY_NAME)
    for round_s in (0.0, 60.0, 6000.0):
        moments = [holds(ride, round_s + moment) for moment in (0, 9.9, 10, 12.9, 13, 19.9, 20, 59.9)]
        assert moments == ["4g", "4g", "outage=hang", "outage=hang", "4g", "4g", "3g", "3g"]
    assert [ride.now(moment)[1] for moment in (0, 10, 13, 20, 60, 75)] == [10, 13, 20, 60, 70, 80]


def test_without_a_loop_the_last_step_stays() -> None:
    once = parse_timeline("at 500ms 3g\nat 2s clean", BY_NAME)
    assert [holds(once, moment) for moment in (0, 0.5, 1.9, 2, 1e9)] == ["clean", "3g", "3g", "clean", "clean"]
    assert once.now(2)[1] == inf


def test_a_step_that_begins_meanwhile_ends_a_while() -> None:
    timeline = parse_timeline("at 0s 4g\nat 1s 3g for 10s\nat 5s edge", BY_NAME)
    assert [holds(timeline, moment) for moment in (4, 6, 20)] == ["3g", "edge", "edge"]


def test_a_recorded_trace() -> None:
    trace = parse_timeline(
        "time_s, rate_kbit, delay_ms, loss_percent, up.rate_kbit\n0,1200,40,0,300\n1.5,800,55,0.5,\n3,0,,,\n", {}
    )
    assert [holds(trace, moment) for moment in (0, 1.5, 3)] == [
        "latency=40ms up.rate=300kbit down.rate=1.2mbit",
        "latency=55ms rate=800kbit loss=0.5%",
        "rate=0bit",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the timeline has no step"),
        ("at 0s 3gg", "line 1: no profile is called '3gg'; did you mean 3g?"),
        ("at 0s 3g\nin 5s 4g", "line 2: expected `at TIME CONDITIONS`"),
        ("at 5 3g", "line 1: expected a time such as 50ms or 1.5s"),
        ("at 0s 3g\nat 0s 4g", "two steps begin at 0 s"),
        ("at 0s 3g\nat 9s 4g\nloop 5s", "it loops at 5 s, before its last step"),
        ("time_s,speed\n0,1", "line 1: no column is called 'speed'"),
        ("time_s,delay_ms\n0,fast", "line 2: latency=fastms: expected a time"),
        ("time_s,delay_ms\nx,5", "line 2: expected a time"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(HomeportError) as error:
        parse_timeline(text, BY_NAME)
    assert message in error.value.message


@given(st.text(alphabet="at loopfr0123456789s,\n#=3g.ms_time", max_size=60))
def test_garbage_gives_only_our_error(text: str) -> None:
    with suppress(HomeportError):
        timeline = parse_timeline(text, BY_NAME)
        assert timeline.now(1e6)[1] > 1e6


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8, unique=True), st.floats(0, 1000))
def test_it_always_goes_on(moments: list[int], running_s: float) -> None:
    lines = [f"at {moment}s 3g" for moment in moments]
    timeline = parse_timeline("\n".join([*lines, "loop 101s"]), BY_NAME)
    assert timeline.now(running_s)[1] > running_s
