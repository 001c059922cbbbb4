"""Network conditions on UDP routes: each way, for each client, live, repeatable, and never early."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial

import pytest

from homeport.conditions.settings import (
    Conditions,
    Corruption,
    Duplication,
    Latency,
    NthLoss,
    RandomLoss,
    Reordering,
    Silence,
)
from homeport.gateway import udp_lane
from homeport.model.net_client import Owner, parse_matches
from homeport.model.udp import UdpState
from tests.gateway.udp_stage import POLLERS, Peer, UdpStage, staged_udp


@pytest.fixture(params=list(POLLERS))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[UdpStage]:
    async with staged_udp(request.param) as made:
        yield made


def both(*stack: Latency | Silence) -> Conditions:
    return Conditions(up=stack, down=stack)


async def round_trip_s(client: Peer) -> float:
    began_s = time.monotonic()
    await client.ask(b"ping")
    return time.monotonic() - began_s


async def test_latency_holds_each_way_and_never_lets_go_early(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    client = await stage.client(door)
    stage.relay.set_conditions("game", Conditions(up=(Latency(latency_ms=30),), down=(Latency(latency_ms=20),)))
    for _ in range(5):
        assert await round_trip_s(client) >= 0.05
    state = stage.relay.state("game")
    assert state.up.delay_p50_ms is not None
    assert state.down.delay_max_ms is not None
    assert state.up.delay_p50_ms >= 30 * 0.95  # the middle of a bucket 4.4 % wide
    assert state.down.delay_max_ms >= 20
    assert (state.decisions["came"], state.decisions["delayed"]) == (10, 10)


async def test_conditions_are_each_clients_own(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    far, near, other = [await stage.client(door) for _ in range(3)]
    alone = f"127.0.0.1:{far.port}"
    stage.relay.set_conditions("game", both(Latency(latency_ms=40)), alone, parse_matches([alone]))
    assert await round_trip_s(far) >= 0.08
    await near.ask(b"ping")
    clients = {one.client: one for one in stage.relay.state("game").clients}
    assert clients[f"127.0.0.1:{near.port}"].up.delay_p50_ms is None
    stage.relay.set_conditions("game", both(Latency(latency_ms=10)), "all", parse_matches(["127.0.0.0/8"]))
    assert await round_trip_s(other) >= 0.02
    stage.relay.set_conditions("game", None, "all")
    await other.ask(b"ping")
    assert await round_trip_s(far) >= 0.08
    counted = stage.relay.decisions("game", alone)
    assert (counted["came"], counted["delayed"]) == (4, 4)


async def test_another_seed_is_another_luck_for_those_who_play(stage: UdpStage) -> None:
    """The same seed again: the same datagrams are lost as of a client that comes anew."""
    door, server = await stage.behind(lambda _: [])
    client = await stage.client(door)

    async def heard_of(first: int, seed: int) -> list[int]:
        stage.relay.set_conditions("game", Conditions(up=(RandomLoss(rate=0.5),), seed=seed))
        before = stage.relay.state("game").up.datagrams
        for number in range(first, first + 40):
            client.send(bytes([number]))
        state = await stage.until(lambda state: state.up.datagrams == before + 40)
        passed = state.up.datagrams - state.up.dropped - sum(map(len, heard))
        return [(await server.hear())[0] - first for _ in range(passed)]

    heard: list[list[int]] = []
    for turn, seed in enumerate((1, 2, 1)):
        heard.append(await heard_of(turn * 40, seed))
    assert heard[0] == heard[2] != heard[1]


async def test_a_process_is_looked_up_once(stage: UdpStage) -> None:
    asked: list[object] = []

    def owners(client: object, server: object, *, udp: bool = False) -> Owner:
        asked.append((client, udp))
        return Owner(pids=(4121,), program="game")

    stage.relay._owners = owners
    door, _ = await stage.behind()
    for word in ("pid=4121", "program=game"):
        stage.relay.set_conditions("game", both(Silence()), word, parse_matches([word]))
    client = await stage.client(door)
    client.send(b"lost")
    await stage.until(lambda state: state.up.dropped == 1)
    assert asked == [(("127.0.0.1", client.port), True)]
    for word in ("pid=4121", "program=game"):
        stage.relay.set_conditions("game", None, word)
    assert await client.ask(b"back") == b"back"


async def test_changes_hold_for_the_next_datagram_and_what_waits_still_arrives(stage: UdpStage) -> None:
    door, server = await stage.behind()
    client = await stage.client(door)
    await client.ask(b"as usual")
    stage.relay.set_conditions("game", both(Latency(latency_ms=1500)))
    await stage.until(lambda _: True)
    client.send(b"slow")
    await stage.until(lambda state: state.up.datagrams == 2)
    stage.relay.set_conditions("game", None)
    assert await client.ask(b"fast") == b"fast"
    assert await client.hear() == b"slow"
    assert stage.relay.state("game").up.reordered == 1
    assert [await server.hear() for _ in range(3)] == [b"as usual", b"fast", b"slow"]


async def test_silence_swallows_and_ends(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    client = await stage.client(door)
    stage.relay.set_conditions("game", both(Silence()))
    client.send(b"lost")
    state = await stage.until(lambda state: state.up.datagrams == 1)
    assert (state.up.dropped, state.decisions["silence"]) == (1, 1)
    stage.relay.set_conditions("game", None)
    assert await client.ask(b"back") == b"back"


async def test_losses_copies_and_corruption_are_counted(stage: UdpStage) -> None:
    door, server = await stage.behind(lambda _: [])
    stage.relay.set_conditions("game", Conditions(up=(NthLoss(every=4), Duplication(rate=1), Corruption(rate=1))))
    client = await stage.client(door)
    for _ in range(100):
        client.send(bytes(8))
    heard = [await server.hear() for _ in range(150)]
    assert all(sum(byte.bit_count() for byte in data) == 1 for data in heard)
    state = stage.relay.state("game")
    assert (state.up.datagrams, state.up.dropped, state.up.duplicated) == (100, 25, 75)
    stage.relay.close("game")
    recorded = (await stage.tap.wait(ended=1)).conditions
    assert recorded is not None
    assert (recorded.settings["seed"], recorded.number, recorded.up) == (0, 1, state.decisions)
    third, fourth = ([[what for what, *_ in one.what] for one in recorded.decisions if one.number == n] for n in (3, 4))
    assert (third, fourth) == ([["corrupted"], ["duplicated", "corrupted"]], [["lost"]])
    assert state.decisions == {"came": 100, "sent": 150, "lost": 25, "dropped": 25, "duplicated": 75, "corrupted": 150}


async def test_reordering_is_counted_as_it_was_felt(stage: UdpStage) -> None:
    door, server = await stage.behind(lambda _: [])
    stage.relay.set_conditions("game", Conditions(up=(Reordering(rate=0.2, by_ms=20),), seed=3))
    client = await stage.client(door)
    for number in range(100):
        client.send(bytes([number]))
    heard = [(await server.hear())[0] for _ in range(100)]
    assert sorted(heard) == list(range(100))
    late = sum(number < max(heard[:place], default=0) for place, number in enumerate(heard))
    assert stage.relay.state("game").up.reordered == late > 0


def has_decided(count: int, state: UdpState) -> bool:
    return count == state.decisions.get("sent", 0) + state.decisions.get("dropped", 0)


async def heard_by_server(poller: str) -> list[list[bytes]]:
    """What each of three clients gets through of the same sixty datagrams."""
    async with staged_udp(poller) as stage:
        door, server = await stage.behind(lambda _: [])
        stage.relay.set_conditions("game", Conditions(up=(RandomLoss(rate=0.3),), seed=7))
        heard: list[list[bytes]] = []
        for clients in (1, 2, 3):
            client = await stage.client(door)
            for number in range(60):
                client.send(str(number).encode())
            state = await stage.until(partial(has_decided, 60 * clients))
            passed = state.decisions["sent"] - sum(len(one) for one in heard)
            heard.append([await server.hear() for _ in range(passed)])
        return heard


async def test_the_same_seed_gives_the_same_decisions_and_each_client_its_own() -> None:
    first, second = await heard_by_server("best"), await heard_by_server("selectors")
    assert first == second
    assert len({tuple(heard) for heard in first}) == 3


async def test_what_finds_no_room_is_dropped(stage: UdpStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_lane, "HELD_BYTES", 10 * (100 + udp_lane.OVERHEAD_BYTES))
    door, server = await stage.behind(lambda _: [])
    stage.relay.set_conditions("game", Conditions(up=(Latency(latency_ms=100),)))
    client = await stage.client(door)
    for number in range(30):
        client.send(bytes([number]) * 100)
    assert [(await server.hear())[0] for _ in range(10)] == list(range(10))
    assert stage.relay.state("game").up.dropped == 20
    client.send(b"room again")
    assert await server.hear() == b"room again"


async def test_nobody_is_forgotten_while_datagrams_wait(stage: UdpStage) -> None:
    door, server = await stage.behind(lambda _: [])
    stage.relay.set_conditions("game", Conditions(up=(Latency(latency_ms=300),)))
    client = await stage.client(door)
    client.send(b"late")
    await stage.until(lambda state: state.active == 1)
    stage.clock.now_s += 10
    assert await server.hear() == b"late"
    await stage.until(lambda state: state.active == 0)


async def test_a_route_that_is_closed_with_datagrams_waiting_leaves_nothing(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    stage.relay.set_conditions("game", both(Latency(latency_ms=60_000)))
    clients = [await stage.client(door) for _ in range(20)]
    for client in clients:
        client.send(b"never")
    await stage.until(lambda state: state.up.datagrams == 20)
    stage.relay.close("game")
    await stage.tap.wait(ended=20)
