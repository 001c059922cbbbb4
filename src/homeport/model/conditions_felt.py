"""What the network conditions made of one connection: enough to understand it, and to have the same decisions again."""

from __future__ import annotations

from typing import Any

import msgspec


class ConnectionConditions(msgspec.Struct, kw_only=True):
    """As JSON in `Exchange.conditions`. `seed` and `who` are what all of its luck came from; `settings` those that it
    began with, `changes` how often they changed. The counts say how often each decision was made."""

    seed: int
    who: str
    settings: dict[str, Any]
    changes: int = 0
    up: dict[str, int] = {}  # what the client sent
    down: dict[str, int] = {}
