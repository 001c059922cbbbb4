"""What the network conditions made of one exchange: enough to understand it, and to have the same decisions again."""

from __future__ import annotations

from typing import Any

import msgspec

Decision = tuple[str, float, int]  # what, its amount (the largest of them), and how often


class Decided(msgspec.Struct, gc=False, omit_defaults=True):
    """What became of one chunk of a stream, or of one datagram (each of its copies by itself)."""

    at_ms: float  # since the exchange began to feel the conditions
    from_client: bool
    number: int  # of the chunk or datagram in its direction, from 1; 0: of an end, or of the request as a whole
    bytes: int
    what: list[Decision]
    words: str = ""  # the same in plain ones, where it is shown


class ConditionsFelt(msgspec.Struct, kw_only=True):
    """Stays with the exchange while it lasts. The luck came from the seed and `number`; `settings` are those that it
    began with, `changes` how often they changed. The counts say how often each decision was made."""

    number: int  # below 0: it ran already when they came
    client: str = ""  # whose conditions they were: those of one client alone
    settings: dict[str, Any] = {}  # a homeport.conditions.settings.Conditions
    requests: list[int] = []  # for each fault of single requests, the number of the next one that it would strike
    text: str = ""  # the same as people know it: "3g latency=200ms rate=500kbit"
    changes: int = 0
    up: dict[str, int] = {}  # what the client sent
    down: dict[str, int] = {}
    decisions: list[Decided] = []
    more: int = 0  # chunks or datagrams about which more was decided than is kept
