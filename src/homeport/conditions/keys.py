"""The keys of KEY=VALUE words: the condition and field that each fills, how its value is read and written, its use.

docs/conditions.md is tested against KEYS. Reading whole words is in text.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from homeport.conditions import settings as asked
from homeport.conditions import units
from homeport.conditions.settings import Base, Distribution

Side = Literal["up", "down"]
SIDES: tuple[Side, Side] = ("up", "down")


class Key(NamedTuple):
    """A key: the condition and field that it fills, and how its value is read and written."""

    kind: type[Base]
    field: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    about: str


_TIME = (units.time_ms, units.write_time_ms)
_SHARE = (units.share, units.write_share)
_SIZE = (units.size_bytes, units.write_size_bytes)
_YES = (units.yes, units.write_yes)
_COUNT = (units.count, units.write_number)


def _words(*words: str) -> tuple[Callable[[str], str], Callable[[str], str]]:
    return units.one_of(*words), str


def _time_or_yes(text: str) -> float:
    return 0.0 if text == "yes" else units.time_ms(text)


def _write_time_or_yes(value: float) -> str:
    return units.write_time_ms(value) if value else "yes"


_MAYBE_TIME = (_time_or_yes, _write_time_or_yes)


KEYS: dict[str, Key] = {
    "latency": Key(asked.Latency, "latency_ms", *_TIME, "how much later everything comes"),
    "jitter": Key(asked.Latency, "jitter_ms", *_TIME, "how much the latency varies"),
    "jitter-shape": Key(asked.Latency, "distribution", *_words(*get_args(Distribution)), "how the jitter is spread"),
    "jitter-correlation": Key(asked.Latency, "correlation", *_SHARE, "how much a delay is like the one before"),
    "jitter-reorders": Key(asked.Latency, "reorders", *_YES, "whether jitter changes the order of datagrams"),
    "rate": Key(asked.Bandwidth, "rate_bps", units.rate_bps, units.write_rate_bps, "bits per second"),
    "rate-burst": Key(asked.Bandwidth, "burst_bytes", *_SIZE, "what passes at once after a pause"),
    "queue": Key(asked.Bandwidth, "queue_ms", *_TIME, "the longest wait for bandwidth, at first 1s"),
    "rate-shared": Key(asked.Bandwidth, "shared", *_YES, "whether all connections of the route share the rate"),
    "loss": Key(asked.RandomLoss, "rate", *_SHARE, "how many are lost, on average"),
    "burst": Key(asked.BurstLoss, "burst", units.number, units.write_number, "how many are lost in a row, on average"),
    "loss-every": Key(asked.NthLoss, "every", *_COUNT, "lose every Nth"),
    "gilbert-p": Key(asked.GilbertElliott, "p", *_SHARE, "how often the good state turns bad"),
    "gilbert-r": Key(asked.GilbertElliott, "r", *_SHARE, "how often the bad state turns good"),
    "gilbert-bad": Key(asked.GilbertElliott, "bad_loss", *_SHARE, "what the bad state loses, at first 100%"),
    "gilbert-good": Key(asked.GilbertElliott, "good_loss", *_SHARE, "what the good state loses, at first 0%"),
    "retransmit": Key(asked.Loss, "retransmit_ms", *_TIME, "when a stream sends again what was lost, at first 200ms"),
    "duplicate": Key(asked.Duplication, "rate", *_SHARE, "how many datagrams come twice"),
    "copies": Key(asked.Duplication, "copies", *_COUNT, "how many copies come then, at first 1"),
    "reorder": Key(asked.Reordering, "rate", *_SHARE, "how many datagrams are held back for others to overtake"),
    "reorder-by": Key(asked.Reordering, "by_ms", *_TIME, "how long they are held back, at first 15ms"),
    "corrupt": Key(asked.Corruption, "rate", *_SHARE, "how many datagrams come with a wrong bit"),
    "corrupt-unit": Key(asked.Corruption, "unit", *_words("bit", "byte"), "or with a wrong byte"),
    "slice": Key(asked.Slicing, "size_bytes", *_SIZE, "the size of the pieces that a stream is cut into"),
    "slice-variation": Key(asked.Slicing, "variation_bytes", *_SIZE, "how much the size varies"),
    "slice-delay": Key(asked.Slicing, "delay_us", units.time_us, units.write_time_us, "the time between pieces"),
    "limit": Key(asked.DataLimit, "limit_bytes", *_SIZE, "end the connection after so many bytes"),
    "limit-ending": Key(asked.DataLimit, "ending", *_words("close", "reset"), "and how, at first close"),
    "reset": Key(asked.Reset, "after_ms", *_MAYBE_TIME, "reset it so long after the first bytes, or yes"),
    "slow-close": Key(asked.SlowClose, "delay_ms", *_TIME, "how much later the close comes"),
    "silence": Key(asked.Silence, "close_after_ms", *_MAYBE_TIME, "nothing passes: yes, or a time to close after"),
    "outage": Key(asked.Outage, "how", *_words("refuse", "hang", "drop"), "nobody is there"),
}  # fmt: skip
TOP = ("seed", "first", "share")


class HttpKey(NamedTuple):
    """A key of the fault of single requests."""

    field: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    about: str


def _methods(text: str) -> tuple[str, ...]:
    return tuple(text.upper().split(","))


HTTP_KEYS: dict[str, HttpKey] = {
    "http-delay": HttpKey("delay_ms", *_TIME, "how much later the first byte of an answer comes"),
    "http-error": HttpKey("status", *_COUNT, "answer with this status instead"),
    "http-stall": HttpKey("stall_bytes", *_SIZE, "after so much of a body nothing more comes"),
    "http-truncate": HttpKey("truncate_bytes", *_SIZE, "after so much of a body the connection is cut"),
    "http-method": HttpKey("methods", _methods, ",".join, "requests with these methods alone"),
    "http-path": HttpKey("path", str, str, "requests with such a path alone, * for any text"),
    "http-every": HttpKey("every", *_COUNT, "every Nth of them alone"),
    "http-nth": HttpKey("nth", *_COUNT, "the Nth of them alone"),
    "http-share": HttpKey("share", *_SHARE, "so many of them alone"),
    "http-first": HttpKey("first", *_COUNT, "the number of the next of them, at first 1"),
}
