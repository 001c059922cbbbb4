"""Whether and when an app that ended is started again. Pure: the pauses double, and a long run forgets them."""

from __future__ import annotations

from typing import Literal

from homeport.targets.seams import Pace

Policy = Literal["never", "on-failure", "always"]


class Backoff:
    """The pauses of one app."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._next_s = pace.backoff_first_s

    def pause_s(self, policy: Policy, exit_code: int, ran_s: float) -> float | None:
        """Seconds until it is started again, None when it is not."""
        if policy == "never" or (policy == "on-failure" and exit_code == 0):
            return None
        if ran_s >= self._pace.backoff_forgotten_s:
            self._next_s = self._pace.backoff_first_s
        pause_s = self._next_s
        self._next_s = min(2 * pause_s, self._pace.backoff_longest_s)
        return pause_s
