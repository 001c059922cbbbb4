"""What goes wrong with single requests: a late first byte, an error as the answer, a body that stalls or breaks off.

Settings say which requests (method, path, every Nth, the Nth, a share of them); `HttpFaults` decides one request after
the other. It never sees a body: the gateway counts the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from homeport.conditions.dice import Dice

HttpWhat = Literal["late", "error", "stalled", "truncated"]


class HttpFault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault and the requests that it strikes. `path` has `*` for any text; "" and () mean every one. `every` and
    `nth` count the requests that method and path choose, from 1; 0 for no counting."""

    delay_ms: float = 0.0  # more before the first byte of the answer
    status: int = 0  # answered by us with this, and the upstream is not asked
    stall_bytes: int | None = None  # of the body, then nothing more comes
    truncate_bytes: int | None = None  # of the body, then the connection is cut
    methods: tuple[str, ...] = ()
    path: str = ""
    every: int = 0
    nth: int = 0
    share: float = 1.0
    first: int = 1  # the number of the next one that method and path choose

    def __post_init__(self) -> None:
        if self.status and not 400 <= self.status <= 599:
            raise ValueError(f"an error's status is from 400 to 599, not {self.status}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share}")
        if self.first < 1:
            raise ValueError("first must be 1 or more")
        for name in ("delay_ms", "stall_bytes", "truncate_bytes", "every", "nth"):
            if not 0 <= (getattr(self, name) or 0) < 1e15:
                raise ValueError(f"{name} must be a number from 0 on")


class HttpDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one request. `why` names each fault that struck, for the recording."""

    delay_s: float = 0.0
    status: int = 0
    stall_bytes: int | None = None
    truncate_bytes: int | None = None
    why: tuple[tuple[HttpWhat, float], ...] = ()


UNHARMED = HttpDecision()


class HttpFaults:
    """The faults of one route, and how many requests each has seen. Each that method and path choose has dice of its
    own by its number, so its fate does not depend on those before it."""

    def __init__(self, faults: Iterable[HttpFault], dice: Dice) -> None:
        self._faults = [(fault, dice.fork(f"http/{place}")) for place, fault in enumerate(faults)]
        self._seen = [fault.first - 1 for fault, _ in self._faults]

    def next_numbers(self) -> list[int]:
        """Of the next request that method and path choose, for each fault."""
        return [seen + 1 for seen in self._seen]

    def decide(self, method: str, path: str) -> HttpDecision:
        """`path` without its query. Several faults add up; of two that exclude each other the first counts."""
        struck = [fault for place, (fault, _) in enumerate(self._faults) if self._strikes(place, method, path)]
        if not struck:
            return UNHARMED
        status = next((fault.status for fault in struck if fault.status), 0)
        delay_ms = sum(fault.delay_ms for fault in struck)
        stall = _least(fault.stall_bytes for fault in struck)
        truncate = _least(fault.truncate_bytes for fault in struck)
        why: list[tuple[HttpWhat, float]] = []
        why += [("late", delay_ms / 1000)] if delay_ms else []
        why += [("error", status)] if status else []
        why += [("stalled", stall)] if stall is not None and not status else []
        why += [("truncated", truncate)] if truncate is not None and not status else []
        return HttpDecision(
            delay_s=delay_ms / 1000,
            status=status,
            stall_bytes=None if status else stall,
            truncate_bytes=None if status else truncate,
            why=tuple(why),
        )

    def _strikes(self, place: int, method: str, path: str) -> bool:
        fault, dice = self._faults[place]
        if fault.methods and method not in fault.methods:
            return False
        if fault.path and not path_fits(path, fault.path):
            return False
        self._seen[place] += 1
        number = self._seen[place]
        happens = fault.share >= 1 or dice.fork(str(number)).happens(fault.share)
        is_counted = (not fault.every or number % fault.every == 0) and (not fault.nth or number == fault.nth)
        return happens and is_counted


def path_fits(path: str, pattern: str) -> bool:
    """`/api/*/edit`: a star is any text, also none and across slashes. In one walk, whatever a client sends as path."""
    first, *others = pattern.split("*")
    if not others:
        return path == pattern
    last = others.pop()
    place, end = len(first), len(path) - len(last)
    if not (path.startswith(first) and path.endswith(last)):
        return False
    for part in others:
        found = path.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return place <= end


def _least(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
