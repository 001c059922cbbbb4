"""A minute as the engine would measure it: an api that becomes slow, and a game; the same numbers each time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from homeport.model.measured import DelayMeasured, Measured, RouteMeasured

FIRST = datetime(2026, 3, 3, 14, 1, 20, tzinfo=UTC)
LOOKS = 120
SLOW_FROM = 71  # the look at which the api is on 3g


def minute() -> list[Measured]:
    dice = random.Random(7)
    return [
        Measured(
            at=(FIRST + timedelta(seconds=number / 2)).isoformat(),
            span_ms=500,
            routes=[_api(dice, is_slow=number >= SLOW_FROM), _game(dice)],
        )
        for number in range(LOOKS)
    ]


def _api(dice: random.Random, *, is_slow: bool) -> RouteMeasured:
    p50_ms = (412 if is_slow else 14) * (1 + dice.random() * 0.12)
    return RouteMeasured(
        route="api",
        up_bps=int(9000 + dice.random() * 4000),
        down_bps=int((455_000 if is_slow else 840_000) * (0.85 + dice.random() * 0.18)),
        answers=dice.randint(1, 4),
        answer_p50_ms=p50_ms,
        answer_p95_ms=p50_ms * (1.05 + dice.random() * 0.3),
    )


def _game(dice: random.Random) -> RouteMeasured:
    return RouteMeasured(
        route="game",
        up_bps=int(26_000 * (0.9 + 0.2 * dice.random())),
        down_bps=int(27_000 * (0.9 + 0.2 * dice.random())),
        up_delay=_delay(40, dice),
        down_delay=_delay(60, dice),
    )


def _delay(base_ms: float, dice: random.Random) -> DelayMeasured:
    return DelayMeasured(p50_ms=base_ms + dice.random() * 2, p95_ms=base_ms + 8 + dice.random() * 2)
