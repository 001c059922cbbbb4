"""The figures of each model over a million draws on the manual clock, against the closed formulas.

Seeds are fixed, so nothing here fails by chance: a bound of four standard errors is broken by a wrong model alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import groupby, pairwise
from math import exp, sqrt
from statistics import NormalDist

import pytest

from homeport.conditions.delay import delays
from homeport.conditions.dice import Dice
from homeport.conditions.loss import loss_model
from homeport.conditions.plan import begin_direction
from homeport.conditions.settings import (
    Bandwidth,
    BurstLoss,
    Distribution,
    Duplication,
    GilbertElliott,
    Latency,
    Loss,
    NthLoss,
    RandomLoss,
    Reordering,
)

MILLION = 1_000_000
SIGMAS = 4.0
KS_1_IN_1000 = 1.95  # sqrt(n) times the largest distance is above this once in a thousand


def bursts(settings: Loss) -> tuple[float, Counter[int]]:
    """The share lost of a million, and how many runs of each length."""
    is_lost = loss_model(settings, Dice("statistics"))
    lost = [is_lost() for _ in range(MILLION)]
    return sum(lost) / MILLION, Counter(len(list(run)) for value, run in groupby(lost) if value)


def assert_geometric(runs: Counter[int], ends: float) -> None:
    """Chi-square of the lengths against P(n) = ends·(1-ends)^(n-1), in cells that expect at least ten."""
    total, cells, length = sum(runs.values()), [], 1
    while (wanted := total * ends * (1 - ends) ** (length - 1)) >= 10:
        cells.append((runs[length], wanted))
        length += 1
    cells.append((sum(count for run, count in runs.items() if run >= length), total * (1 - ends) ** (length - 1)))
    chi = sum((seen - wanted) ** 2 / wanted for seen, wanted in cells if wanted > 1)
    freedom = len(cells) - 1
    assert chi < freedom + SIGMAS * sqrt(2 * freedom)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_random_loss(rate: float) -> None:
    seen, runs = bursts(RandomLoss(rate=rate))
    assert abs(seen - rate) < SIGMAS * sqrt(rate * (1 - rate) / MILLION)
    assert_geometric(runs, 1 - rate)


@pytest.mark.parametrize(("rate", "burst"), [(0.2, 5), (0.03, 20), (0.5, 1.5)])
def test_bursts_of_loss(rate: float, burst: float) -> None:
    seen, runs = bursts(BurstLoss(rate=rate, burst=burst))
    r = 1 / burst
    p = r * rate / (1 - rate)
    # The variance of a two-state chain's average is (1+λ)/(1-λ) times that of independent draws, λ = 1-p-r.
    spread = sqrt(rate * (1 - rate) * (2 - p - r) / (p + r) / MILLION)
    assert abs(seen - rate) < SIGMAS * spread
    mean = sum(length * count for length, count in runs.items()) / sum(runs.values())
    assert abs(mean - burst) < SIGMAS * sqrt(burst * (burst - 1) / sum(runs.values()))
    assert_geometric(runs, r)


@pytest.mark.parametrize(
    ("p", "r", "bad", "good"), [(0.01, 0.1, 0.8, 0.001), (0.05, 0.5, 1.0, 0.0), (0.2, 0.3, 0.5, 0.1)]
)
def test_gilbert_elliott(p: float, r: float, bad: float, good: float) -> None:
    seen, _ = bursts(GilbertElliott(p=p, r=r, bad_loss=bad, good_loss=good))
    share_bad = p / (p + r)
    wanted = (1 - share_bad) * good + share_bad * bad
    memory = 1 - p - r
    states = share_bad * (1 - share_bad) * (bad - good) ** 2 * (1 + memory) / (1 - memory)
    draws = share_bad * bad * (1 - bad) + (1 - share_bad) * good * (1 - good)
    assert abs(seen - wanted) < SIGMAS * sqrt((states + draws) / MILLION)


def test_every_nth_is_exact() -> None:
    assert bursts(NthLoss(every=8)) == (1 / 8, Counter({1: MILLION // 8}))


def test_shares_of_a_whole_stack() -> None:
    """A hundred thousand through the planner itself: what is lost, doubled and held back."""
    stack = (Duplication(rate=0.1), RandomLoss(rate=0.05), Latency(latency_ms=20), Reordering(rate=0.2))
    planner = begin_direction(stack, "datagram", 0.0, Dice("stack"))
    count = 100_000
    for number in range(count):
        planner.plan(b"x", number / 1000)
    counts = planner.counts
    assert counts["sent"] + counts["lost"] == pytest.approx(count * 1.1, rel=0.01)
    assert counts["lost"] == pytest.approx(count * 1.1 * 0.05, rel=0.03)
    assert counts["reordered"] == pytest.approx(counts["sent"] * 0.2, rel=0.03)


def cdf(shape: Distribution, latency_s: float, jitter_s: float) -> Callable[[float], float]:
    bell = NormalDist(latency_s, jitter_s)
    return {
        "uniform": lambda x: min(1.0, max(0.0, (x - latency_s + jitter_s) / (2 * jitter_s))),
        "normal": bell.cdf,
        "pareto": lambda x: 1 - (1 + max(0.0, x - latency_s) / (2 * jitter_s)) ** -3,
        "exponential": lambda x: 1 - exp(-max(0.0, x - latency_s) / jitter_s),
    }[shape]


@pytest.mark.parametrize("shape", ["uniform", "normal", "pareto", "exponential"])
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_jitter_follows_its_distribution(shape: Distribution, correlation: float) -> None:
    """Kolmogorov and Smirnov. Of correlated delays every twentieth is taken: 0.5**20 is as good as independent."""
    settings = Latency(latency_ms=200, jitter_ms=30, distribution=shape, correlation=correlation)
    draw = delays(settings, Dice("jitter"))
    step, count = (20, 10_000) if correlation else (1, 200_000)
    drawn = sorted([draw() for _ in range(count * step)][::step])
    assert largest_distance(drawn, cdf(shape, 0.2, 0.03)) * sqrt(count) < KS_1_IN_1000


def largest_distance(drawn: list[float], wanted: Callable[[float], float]) -> float:
    count, probabilities = len(drawn), [wanted(value) for value in drawn]
    return max(max(rank / count - p, p - (rank - 1) / count) for rank, p in enumerate(probabilities, 1))


@pytest.mark.parametrize("rho", [0.25, 0.9])
def test_delays_are_as_alike_as_asked(rho: float) -> None:
    draw = delays(Latency(latency_ms=200, jitter_ms=30, distribution="normal", correlation=rho), Dice("alike"))
    drawn = [(draw() - 0.2) / 0.03 for _ in range(100_000)]
    seen = sum(a * b for a, b in pairwise(drawn)) / sum(a * a for a in drawn)
    assert abs(seen - rho) < SIGMAS * sqrt((1 - rho * rho) / len(drawn))


def test_delays_are_never_below_0() -> None:
    draw = delays(Latency(latency_ms=5, jitter_ms=50, distribution="normal"), Dice("never"))
    assert min(draw() for _ in range(10_000)) == 0.0


@pytest.mark.parametrize(("rate_bps", "size"), [(64_000, 200), (10_000_000, 1400), (1_000_000_000, 64_000)])
def test_bandwidth_over_ten_seconds(rate_bps: float, size: int) -> None:
    """Twice as much is offered as passes, for ten seconds of the manual clock."""
    planner = begin_direction((Bandwidth(rate_bps=rate_bps),), "datagram", 0.0, Dice("rate"))
    apart_s, passed, last_s = size * 8 / rate_bps / 2, 0, 0.0
    for number in range(int(10 / apart_s)):
        for parcel in planner.plan(bytes(size), number * apart_s):
            passed, last_s = passed + len(parcel.data), parcel.due_s
    assert passed * 8 / last_s == pytest.approx(rate_bps, rel=1e-9)  # no error adds up
    assert 10 * 0.99 < last_s < 11.01  # and a second of it is still queued


@pytest.mark.parametrize(("rate_bps", "chunk"), [(64_000, 512), (10_000_000, 65536), (1_000_000_000, 65536)])
def test_bandwidth_of_a_stream_that_is_read_when_it_may_be(rate_bps: float, chunk: int) -> None:
    planner = begin_direction((Bandwidth(rate_bps=rate_bps),), "stream", 0.0, Dice("rate"))
    now_s, due_in_time, data = 0.0, 0, bytes(chunk)
    while now_s < 10:
        due_in_time += sum(len(parcel.data) for parcel in planner.plan(data, now_s) if parcel.due_s <= 10)
        now_s = max(now_s, planner.read_again_s())
    assert due_in_time * 8 / 10 == pytest.approx(rate_bps, rel=0.01)


def test_decisions_are_the_same_everywhere() -> None:
    """Golden values: made once, and never different on another machine, system or Python version."""
    dice = Dice("golden")
    assert [round(dice.random(), 12) for _ in range(3)] == GOLDEN_DICE
    stack = (Duplication(rate=0.2), BurstLoss(rate=0.3, burst=2), Latency(latency_ms=50, jitter_ms=20))
    planner = begin_direction(stack, "datagram", 0.0, Dice("golden"))
    fates = ["".join(f"{parcel.due_s:.6f} " for parcel in planner.plan(b"x", float(number))) for number in range(12)]
    assert fates == GOLDEN_FATES


GOLDEN_DICE = [0.78562434924, 0.798154054829, 0.635430077179]
GOLDEN_FATES = [
    "",
    "",
    "2.035214 ",
    "3.038089 ",
    "4.035572 ",
    "5.048709 ",
    "6.036467 ",
    "7.031518 7.063931 ",
    "8.067804 ",
    "",
    "10.046539 ",
    "11.061035 ",
]
