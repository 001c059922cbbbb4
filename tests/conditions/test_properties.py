"""Any stack of conditions: a stream keeps its bytes and their order, or ends; what leaves of datagrams is what came,
marked where it is not. Live changes at any moment keep that, and taking all away drains."""

from __future__ import annotations

from collections import Counter
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from homeport.conditions.dice import Dice
from homeport.conditions.parcel import Parcel
from homeport.conditions.plan import Planner, begin_direction
from homeport.conditions.settings import (
    Bandwidth,
    BurstLoss,
    Condition,
    Corruption,
    DataLimit,
    Duplication,
    GilbertElliott,
    Latency,
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

few = st.floats(0, 1, allow_nan=False)
ms = st.sampled_from([0.0, 1.0, 40.0, 3000.0])
latencies = st.builds(
    Latency,
    latency_ms=ms,
    jitter_ms=ms,
    distribution=st.sampled_from(["uniform", "normal", "pareto", "exponential"]),
    correlation=st.sampled_from([0.0, 0.9]),
    reorders=st.booleans(),
)
rates = st.builds(
    Bandwidth,
    rate_bps=st.sampled_from([0.0, 800.0, 64_000.0, 1e9]),
    burst_bytes=st.sampled_from([0, 3000]),
    queue_ms=ms,
)
losses = st.one_of(
    st.builds(RandomLoss, rate=st.sampled_from([0.0, 0.1, 0.9, 1.0])),
    st.builds(BurstLoss, rate=st.sampled_from([0.1, 0.4]), burst=st.sampled_from([1.0, 6.0])),
    st.builds(GilbertElliott, p=few, r=few, bad_loss=few, good_loss=few),
    st.builds(NthLoss, every=st.integers(1, 4)),
)
endings = st.one_of(
    st.builds(DataLimit, limit_bytes=st.integers(0, 3000), ending=st.sampled_from(["close", "reset"])),
    st.builds(Reset, after_ms=ms),
    st.builds(SlowClose, delay_ms=ms),
    st.builds(Silence, close_after_ms=ms),
    st.builds(Outage, how=st.sampled_from(["refuse", "hang", "drop"])),
)
slices = st.builds(Slicing, size_bytes=st.integers(30, 900), variation_bytes=st.integers(0, 20), delay_us=ms)
muddles = st.one_of(
    st.builds(Duplication, rate=few, copies=st.integers(1, 3)),
    st.builds(Reordering, rate=few, by_ms=ms),
    st.builds(Corruption, rate=few, unit=st.sampled_from(["bit", "byte"])),
)
stream_stacks = st.lists(st.one_of(latencies, rates, losses, endings, slices), max_size=5).map(tuple)
datagram_stacks = st.lists(st.one_of(latencies, rates, losses, muddles, st.builds(Silence)), max_size=5).map(tuple)
chunks = st.lists(st.tuples(st.sampled_from([1, 40, 1460, 5000]), st.sampled_from([0.0, 0.001, 0.2, 2.0])), max_size=8)
Stack = tuple[Condition, ...]


class Stream:
    """A planner with its pump on a manual clock, which checks each promise at each step."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.planner: Planner = begin_direction(stack, "stream", 0.0, Dice(str(seed)))
        self.now_s, self.sent = 0.0, b""
        self.parcels: list[Parcel] = []

    def send(self, size: int) -> None:
        if not self.planner.has_ended:
            data = bytes((len(self.sent) + place) % 251 for place in range(size))
            self.sent += data
            self.add(self.planner.plan(data, self.now_s))

    def pass_time(self, seconds: float) -> None:
        """The pump wakes at the moment that it was told."""
        end_s = self.now_s + seconds
        while self.planner.wake_s <= end_s:
            self.now_s = max(self.now_s, self.planner.wake_s)
            self.add(self.planner.wake(self.now_s))
        self.now_s = end_s

    def add(self, parcels: list[Parcel]) -> None:
        last_s = self.parcels[-1].due_s if self.parcels else -inf
        assert all(parcel.due_s >= self.now_s for parcel in parcels)
        assert [parcel.due_s for parcel in parcels] == sorted(parcel.due_s for parcel in parcels)
        assert not parcels or parcels[0].due_s >= last_s
        assert not self.ending or not parcels
        self.parcels += parcels
        assert self.sent.startswith(self.received)

    @property
    def received(self) -> bytes:
        return b"".join(parcel.data for parcel in self.parcels)

    @property
    def ending(self) -> str | None:
        return self.parcels[-1].ending if self.parcels else None


@given(stream_stacks, chunks, st.integers(0, 5))
def test_a_stream_keeps_bytes_and_order_or_ends(stack: Stack, sizes: list[tuple[int, float]], seed: int) -> None:
    stream = Stream(stack, seed)
    for size, pause_s in sizes:
        stream.send(size)
        stream.pass_time(pause_s)
    if not stream.planner.has_ended:
        stream.add(stream.planner.end(stream.now_s))
    stream.pass_time(3600.0)  # the slowest rate takes minutes for the most that is sent
    is_held = stream.planner.read_again_s() == inf  # silence or no rate at all: until the settings change
    assert stream.ending or is_held
    assert stream.ending != "close" or stream.received == stream.sent or _may_close_early(stack)


def _may_close_early(stack: Stack) -> bool:
    return any(isinstance(one, DataLimit | Silence | Outage) for one in stack)


@given(st.lists(st.tuples(stream_stacks, st.sampled_from([1, 1460, 4000])), min_size=1, max_size=6), st.integers(0, 5))
def test_live_changes_and_taking_all_away_drain(steps: list[tuple[Stack, int]], seed: int) -> None:
    stream = Stream((), seed)
    for stack, size in steps:
        stream.add(stream.planner.change(stack, stream.now_s))
        stream.send(size)
        stream.pass_time(0.05)
    longest_s = max([parcel.due_s for parcel in stream.parcels], default=0.0)
    stream.add(stream.planner.change((), stream.now_s))
    stream.send(100)
    stream.add(stream.planner.end(stream.now_s))
    assert stream.ending  # all of it is on its way, and due no later than what was before
    assert stream.parcels[-1].due_s <= max(longest_s, stream.now_s)
    if not any(_ends(one) for stack, _ in steps for one in stack):
        assert stream.received == stream.sent


def _ends(one: Condition) -> bool:
    lossy = isinstance(one, RandomLoss | BurstLoss | GilbertElliott | NthLoss)  # TCP may give up
    return lossy or isinstance(one, DataLimit | Reset | Silence | Outage)


@given(datagram_stacks, st.integers(1, 40), st.integers(0, 5))
def test_what_leaves_is_what_came(stack: Stack, count: int, seed: int) -> None:
    planner = begin_direction(stack, "datagram", 0.0, Dice(str(seed)))
    came = [number.to_bytes(4, "big") + bytes(number) for number in range(count)]
    waiting, dropped = Waiting(), 0
    for number, data in enumerate(came):
        waiting.add(planner.plan(data, number / 100))
        dropped += len(planner.dropped)
    left = waiting.take_due(inf)
    corruptions = sum(isinstance(one, Corruption) for one in stack)
    intact = Counter(parcel.data for parcel in left if not _is(parcel, "corrupted"))
    copies = sum(1 for parcel in left if _is(parcel, "duplicated"))
    assert set(intact) <= set(came)
    assert max(intact.values(), default=0) <= 1 + copies
    assert len(left) + dropped >= count
    assert len(left) == planner.counts["sent"]
    assert dropped == planner.counts["dropped"]
    assert len(left) <= count + copies
    # A multiset of what came, marked corrupt where it is: each is one that came, but for a byte where it says so.
    by_size = {len(data): data for data in came}
    for parcel in left:
        wrong = sum(one != other for one, other in zip(parcel.data, by_size[len(parcel.data)], strict=True))
        assert wrong == 0 or (wrong <= corruptions and _is(parcel, "corrupted"))


def _is(parcel: Parcel, what: str) -> bool:
    return any(decision == what for decision, _ in parcel.why)


@given(datagram_stacks, st.integers(0, 5))
def test_the_same_seed_decides_the_same(stack: Stack, seed: int) -> None:
    one, two = (begin_direction(stack, "datagram", 0.0, Dice(str(seed))) for _ in "12")
    for number in range(20):
        assert one.plan(b"data", number / 100) == two.plan(b"data", number / 100)
