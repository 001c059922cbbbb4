"""A tap that keeps everything in lists, for tests of the rooms that need one. It starts nothing and forgets nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from homeport.model.exchange import Exchange
from homeport.model.log import LogLine


class MemoryTap:
    """The same seams as the recorder's tap: the gateway's `Tap` and the targets' log sink."""

    def __init__(self, body_limit_bytes: int = 64 * 1024) -> None:
        self.body_limit_bytes = body_limit_bytes
        self.next_id: Callable[[], int] = itertools.count(1).__next__
        self.running: dict[int, Exchange] = {}
        self.exchanges: list[Exchange] = []  # closed, in that order
        self.pieces: list[tuple[int, bool, bytes]] = []  # (exchange, from client, bytes)
        self.lines: list[LogLine] = []

    def opened(self, exchange: Exchange) -> None:
        self.running[exchange.id] = exchange

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        self.pieces.append((exchange.id, from_client, bytes(data)))

    def closed(self, exchange: Exchange) -> None:
        self.running.pop(exchange.id, None)
        self.exchanges.append(exchange)

    def line(self, line: LogLine) -> None:
        self.lines.append(line)

    def passed(self, exchange: int, from_client: bool) -> bytes:
        """All bytes of one direction of an upgraded connection."""
        return b"".join(data for id_, side, data in self.pieces if (id_, side) == (exchange, from_client))
