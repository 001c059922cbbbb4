"""Whether what was decided once was decided again: the decisions of two exchanges side by side.

What follows from the moment of the input (waiting for bandwidth, or behind the one before) is no decision by chance and
is not compared: a run at another pace has other waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from homeport.conditions.parcel import BY_THE_MOMENT, decision_in_words
from homeport.model.conditions_felt import Decided, Decision

Verdict = Literal["same", "other input", "differs", "only then", "only now"]
_Key = tuple[bool, int, int]  # direction, number, and which one of that number


class Compared(msgspec.Struct, frozen=True):
    then: Decided | None
    now: Decided | None
    verdict: Verdict


def compare(then: Sequence[Decided], now: Sequence[Decided]) -> list[Compared]:
    """In the order of then; what only happened now stands behind it."""
    before, after = _by_key(then), _by_key(now)
    keys = [*before, *(key for key in after if key not in before)]
    return [_compared(before.get(key), after.get(key)) for key in keys]


def in_words(what: Sequence[Decision]) -> str:
    """ "delayed by 83 ms, copy 1", and "(3 times)" behind what happened to three pieces of a chunk."""
    return ", ".join(
        decision_in_words((name, amount)) + (f" ({times} times)" if times > 1 and name != "sliced" else "")
        for name, amount, times in what
    )


def _by_key(decided: Sequence[Decided]) -> dict[_Key, Decided]:
    """Without those that only waited: nothing was decided about them."""
    seen: Counter[tuple[bool, int]] = Counter()
    found: dict[_Key, Decided] = {}
    for one in decided:
        if _by_chance(one):
            place = one.from_client, one.number
            seen[place] += 1
            found[(*place, seen[place])] = one
    return found


def _by_chance(one: Decided) -> list[Decision]:
    return [decision for decision in one.what if decision[0] not in BY_THE_MOMENT]


def _compared(then: Decided | None, now: Decided | None) -> Compared:
    verdict: Verdict
    if then is None or now is None:
        verdict = "only now" if then is None else "only then"
    elif _by_chance(then) == _by_chance(now):
        verdict = "same"
    else:
        verdict = "differs" if then.bytes == now.bytes else "other input"
    return Compared(then, now, verdict)
