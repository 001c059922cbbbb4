"""A line of an app's log."""

from __future__ import annotations

import msgspec


class LogLine(msgspec.Struct, kw_only=True):
    """`text` is at most 64 KiB, undecodable bytes replaced.

    Longer lines come in pieces with `continues` set on all but the last.
    """

    id: int = 0
    app: str  # the route of the app
    at: str  # ISO 8601, UTC
    stream: str = "out"  # "out", "err", or "homeport" for what homeport says about the app
    text: str = ""
    continues: bool = False
