"""What happens between a client and a server, as both `echo` and `connect` tell it: one frozen fact for each step.

It holds what was said, bytes as they came; how that is shown is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

Step = Literal["listening", "open", "in", "out", "close"]  # in: what the other side sent
TOLD_BYTES = 64 * 1024  # of one message, as JSON; `bytes` is what it really had


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `ms` is the time that it took: an answer since its question, a close since its open."""

    event: Step
    protocol: str = ""  # tcp, udp, http, ws, unix; with TLS inside: tls, https, wss
    connection: int = 0
    peer: str = ""
    kind: str = ""  # of a WebSocket frame: text, binary, ping, pong, close
    said: str = ""  # a request line, a status line, why it ended
    data: bytes | None = None
    ms: float | None = None
    at: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


Report = Callable[[Event], None]


def as_json(event: Event) -> dict[str, Any]:
    """Without what is empty; bytes as `text`, or as `hex` where they are no UTF-8, and `bytes`, how many there were."""
    found = {name: value for name, value in msgspec.structs.asdict(event).items() if value not in ("", 0, None)}
    if event.ms is not None:
        found["ms"] = round(event.ms, 3)
    data = found.pop("data", None)
    if data is not None:
        found["bytes"] = len(data)
        kept = data[:TOLD_BYTES]
        try:
            found["text"] = kept.decode()
        except UnicodeDecodeError:
            found["hex"] = kept.hex()
        if len(kept) < len(data):
            found["is_cut"] = True
    return found
