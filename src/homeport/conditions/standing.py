"""Conditions as they stand on a route, or for one client of it: whoever begins to feel them gets the next number.

The luck of each comes from the seed and that number, so it repeats; an ephemeral port would not. It never plans.
"""

from __future__ import annotations

from typing import Any

import msgspec

from homeport.conditions.decisions import Decisions, Kept
from homeport.conditions.settings import Conditions
from homeport.model.conditions_felt import ConditionsFelt


class Standing:
    """`settings` None: the network as it is."""

    def __init__(self, settings: Conditions | None = None) -> None:
        self.settings: Conditions | None = None
        self._number = self._ran_already = 0
        self._kept = Kept()
        self._told: tuple[dict[str, Any], str] | None = None
        self.set(settings)

    def set(self, settings: Conditions | None) -> bool:
        """Counts from the first again with another seed, or after none, so that a run repeats; whether it does."""
        before, self.settings = self.settings, settings
        self._told = None
        if settings is None or (before and (before.seed, before.first) == (settings.seed, settings.first)):
            return False
        self._number, self._ran_already = settings.first - 1, 0
        return True

    def begin(self, now_s: float, *, ran_already: bool = False) -> Decisions | None:
        """Where the decisions about somebody are kept who feels them from now on, and gets the next number. Who
        `ran_already` when they came counts from -1 down, and takes no number of those who begin under them."""
        if self.settings is None:
            return None
        if ran_already:
            self._ran_already -= 1
        else:
            self._number += 1
        number = self._ran_already if ran_already else self._number
        if self._told is None:
            self._told = msgspec.to_builtins(self.settings), _text_of(self.settings)
        settings, text = self._told
        return Decisions(ConditionsFelt(number=number, settings=settings, text=text), now_s, self._kept)


def _text_of(settings: Conditions) -> str:
    from homeport.conditions.text import written  # once for each change; an engine starts sooner without

    return f"{settings.profile} {written(settings)}".strip()


def once_more(felt: ConditionsFelt) -> Conditions:
    """What to set so that the next one decides as this one did; for one that ran already, that those who run do. Raises
    msgspec.ValidationError for what another version recorded."""
    settings = msgspec.convert(felt.settings | {"first": max(1, felt.number)}, Conditions)
    faults = zip(settings.http, felt.requests, strict=False)  # a tunnel was no request that could fail
    http = tuple(msgspec.structs.replace(fault, first=number) for fault, number in faults)
    return msgspec.structs.replace(settings, http=http or settings.http)
