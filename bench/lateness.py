"""How much later than their due things left, in µs: told by the process that lets go, read by the one that asks."""

from __future__ import annotations

from typing import NamedTuple

_SHARES = {"late p50 µs": 0.5, "late p99 µs": 0.99, "late max µs": 1.0, "earliest µs": 0.0}


def tell(late_s: list[float]) -> str:
    ordered = sorted(late_s) or [0.0]
    places = [min(len(ordered) - 1, int(len(ordered) * share)) for share in _SHARES.values()]
    return " ".join([*(f"{ordered[place] * 1e6:.1f}" for place in places), str(len(late_s))])


class LatenessTold(NamedTuple):
    numbers: dict[str, float]
    total: int

    @classmethod
    def of(cls, text: str) -> LatenessTold:
        *values, total = text.split()
        return cls(dict(zip(_SHARES, map(float, values), strict=True)), int(total))
