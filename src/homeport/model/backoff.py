"""How long a wrong secret is answered with silence: longer each time, for each peer apart and a little for all.

The caller brings the time and does the waiting. Nobody is locked out: the longest wait is five seconds, and one minute
without a mistake forgives them all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

DELAY_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)  # after the n-th wrong secret in a row
CROWD = 100  # so many wrong ones of all peers together slow down everybody who has shown no right one
CROWD_DELAY_S = 1.0
FORGIVEN_S = 60.0  # after so long without a wrong one, the row starts anew
_PEERS = 1024  # that are remembered; the one that was wrong the longest time ago is forgotten first


class Backoff:
    """One for each thing that is guarded."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._all = (0, 0.0)

    def failed(self, peer: Hashable, now_s: float) -> float:
        """A wrong secret was shown: how long to wait, before that is said."""
        self._rows[peer] = (_count(self._rows.get(peer), now_s) + 1, now_s)
        self._rows.move_to_end(peer)
        if len(self._rows) > _PEERS:
            self._rows.popitem(last=False)
        self._all = (_count(self._all, now_s) + 1, now_s)
        return self.delay_s(peer, now_s)

    def succeeded(self, peer: Hashable) -> None:
        self._rows.pop(peer, None)

    def delay_s(self, peer: Hashable, now_s: float) -> float:
        """How long this peer waits now, before what it shows is looked at."""
        failures = _count(self._rows.get(peer), now_s)
        own_s = DELAY_S[min(failures, len(DELAY_S)) - 1] if failures else 0.0
        return max(own_s, CROWD_DELAY_S if _count(self._all, now_s) >= CROWD else 0.0)


def _count(row: tuple[int, float] | None, now_s: float) -> int:
    return row[0] if row is not None and now_s - row[1] <= FORGIVEN_S else 0
