"""The decisions of one exchange, as they are made: a bounded list that is recorded beside it, and compared in a replay.

It keeps the first ones, because a repetition begins at the beginning; it never keeps bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from homeport.conditions.parcel import Parcel
from homeport.model.conditions_felt import ConditionsFelt, Decided, Decision

MOST = 1000  # of one exchange: 250 KB of memory, a third of that in the store
SURE = 50  # each exchange may keep so many, however many there are
ALL = 100_000  # of all that run on a route, beyond which each has what is sure


class Kept:
    """How many decisions the exchanges that run on a route keep together."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Decisions:
    """Writes into `felt`, which others may read meanwhile. `now_s` is on the planners' clock."""

    def __init__(self, felt: ConditionsFelt, now_s: float, kept: Kept | None = None) -> None:
        self.felt, self._began_s = felt, now_s
        self._kept = kept or Kept()
        self._came = [0, 0]  # chunks or datagrams, down and up
        self.is_full = False
        self._is_over = False

    def end(self) -> None:
        """Nothing more is kept here, and there is room for others."""
        if not self._is_over:
            self._is_over = True
            self._kept.count -= len(self.felt.decisions)

    def of_another(self, parcels: Iterable[Parcel]) -> None:
        """A chunk or datagram when all is kept that may be: 50,000 a second should cost next to nothing."""
        for parcel in parcels:
            if parcel.why:
                self.felt.more += 1
                return

    def of_request(self, now_s: float, why: Sequence[tuple[str, float]]) -> None:
        """What was decided about a request as a whole."""
        if why:
            self._keep(now_s, True, 0, 0, why)

    def of_chunk(self, now_s: float, from_client: bool, size: int, parcels: Iterable[Parcel]) -> None:
        """All that became of a chunk of a stream is one decision: there may be hundreds of pieces."""
        self._came[from_client] += 1
        why = [one for parcel in parcels for one in parcel.why]
        if why:
            self._keep(now_s, from_client, self._came[from_client], size, why)

    def of_datagram(self, now_s: float, from_client: bool, size: int, parcels: Iterable[Parcel]) -> None:
        self._came[from_client] += 1
        for parcel in parcels:
            if parcel.why:
                self._keep(now_s, from_client, self._came[from_client], size, parcel.why)

    def of_end(self, now_s: float, from_client: bool, parcels: Iterable[Parcel]) -> None:
        """What was decided without a chunk: about the end of the source, or when a time had passed."""
        why = [one for parcel in parcels for one in parcel.why]
        if why:
            self._keep(now_s, from_client, 0, 0, why)

    def _keep(self, now_s: float, from_client: bool, number: int, size: int, why: Sequence[tuple[str, float]]) -> None:
        felt = self.felt
        if self._is_over:
            return
        if len(felt.decisions) >= (MOST if self._kept.count < ALL else SURE):
            felt.more += 1
            self.is_full = len(felt.decisions) >= MOST
            return
        self._kept.count += 1
        made: dict[str, Decision] = {}
        for what, amount in why:
            _, largest, times = made.get(what, (what, amount, 0))
            made[what] = what, max(largest, round(amount, 9)), times + 1
        at_ms = round((now_s - self._began_s) * 1000, 3)
        felt.decisions.append(Decided(at_ms, from_client, number, size, list(made.values())))
