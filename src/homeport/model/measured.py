"""What passed on the routes just now, for who watches: bits each way, and how long answers and bytes took."""

from __future__ import annotations

import msgspec


class DelayMeasured(msgspec.Struct, kw_only=True):
    """What network conditions held bytes or datagrams back for, one way, in milliseconds."""

    p50_ms: float
    p95_ms: float


class RouteMeasured(msgspec.Struct, kw_only=True):
    """One route. `up` is what clients sent. An answer's time is from the request's first byte to the answer's."""

    route: str
    up_bps: int = 0
    down_bps: int = 0
    answers: int = 0
    answer_p50_ms: float | None = None  # None: nothing was answered
    answer_p95_ms: float | None = None
    up_delay: DelayMeasured | None = None  # None: nothing passed under conditions
    down_delay: DelayMeasured | None = None


class Measured(msgspec.Struct, kw_only=True):
    """The last `span_ms` before `at` (ISO 8601, UTC). Routes where nothing happened are left out."""

    at: str
    span_ms: int
    routes: list[RouteMeasured] = []
