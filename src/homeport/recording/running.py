"""Exchanges that run: which of them to tell about, so that what hangs or streams is seen before it ends.

One that lasts longer than a tenth of a second is announced; what happens on it is told again, ever more rarely. It is
asked every 30 ms under load and must then cost next to nothing.
"""

from __future__ import annotations

import msgspec

from homeport.model.exchange import Exchange

ANNOUNCE_AFTER_S = 0.1
FIRST_PROGRESS_S, LAST_PROGRESS_S = 1.0, 16.0
_LOOK_AGAIN_S = 0.03
_NEVER = float("inf")
_UNTOLD = (-1, -1, "")


class _Announced(msgspec.Struct):
    """When to look at it again, and what it had when it was told about last."""

    exchange: Exchange
    due_s: float
    wait_s: float = FIRST_PROGRESS_S / 2
    mark: tuple[int, int, str] = _UNTOLD


class Running:
    """`fresh` holds what was opened a moment ago, in that order; the tap adds and removes by itself."""

    def __init__(self) -> None:
        self.fresh: dict[int, Exchange] = {}
        self._announced: dict[int, _Announced] = {}
        self._look_due_s = _NEVER  # when the first of the announced is due

    def ended(self, exchange: int) -> None:
        """It is over, and was not fresh any more."""
        self._announced.pop(exchange, None)

    def announce(self, exchange: Exchange, now_s: float = 0.0) -> None:
        """It is there to stay: tell about it with the next batch."""
        if self.fresh.pop(exchange.id, None) is not None:
            self._announced[exchange.id] = _Announced(exchange, now_s)
            self._look_due_s = min(self._look_due_s, now_s)

    def announce_all(self) -> None:
        """A new recorder knows nothing of what runs."""
        for announced in list(self._announced.values()):
            announced.due_s, announced.mark = 0.0, _UNTOLD
        self._look_due_s = 0.0

    def all(self) -> list[Exchange]:
        return [*list(self.fresh.values()), *(each.exchange for each in list(self._announced.values()))]

    def due(self, now_s: float) -> list[Exchange]:
        """What to tell about now."""
        for exchange in list(self.fresh.values()):  # a copy: the relays' thread may open another one meanwhile
            if now_s - exchange.opened_s < ANNOUNCE_AFTER_S:
                break
            self.announce(exchange, now_s)
        if now_s < self._look_due_s:
            return []  # ten thousand idle connections are not looked at every 30 ms
        self._look_due_s = _NEVER
        told = [each.exchange for each in list(self._announced.values()) if _has_news(each, now_s)]
        self._look_due_s = min((each.due_s for each in list(self._announced.values())), default=_NEVER)
        return told

    def next_look_s(self, now_s: float) -> float | None:
        """In how many seconds `due` is to be asked although nothing is passing; None when never."""
        if self.fresh:
            return _LOOK_AGAIN_S
        return max(_LOOK_AGAIN_S, self._look_due_s - now_s) if self._announced else None


def _has_news(announced: _Announced, now_s: float) -> bool:
    """Whether to tell about it; the next look at it comes after twice the wait."""
    if announced.due_s > now_s:
        return False
    announced.wait_s = min(announced.wait_s * 2, LAST_PROGRESS_S)
    announced.due_s = now_s + announced.wait_s
    exchange = announced.exchange
    mark = (exchange.request_bytes, exchange.response_bytes + len(exchange.response_head), exchange.kind)
    is_news, announced.mark = mark != announced.mark, mark
    return is_news
