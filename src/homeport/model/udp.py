"""What passed on a UDP route, counted: for the route, and for each client. It never holds a datagram."""

from __future__ import annotations

import msgspec


class DatagramCounts(msgspec.Struct, kw_only=True):
    """One direction. `datagrams` and `bytes` are what came in; `dropped` of these never left. Delays are those that
    conditions added, in milliseconds; None where nothing was delayed. Percentiles are right within 4 %."""

    datagrams: int = 0
    bytes: int = 0
    dropped: int = 0
    duplicated: int = 0
    reordered: int = 0  # left after one that had come later
    delay_p50_ms: float | None = None
    delay_p99_ms: float | None = None
    delay_max_ms: float | None = None


class UdpClientState(msgspec.Struct, kw_only=True):
    client: str  # "127.0.0.1:53211"
    idle_s: float
    up: DatagramCounts  # what the client sent
    down: DatagramCounts


class UdpState(msgspec.Struct, kw_only=True):
    """`clients` are the busiest of the `active` ones; the counts of those who left are in `up` and `down`."""

    active: int = 0
    visits: int = 0
    idle_s: float = 0.0
    up: DatagramCounts
    down: DatagramCounts
    turned_away: int = 0  # datagrams of newcomers for whom there was no room
    overflowed: int = 0  # thrown away by the system, because they came faster than they were read
    refused: int = 0  # the upstream's port was closed
    decisions: dict[str, int] = {}  # of network conditions: "came", "sent", "dropped", "lost", "delayed" …
    clients: list[UdpClientState] = []
