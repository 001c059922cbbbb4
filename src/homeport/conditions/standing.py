"""Conditions as they stand on a route, or for one client of it: whoever begins to feel them gets the next number.

The luck of each comes from the seed and that number, so it repeats; an ephemeral port would not. It never plans.
"""

from __future__ import annotations

from typing import Any

import msgspec

from homeport.conditions.settings import Conditions
from homeport.model.conditions_felt import ConditionsFelt


class Standing:
    """`settings` None: the network as it is."""

    def __init__(self, settings: Conditions | None = None) -> None:
        self.settings: Conditions | None = None
        self._number = 0
        self._told: tuple[dict[str, Any], str] | None = None
        self.set(settings)

    def set(self, settings: Conditions | None) -> None:
        """Counts from the first again with another seed, or after none: so a run repeats."""
        before, self.settings = self.settings, settings
        self._told = None
        if settings is None:
            return
        if before is None or (before.seed, before.first) != (settings.seed, settings.first):
            self._number = settings.first - 1

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def felt(self, number: int) -> ConditionsFelt | None:
        """What is recorded of somebody who feels them from now on."""
        if self.settings is None:
            return None
        if self._told is None:
            self._told = msgspec.to_builtins(self.settings), _text_of(self.settings)
        settings, text = self._told
        return ConditionsFelt(number=number, settings=settings, text=text)


def _text_of(settings: Conditions) -> str:
    from homeport.conditions.text import written  # once for each change; an engine starts sooner without

    return f"{settings.profile} {written(settings)}".strip()
