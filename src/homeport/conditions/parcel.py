"""What a planner hands out: bytes, when they are due, how the direction ends, and what was decided about them.

A parcel never leaves before its due. It never says who sends it: that is the pump's business.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Ending = Literal["close", "reset"]  # FIN (or the end of a body) · RST
What = Literal[
    "delayed",  # by so many seconds: latency and jitter
    "queued",  # waited so many seconds for bandwidth
    "in-order",  # waited so many seconds behind the one before
    "retransmitted",  # so many seconds later, because a segment of the stream was lost
    "sliced",  # one of so many pieces
    "duplicated",  # is copy number so
    "reordered",  # held back so many seconds for others to overtake
    "corrupted",  # at this bit or byte, counted from 0
    "lost",
    "queue-full",
    "silence",
    "outage",
    "limit",  # of so many bytes was reached
    "reset",
    "slow-close",  # the end was held back so many seconds
]
Decision = tuple[What, float]
# These follow from when the input came, and not from chance: another run at another pace has others.
BY_THE_MOMENT = frozenset({"queued", "in-order", "queue-full"})


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """`due_s` is absolute, on the clock whose `now_s` the planner was given. With an `ending` nothing follows it."""

    data: bytes
    due_s: float
    ending: Ending | None = None
    why: tuple[Decision, ...] = ()


_IN_SECONDS = {
    "delayed": "delayed by {}",
    "queued": "waited {} for bandwidth",
    "in-order": "waited {} behind the one before",
    "late": "answer held back {}",
    "retransmitted": "lost, sent again after {}",
    "reordered": "held back {}",
    "slow-close": "close held back {}",
}
_COUNTED = {
    "sliced": "one of {} pieces",
    "duplicated": "copy {}",
    "corrupted": "corrupted at {}",
    "limit": "limit of {} bytes reached",
    "error": "answered with {}",
    "stalled": "body stalled after {} bytes",
    "truncated": "body cut after {} bytes",
}
_PLAIN = {
    "lost": "dropped: lost",
    "queue-full": "dropped: the queue is full",
    "silence": "swallowed: nothing passes",
    "outage": "ended: outage",
    "reset": "reset",
}


def decision_in_words(decision: tuple[str, float]) -> str:
    """Of a parcel, or of an HTTP request (http.py)."""
    what, amount = decision
    if what in _IN_SECONDS:
        return _IN_SECONDS[what].format(f"{amount * 1000:.3f}".rstrip("0").rstrip(".") + " ms")
    if what not in _COUNTED and what not in _PLAIN:
        return what  # of another version
    return _COUNTED[what].format(round(amount)) if what in _COUNTED else _PLAIN[what]
