"""What was decided once is decided again: from what is recorded of an exchange, on a manual clock."""

from __future__ import annotations

from math import inf

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from homeport.conditions import decisions as decisions_module
from homeport.conditions.decisions import MOST, Decisions
from homeport.conditions.dice import Dice
from homeport.conditions.http import HttpFault, HttpFaults
from homeport.conditions.parcel import Parcel
from homeport.conditions.plan import Pair, begin
from homeport.conditions.repetition import compare, in_words
from homeport.conditions.settings import (
    Bandwidth,
    Conditions,
    DataLimit,
    Duplication,
    Latency,
    Layer,
    NthLoss,
    RandomLoss,
    Slicing,
)
from homeport.conditions.standing import Standing
from homeport.model.conditions_felt import ConditionsFelt, Decided

from .test_properties import Stack, chunks, datagram_stacks, latencies, losses, slices, stream_stacks

Chunks = list[tuple[int, float]]
shares = st.sampled_from([1.0, 0.5])


def run(conditions: Conditions, layer: Layer, sent: Chunks, *, ends: bool = True) -> ConditionsFelt:
    """The next connection on a route, each chunk sent both ways."""
    standing = Standing(conditions)
    decisions = standing.begin(0.0)
    assert decisions is not None
    pair = begin(conditions, layer, 0.0, str(decisions.felt.number))
    pair.record(decisions)
    feed(pair, sent, ends=ends and layer == "stream")
    return msgspec.msgpack.decode(msgspec.msgpack.encode(decisions.felt), type=ConditionsFelt)


def feed(pair: Pair, sent: Chunks, *, ends: bool) -> None:
    now_s = 0.0
    for size, pause_s in sent:
        now_s += pause_s
        for planner in (pair.up, pair.down):
            while planner.wake_s <= now_s:
                planner.wake(planner.wake_s)
            if not planner.has_ended:
                planner.plan(bytes(size), now_s)
    if ends:
        for planner in (pair.up, pair.down):
            planner.end(now_s)


def again(felt: ConditionsFelt) -> Conditions:
    return msgspec.convert({**felt.settings, "first": felt.number}, Conditions)


@given(stream_stacks, stream_stacks, chunks, st.integers(0, 3), st.integers(1, 3), shares)
def test_any_stream_repeats(
    up: Stack,
    down: Stack,
    sent: Chunks,
    seed: int,
    first: int,
    share: float,
) -> None:
    felt = run(Conditions(up=up, down=down, seed=seed, first=first, share=share), "stream", sent)
    repeated = run(again(felt), "stream", sent)
    assert repeated.decisions == felt.decisions
    assert (repeated.up, repeated.down) == (felt.up, felt.down)


@given(datagram_stacks, datagram_stacks, chunks, st.integers(0, 3), st.integers(1, 3), shares, st.floats(0, 3))
def test_any_datagrams_repeat_at_any_pace(
    up: Stack,
    down: Stack,
    sent: Chunks,
    seed: int,
    first: int,
    share: float,
    pace: float,
) -> None:
    felt = run(Conditions(up=up, down=down, seed=seed, first=first, share=share), "datagram", sent)
    assert run(again(felt), "datagram", sent).decisions == felt.decisions
    at_another_pace = run(again(felt), "datagram", [(size, pause_s * pace) for size, pause_s in sent])
    if not any(what == "queue-full" for one in [*felt.decisions, *at_another_pace.decisions] for what, *_ in one.what):
        assert {one.verdict for one in compare(felt.decisions, at_another_pace.decisions)} <= {"same"}


def test_what_finds_no_room_does_not_change_the_fate_of_the_others() -> None:
    stack = Bandwidth(rate_bps=80_000, queue_ms=100), Latency(latency_ms=50, jitter_ms=40, reorders=True)
    fast, slow = (run(Conditions(up=stack), "datagram", [(500, pause_s)] * 40) for pause_s in (0.001, 1.0))
    delays = {one.number: one.what[-1] for one in slow.decisions if one.from_client}
    passed = [one for one in fast.decisions if one.from_client and one.what[-1][0] == "delayed"]
    assert 0 < len(passed) < 40
    assert all(one.what[-1] == delays[one.number] for one in passed)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20), st.integers(0, 9))
def test_the_same_bytes_are_cut_at_the_same_places_whatever_chunks_they_come_in(sizes: list[int], seed: int) -> None:
    conditions = Conditions(up=(Slicing(size_bytes=90, variation_bytes=60), DataLimit(limit_bytes=1500)), seed=seed)
    cuts = []
    for chunked in ([sum(sizes)], sizes):
        planner = begin(conditions, "stream", 0.0, "1").up
        parcels = [parcel for size in chunked if not planner.has_ended for parcel in planner.plan(bytes(size), 0.0)]
        ends = [sum(len(one.data) for one in parcels[: place + 1]) for place in range(len(parcels))]
        cuts.append(ends)
    whole, split = cuts
    own = {sum(sizes[: place + 1]) for place in range(len(sizes))}
    assert set(whole) <= set(split) <= set(whole) | own


@given(st.lists(st.one_of(latencies, losses, slices), max_size=4).map(tuple), chunks, st.integers(1, 5))
def test_an_exchange_has_the_luck_of_its_number_on_whichever_connection(
    stack: Stack, sent: Chunks, number: int
) -> None:
    conditions = Conditions(up=tuple(one for one in stack if not isinstance(one, NthLoss)), seed=4)
    felts = []
    for connection, before in (("1", [(700, 0.0)]), (str(number), [])):
        pair = begin(conditions, "stream", 0.0, connection)
        feed(pair, before, ends=False)
        assume(not pair.up.has_ended)
        pair.begin_anew(number, 100_000.0)
        felt = ConditionsFelt(number=number)
        pair.record(Decisions(felt, 100_000.0))
        now_s = 100_000.0
        for size, pause_s in sent:
            now_s += pause_s
            if not pair.up.has_ended:
                pair.up.plan(bytes(size), now_s)
        felts.append(felt)
    assert {one.verdict for one in compare(felts[0].decisions, felts[1].decisions)} <= {"same"}


def test_the_fate_of_a_request_comes_from_its_number() -> None:
    faults = HttpFault(status=503, share=0.4, path="/a*"), HttpFault(delay_ms=70, share=0.5, methods=("GET",))
    whole = HttpFaults(faults, Dice("7/http"))
    fates = [whole.decide("GET", "/a/b") for _ in range(50)]
    assert len({fate.why for fate in fates}) == 4
    for place in (0, 7, 31):
        from_there = [msgspec.structs.replace(fault, first=place + 1) for fault in faults]
        later = HttpFaults(from_there, Dice("7/http"))
        assert later.next_numbers() == [place + 1, place + 1]
        assert [later.decide("GET", "/a/b") for _ in range(5)] == fates[place : place + 5]


def test_the_first_thousand_are_kept_and_the_others_counted() -> None:
    felt = run(Conditions(up=(RandomLoss(rate=1),)), "datagram", [(10, 0.0)] * (MOST + 7))
    assert (len(felt.decisions), felt.more, felt.up["lost"]) == (MOST, 7, MOST + 7)
    assert felt.decisions[-1] == Decided(0.0, True, MOST, 10, [("lost", 0.0, 1)])


def test_thousands_of_exchanges_keep_what_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions_module, "ALL", 150)
    standing = Standing(Conditions(up=(RandomLoss(rate=1),)))
    kept = []
    for _ in range(3):
        decisions = standing.begin(0.0)
        assert decisions is not None
        for _ in range(120):
            decisions.of_datagram(0.0, True, 10, [Parcel(b"", 0.0, None, (("lost", 0.0),))])
        kept.append(decisions)
    assert [(len(one.felt.decisions), one.felt.more) for one in kept] == [(120, 0), (50, 70), (50, 70)]
    for one in kept:
        one.end()
        one.end()
    fresh = standing.begin(0.0)
    assert fresh is not None
    for _ in range(120):
        fresh.of_request(0.0, [("late", 0.1)])
    assert len(fresh.felt.decisions) == 120


def test_where_nothing_is_decided_nothing_is_kept() -> None:
    felt = run(Conditions(up=(RandomLoss(rate=0),), down=(Duplication(rate=0),)), "datagram", [(10, 0.0)] * 5)
    assert (felt.decisions, felt.more, felt.up["came"]) == ([], 0, 5)


def test_numbers_begin_again_with_another_seed_or_after_none() -> None:
    standing = Standing(Conditions(seed=1))
    assert [begun(standing).number, begun(standing).number] == [1, 2]
    standing.set(Conditions(seed=1, share=0.5))
    assert begun(standing).number == 3
    standing.set(Conditions(seed=2))
    assert begun(standing).number == 1
    standing.set(Conditions(seed=2, first=9))
    assert begun(standing).number == 9
    late = [standing.begin(0.0, ran_already=True), standing.begin(0.0, ran_already=True)]
    assert [one.felt.number for one in late if one is not None] == [-1, -2]
    standing.set(None)
    assert standing.begin(0.0) is None
    standing.set(Conditions(seed=2, first=9))
    assert begun(standing).number == 9


def begun(standing: Standing) -> ConditionsFelt:
    decisions = standing.begin(0.0)
    assert decisions is not None
    return decisions.felt


def test_what_is_recorded_can_be_set_again() -> None:
    slow = (Latency(latency_ms=200),)
    felt = begun(Standing(Conditions(up=slow, down=slow, profile="3g", seed=7)))
    assert felt.text == "3g latency=200ms seed=7"
    felt.number = 4
    assert again(felt) == Conditions(up=slow, down=slow, profile="3g", seed=7, first=4)


def test_decisions_are_compared_by_what_chance_made() -> None:
    lost, late = ("lost", 0.0, 1), ("delayed", 0.05, 1)
    then = [Decided(1, True, 1, 10, [lost]), Decided(2, True, 2, 10, [late, ("queued", 0.1, 1)])]
    now = [Decided(1, True, 2, 10, [late, ("queued", 0.7, 1)]), Decided(9, False, 1, 5, [late])]
    assert [one.verdict for one in compare(then, now)] == ["only then", "same", "only now"]
    assert [one.verdict for one in compare(then[:1], [Decided(1, True, 1, 10, [late])])] == ["differs"]
    assert [one.verdict for one in compare(then[:1], [Decided(1, True, 1, 99, [late])])] == ["other input"]
    assert compare([Decided(1, True, 1, 10, [("queued", inf, 1)])], []) == []
    assert in_words([late, ("sliced", 3.0, 3), ("retransmitted", 0.2, 2)]) == (
        "delayed by 50 ms, one of 3 pieces, lost, sent again after 200 ms (2 times)"
    )
