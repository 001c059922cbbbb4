"""Toxics as Toxiproxy's API writes them, and the conditions that they are. Pure: no proxy, no connection.

Everything that a toxic does is one of our conditions; docs/toxiproxy.md lists where that differs from the original.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from homeport.conditions.settings import (
    Bandwidth,
    Condition,
    Conditions,
    DataLimit,
    Latency,
    Reset,
    Silence,
    Slicing,
    SlowClose,
)

Stream = Literal["upstream", "downstream"]
_BITS_PER_KB = 8000  # Toxiproxy's kilobyte has 1,000 bytes


class Toxic(msgspec.Struct, frozen=True, kw_only=True):
    """In the order in which the original writes its fields."""

    attributes: dict[str, int]
    name: str
    type: str
    stream: Stream
    toxicity: float


# type -> its attributes with their defaults, in wire order
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "latency": ("latency", "jitter"),
    "bandwidth": ("rate",),
    "slow_close": ("delay",),
    "timeout": ("timeout",),
    "reset_peer": ("timeout",),
    "slicer": ("average_size", "size_variation", "delay"),
    "limit_data": ("bytes",),
    "noop": (),
}


def _slicing(given: Mapping[str, int], share: float) -> Condition | None:
    """An average of 0 would be endless slices in the original; here it slices nothing."""
    size = given["average_size"]
    if size < 1:
        return None
    variation = min(given["size_variation"], size - 1)
    return Slicing(size_bytes=size, variation_bytes=variation, delay_us=given["delay"], share=share)


_CONDITIONS: dict[str, Callable[[Mapping[str, int], float], Condition | None]] = {
    "latency": lambda given, share: Latency(latency_ms=given["latency"], jitter_ms=given["jitter"], share=share),
    "bandwidth": lambda given, share: Bandwidth(rate_bps=given["rate"] * _BITS_PER_KB, share=share),
    "slow_close": lambda given, share: SlowClose(delay_ms=given["delay"], share=share),
    "timeout": lambda given, share: Silence(close_after_ms=given["timeout"], share=share),
    "reset_peer": lambda given, share: Reset(after_ms=given["timeout"], share=share),
    "slicer": _slicing,
    "limit_data": lambda given, share: DataLimit(limit_bytes=given["bytes"], share=share),
    "noop": lambda given, share: None,
}


def attributes(kind: str, given: Mapping[str, Any], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """All attributes of a type: those given over those before. Unknown ones are passed over, as the original does.

    Raises ValueError for what is no whole number from 0 on.
    """
    found = dict(before or dict.fromkeys(ATTRIBUTES[kind], 0))
    for name in found:
        value = given.get(name, found[name])
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise ValueError(f"{name} must be a whole number from 0 on, not {value!r}")
        found[name] = value
    return found


def conditions(toxics: Sequence[Toxic], seed: int) -> Conditions | None:
    """None where nothing is to be done."""
    up = _stack(toxic for toxic in toxics if toxic.stream == "upstream")
    down = _stack(toxic for toxic in toxics if toxic.stream == "downstream")
    return Conditions(up=up, down=down, seed=seed) if up or down else None


def _stack(toxics: Any) -> tuple[Condition, ...]:
    made = (_CONDITIONS[toxic.type](toxic.attributes, toxic.toxicity) for toxic in toxics)
    return tuple(one for one in made if one is not None)
