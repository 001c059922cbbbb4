"""The planner on a manual clock: what comes in at which moment, what leaves when. Nothing here waits."""

from __future__ import annotations

from math import inf

import pytest

from homeport.conditions.dice import Dice
from homeport.conditions.parcel import Parcel, decision_in_words
from homeport.conditions.plan import Planner, SharedPair, begin, begin_direction
from homeport.conditions.settings import (
    Bandwidth,
    Condition,
    Conditions,
    DataLimit,
    Duplication,
    GilbertElliott,
    Latency,
    Layer,
    NthLoss,
    Outage,
    RandomLoss,
    Reordering,
    Reset,
    Silence,
    Slicing,
    SlowClose,
)

from .waiting import Waiting


def planner(layer: Layer, *stack: Condition, now_s: float = 0.0) -> Planner:
    return begin_direction(stack, layer, now_s, Dice("test"))


def left(parcels: list[Parcel]) -> list[tuple[bytes, float, str | None]]:
    return [(parcel.data, round(parcel.due_s, 6), parcel.ending) for parcel in parcels]


def test_without_conditions_everything_leaves_at_once() -> None:
    plain = planner("stream")
    assert left(plain.plan(b"hello", 3.0)) == [(b"hello", 3.0, None)]
    assert left(plain.end(4.0)) == [(b"", 4.0, "close")]
    assert plain.is_idle
    assert plain.plan(b"late", 5.0) == []


def test_two_latencies_add_up() -> None:
    both = planner("stream", Latency(latency_ms=50), Latency(latency_ms=20))
    assert left(both.plan(b"x", 1.0)) == [(b"x", 1.07, None)]
    assert left(both.end(1.01)) == [(b"", 1.08, "close")]


def test_latency_does_not_limit_throughput() -> None:
    slow = planner("datagram", Latency(latency_ms=100))
    dues = [slow.plan(b"x", i / 1000)[0].due_s for i in range(100)]
    assert dues == pytest.approx([0.1 + i / 1000 for i in range(100)])


def test_32_kib_through_a_bandwidth_are_exactly_on_time() -> None:
    narrow = planner("stream", Bandwidth(rate_bps=64_000))
    parcels = narrow.plan(b"x" * 32768, 10.0)
    assert parcels[-1].due_s == 10.0 + 32768 * 8 / 64_000
    assert b"".join(parcel.data for parcel in parcels) == b"x" * 32768
    assert parcels[0].due_s == 10.0 + len(parcels[0].data) * 8 / 64_000
    assert narrow.read_again_s() == parcels[-1].due_s - 1.0  # a second may wait
    assert left(narrow.end(10.5)) == [(b"", round(parcels[-1].due_s, 6), "close")]


def test_a_burst_passes_at_once_and_is_earned_again() -> None:
    narrow = planner("datagram", Bandwidth(rate_bps=8000, burst_bytes=2000))
    assert [narrow.plan(b"x" * 1000, 0.0)[0].due_s for _ in range(3)] == [0.0, 0.0, 1.0]
    assert [narrow.plan(b"x" * 1000, 3.0)[0].due_s for _ in range(3)] == [3.0, 3.0, 4.0]


def test_a_full_queue_drops_datagrams() -> None:
    narrow = planner("datagram", Bandwidth(rate_bps=8000, queue_ms=2000))
    sent = [len(narrow.plan(b"x" * 1000, 0.0)) for _ in range(5)]
    assert sent == [1, 1, 1, 0, 0]
    assert [decision_in_words(parcel.why[-1]) for parcel in narrow.dropped] == ["dropped: the queue is full"]
    assert narrow.counts["dropped"] == narrow.counts["queue-full"] == 2


def test_a_shared_bandwidth_is_one_bottleneck() -> None:
    conditions = Conditions(up=(Bandwidth(rate_bps=8000, shared=True),), down=(Bandwidth(rate_bps=8000),))
    shared = SharedPair()
    one, two = (begin(conditions, "stream", 0.0, who, shared) for who in "12")
    assert [pair.up.plan(b"x" * 500, 0.0)[-1].due_s for pair in (one, two)] == [0.5, 1.0]
    assert [pair.down.plan(b"x" * 500, 0.0)[-1].due_s for pair in (one, two)] == [0.5, 0.5]


def test_loss_on_a_stream_is_delay() -> None:
    lossy = planner("stream", NthLoss(every=2))
    segments = lossy.plan(b"a" * 1460 + b"b" * 1460 + b"c" * 1460, 0.0)
    # b is lost and comes with its second try; so c waits behind it. The try counts too, so c is the fourth one: lost.
    assert left(segments) == [(b"a" * 1460, 0.0, None), (b"b" * 1460, 0.2, None), (b"c" * 1460, 0.2, None)]
    assert "sent again" in decision_in_words(segments[1].why[0])


def test_a_stream_that_loses_everything_is_given_up() -> None:
    assert left(planner("stream", RandomLoss(rate=1)).plan(b"x", 0.0)) == [(b"", 0.0, "reset")]


def test_every_third_datagram_is_lost() -> None:
    lossy = planner("datagram", NthLoss(every=3))
    assert [len(lossy.plan(b"x", 0.0)) for _ in range(6)] == [1, 1, 0, 1, 1, 0]


def test_a_copy_has_its_own_fate() -> None:
    doubled = planner("datagram", Duplication(rate=1, copies=2), NthLoss(every=2))
    assert [parcel.why for parcel in doubled.plan(b"x", 0.0)] == [(), (("duplicated", 2),)]


def test_held_back_datagrams_are_overtaken() -> None:
    mixed, waiting = planner("datagram", Reordering(rate=0.3, by_ms=25)), Waiting()
    for number in range(20):
        waiting.add(mixed.plan(bytes([number]), number / 100))
    order = [parcel.data[0] for parcel in waiting.take_due(inf)]
    assert sorted(order) == list(range(20)) != order


def test_jitter_keeps_the_order_unless_it_may_not() -> None:
    for reorders in (False, True):
        jitter = planner("datagram", Latency(latency_ms=50, jitter_ms=40, reorders=reorders))
        dues = [jitter.plan(b"x", number / 1000)[0].due_s for number in range(100)]
        assert (dues == sorted(dues)) is not reorders


def test_slices_are_apart() -> None:
    sliced = planner("stream", Slicing(size_bytes=4, delay_us=1000))
    assert left(sliced.plan(b"0123456789", 0.0)) == [(b"0123", 0.0, None), (b"4567", 0.001, None), (b"89", 0.002, None)]
    assert left(sliced.end(0.0)) == [(b"", 0.003, "close")]


def test_the_limit_counts_over_chunks_and_changes() -> None:
    limited = planner("stream", DataLimit(limit_bytes=10), Latency(latency_ms=10))
    assert left(limited.plan(b"12345", 0.0)) == [(b"12345", 0.01, None)]
    limited.change((DataLimit(limit_bytes=8), Latency(latency_ms=10)), 0.0)
    assert left(limited.plan(b"67890", 0.0)) == [(b"678", 0.01, "close")]
    assert limited.has_ended


def test_endings() -> None:
    assert left(planner("stream", Reset(after_ms=500)).plan(b"x", 1.0)) == [(b"", 1.5, "reset")]
    slow = planner("stream", SlowClose(delay_ms=500))
    assert left(slow.plan(b"x", 1.0)) == [(b"x", 1.0, None)]
    assert left(slow.end(1.0)) == [(b"", 1.5, "close")]


def test_silence_holds_a_stream_until_it_is_lifted() -> None:
    silent = planner("stream", Silence())
    assert silent.plan(b"one", 0.0) == silent.plan(b"two", 1.0) == silent.end(2.0) == []
    assert (silent.read_again_s(), silent.wake_s) == (inf, inf)
    assert left(silent.change((), 5.0)) == [(b"one", 5.0, None), (b"two", 5.0, None), (b"", 5.0, "close")]


def test_silence_closes_so_long_after_the_last_bytes() -> None:
    silent = planner("stream", Silence(close_after_ms=1000), Latency(latency_ms=100))
    assert silent.wake_s == 1.0
    silent.plan(b"x", 0.5)
    assert silent.wake(1.2) == []
    assert left(silent.wake(1.5)) == [(b"", 1.6, "close")]
    assert silent.has_ended


def test_silence_and_outages_swallow_datagrams() -> None:
    for stack in (Silence(), Outage()):
        assert planner("datagram", stack).plan(b"x", 0.0) == []


@pytest.mark.parametrize(("how", "ending"), [("refuse", "reset"), ("drop", "close")])
def test_an_outage_ends_what_runs(how: str, ending: str) -> None:
    conditions = Conditions(down=(Outage(how=how),))  # type: ignore[arg-type]
    pair = begin(Conditions(), "stream", 0.0)
    assert pair.entry == "open"
    assert pair.change(conditions, 7.0) == ([], [])
    assert pair.entry == how
    assert left(pair.down.wake(pair.down.wake_s)) == [(b"", 7.0, ending)]


def test_dues_never_fall_when_latency_is_taken_away() -> None:
    live = planner("stream", Latency(latency_ms=1000))
    live.plan(b"slow", 0.0)
    assert live.change((), 0.1) == []
    assert left(live.plan(b"fast", 0.2)) == [(b"fast", 1.0, None)]
    assert left(live.plan(b"fast", 1.2)) == [(b"fast", 1.2, None)]


def test_a_new_rate_begins_behind_what_is_queued() -> None:
    live = planner("stream", Bandwidth(rate_bps=8000))
    live.plan(b"x" * 1000, 0.0)
    live.change((Bandwidth(rate_bps=80_000),), 0.5)
    assert live.plan(b"x" * 1000, 0.5)[-1].due_s == pytest.approx(1.1)


def test_rate_0_holds_until_there_is_one() -> None:
    shut = planner("stream", Latency(latency_ms=100), Bandwidth(rate_bps=0), SlowClose(delay_ms=50))
    assert shut.plan(b"x" * 100, 0.0) == []
    assert shut.read_again_s() == inf
    lifted = shut.change((Latency(latency_ms=100), Bandwidth(rate_bps=8000), SlowClose(delay_ms=50)), 2.0)
    assert left(lifted) == [(b"x" * 100, 2.1, None)]  # the latency was served before


def test_the_share_is_drawn_once_for_both_ways() -> None:
    conditions = Conditions(up=(Latency(latency_ms=1),), down=(Latency(latency_ms=1),), share=0.3)
    pairs = [begin(conditions, "stream", 0.0, str(number)) for number in range(1000)]
    assert all(pair.up.is_idle == pair.down.is_idle for pair in pairs)
    assert 250 < sum(not pair.up.is_idle for pair in pairs) < 350


def test_adding_a_condition_leaves_the_luck_of_the_others() -> None:
    def fates(*stack: Condition) -> list[int]:
        one = planner("datagram", *stack)
        return [len(one.plan(b"x", 0.0)) for _ in range(200)]

    loss = GilbertElliott(p=0.1, r=0.3)
    assert fates(loss) == fates(loss, Latency(latency_ms=5, jitter_ms=2))


def test_what_waits_leaves_by_due_and_then_as_it_came() -> None:
    waiting = Waiting()
    waiting.add([Parcel(b"b", 2.0), Parcel(b"a", 1.0), Parcel(b"c", 2.0)])
    assert (waiting.next_due_s, len(waiting), waiting.bytes) == (1.0, 3, 3)
    assert [parcel.data for parcel in waiting.take_due(1.9)] == [b"a"]
    assert [parcel.data for parcel in waiting.take_due(2.0)] == [b"b", b"c"]
    assert (waiting.next_due_s, waiting.bytes) == (inf, 0)
