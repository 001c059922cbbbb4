"""Latency with jitter, and holding some datagrams back so that others overtake them.

Delays do not limit throughput: each parcel is delayed from when it arrived, not from when the one before left.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, inf, log, sqrt
from statistics import NormalDist

from homeport.conditions.dice import Dice
from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import Latency, Reordering
from homeport.conditions.stage import Stage, later

PARETO_SHAPE = 3.0  # finite variance, and still one in a thousand waits 18 times the mean
_NEXT_TO_0 = 2.0**-54
_bell = NormalDist()


class LatencyStage(Stage):
    def __init__(self, settings: Latency, dice: Dice, *, keeps_order: bool) -> None:
        super().__init__()
        self._delay_s = delays(settings, dice)
        self._keeps_order = keeps_order
        self._last_s = -inf

    def plan(self, parcel: Parcel) -> list[Parcel]:
        delay_s = self._delay_s()
        due_s = parcel.due_s + delay_s
        delayed = later(parcel, due_s, "delayed", delay_s)
        if self._keeps_order:
            if due_s < self._last_s:
                delayed = later(delayed, self._last_s, "in-order", self._last_s - due_s)
            self._last_s = delayed.due_s
        return [delayed]

    def miss(self) -> None:
        self._delay_s()


class ReorderingStage(Stage):
    def __init__(self, settings: Reordering, dice: Dice) -> None:
        super().__init__()
        self._rate, self._by_s, self._dice = settings.rate, settings.by_ms / 1000, dice

    def plan(self, parcel: Parcel) -> list[Parcel]:
        if not self._dice.happens(self._rate):
            return [parcel]
        return [later(parcel, parcel.due_s + self._by_s, "reordered", self._by_s)]

    def miss(self) -> None:
        self._dice.random()


def delays(settings: Latency, dice: Dice) -> Callable[[], float]:
    """Draws one delay after the other, in seconds, rounded to whole nanoseconds: the last bits of log() differ between
    systems, and the delays should not."""
    latency_s, jitter_s = settings.latency_ms / 1000, settings.jitter_ms / 1000
    if not jitter_s:
        return lambda: latency_s
    share = correlated(dice, settings.correlation) if settings.correlation else dice.random
    shape = _SHAPES[settings.distribution]
    return lambda: max(0.0, round(latency_s + jitter_s * shape(share()), 9))


# From a share in [0, 1) to jitters around (or above) the latency: the inverse of each distribution function. A single
# number for each delay keeps the decisions of one datagram independent of the distribution of those before.
_SHAPES: dict[str, Callable[[float], float]] = {
    "uniform": lambda share: 2 * share - 1,
    "normal": lambda share: _bell.inv_cdf(share or _NEXT_TO_0),
    "pareto": lambda share: (PARETO_SHAPE - 1) * ((1 - share) ** (-1 / PARETO_SHAPE) - 1),
    "exponential": lambda share: -log(1 - share),
}


def correlated(dice: Dice, rho: float) -> Callable[[], float]:
    """Uniform shares whose normal scores follow an AR(1) process. netem mixes uniform numbers instead, which narrows
    their spread with every step; here the distribution stays what was asked for."""
    fresh = sqrt(1 - rho * rho)
    score = _bell.inv_cdf(dice.random() or _NEXT_TO_0)

    def draw() -> float:
        nonlocal score
        score = rho * score + fresh * _bell.inv_cdf(dice.random() or _NEXT_TO_0)
        return min(0.5 * erfc(-score / sqrt(2)), 1 - 2.0**-53)

    return draw
