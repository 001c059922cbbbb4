"""What is held back leaves when it is due, in order, never early: with an alarm and with the timers of the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from homeport.gateway import pump as pump_module
from homeport.gateway.pump import Pump
from homeport.gateway.tcp_loop import RelayLoop
from homeport.gateway.tcp_reports import Reports
from homeport.streams.poller import Poller, new_poller
from homeport.streams.udp_poller import new_datagram_poller
from tests.gateway.tcp_stage import MemoryTap, open_descriptors


@dataclass
class Stage:
    loop: RelayLoop
    pump: Pump


@pytest.fixture(params=["datagrams", "streams", "without an alarm"])
async def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    if request.param == "without an alarm":
        monkeypatch.setattr(pump_module, "new_alarm", lambda: None)
    make: Callable[[], Poller] = new_poller if request.param == "streams" else new_datagram_poller
    descriptors = open_descriptors()
    running = asyncio.get_running_loop()
    loop = RelayLoop(make(), Reports(MemoryTap(), running), running)
    made = Pump(loop)
    loop.start()
    yield Stage(loop, made)
    loop.post(made.close)
    loop.stop()
    async with asyncio.timeout(5):
        while open_descriptors() > descriptors:
            await asyncio.sleep(0.005)


async def run(stage: Stage, delays_s: list[float]) -> list[tuple[int, float]]:
    """The numbers in the order in which they left, each with how much later than its due."""
    left: list[tuple[int, float]] = []
    done = threading.Event()

    def release(what: object, due_s: float) -> None:
        assert isinstance(what, int)
        left.append((what, time.monotonic() - due_s))
        if len(left) == len(delays_s):
            done.set()

    def put_all() -> None:
        now_s = time.monotonic()
        for number, delay_s in enumerate(delays_s):
            stage.pump.put(now_s + delay_s, release, number)

    stage.loop.post(put_all)
    assert await asyncio.to_thread(done.wait, 20)
    return left


async def test_nothing_leaves_early_and_all_leave_in_order_of_due(stage: Stage) -> None:
    delays_s = [0.05, 0.01, 0.03, 0.01, 0.0, 0.02, -1.0, 0.04]
    left = await run(stage, delays_s)
    assert [number for number, _ in left] == sorted(range(len(delays_s)), key=lambda number: (delays_s[number], number))
    assert all(late_s >= 0 for _, late_s in left)
    assert [number for number, _ in await run(stage, [0.0])] == [0]  # after it was empty


async def test_many_at_the_same_moment_keep_their_order(stage: Stage) -> None:
    left = await run(stage, [0.01] * 2000)
    assert [number for number, _ in left] == list(range(2000))


async def test_timers_do_not_pile_up(stage: Stage) -> None:
    await run(stage, [0.06 - number * 0.002 for number in range(30)])  # each earlier than all before
    assert len(stage.pump) == 0
    assert len(stage.loop._timers) <= 30
    await run(stage, [0.08])
    assert len(stage.loop._timers) == 0
