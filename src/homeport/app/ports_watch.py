"""Listening sockets as they come and go: two listings compared, and a loop that goes on comparing. Changes nothing.

It looks once a second: a look takes a few milliseconds, and nobody starts servers faster than they read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from homeport.app.ports import PortRow
from homeport.model.fact import Fact

TYPE_CHECKING = False  # see homeport.model.fact
if TYPE_CHECKING:
    from typing import Literal

    What = Literal["present", "opened", "closed"]

EVERY_S = 1.0
SHOWN_S = 3.0  # for how long a change is marked

Look = Callable[[], list[PortRow]]


class Change(Fact):
    """`present`: it was there when watching began."""

    change: What
    row: PortRow


class Seen(Fact):
    """A row on the screen, and how fresh it is. `closed` rows stay for a moment."""

    row: PortRow
    mark: str = ""  # "", "opened" or "closed"


def changes(before: Sequence[PortRow], after: Sequence[PortRow]) -> list[Change]:
    """What closed, then what opened. A socket that other processes hold now is another row."""
    old, new = {_key(row) for row in before}, {_key(row) for row in after}
    gone = [Change(change="closed", row=row) for row in before if _key(row) not in new]
    return gone + [Change(change="opened", row=row) for row in after if _key(row) not in old]


def watch(look: Look, pause: Callable[[float], None] = time.sleep) -> Iterator[list[Change]]:
    """First what is present, then every batch of changes; [] where nothing changed. Ends only with its caller."""
    rows = look()
    yield [Change(change="present", row=row) for row in rows]
    while True:
        pause(EVERY_S)
        before, rows = rows, look()
        yield changes(before, rows)


class Picture:
    """The rows to show at a moment: those that listen, and for a while those that did."""

    def __init__(self) -> None:
        self._rows: dict[tuple[object, ...], tuple[PortRow, str, float]] = {}

    def take(self, batch: Sequence[Change], now_s: float) -> list[Seen]:
        for one in batch:
            self._rows[_key(one.row)] = (one.row, "" if one.change == "present" else one.change, now_s)
        for key, (row, mark, since_s) in list(self._rows.items()):
            if mark and now_s - since_s >= SHOWN_S:
                if mark == "closed":
                    del self._rows[key]
                else:
                    self._rows[key] = (row, "", since_s)
        every = sorted(self._rows.values(), key=lambda entry: _order(entry[0]))
        return [Seen(row=row, mark=mark) for row, mark, _ in every]


def _key(row: PortRow) -> tuple[object, ...]:
    return (row.protocol, row.address, row.port, row.pids, row.user)


def _order(row: PortRow) -> tuple[object, ...]:
    return (row.port, row.protocol, row.address, row.pid)
