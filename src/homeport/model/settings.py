"""The settings of the engine as one table: name, type, default, what it is for. docs/settings.md is tested against it.

They come from `settings.toml` in the home, and HOMEPORT_… variables win over the file. What belongs to a project is in
its homeport.toml instead (homeport.formats.homeport_toml).
"""

from __future__ import annotations

import msgspec

DOOR_PORT = 62893


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, durations in seconds."""

    door: str = f"127.0.0.1:{DOOR_PORT}"
    recording: bool = True
    body_limit_bytes: int = 64 * 1024
    keep_exchanges: int = 20_000
    keep_bytes: int = 512 * 1024 * 1024
    keep_days: float = 7.0
    keep_log_lines: int = 10_000
    idle_exit_s: float = 10.0
    tls_keylog: str = ""
    udp_idle_s: float = 300.0


ABOUT: dict[str, str] = {
    "door": "Where the door listens. Both loopback families are bound on that port.",
    "recording": "Whether exchanges are recorded at all.",
    "body_limit_bytes": "How much of each body is kept.",
    "keep_exchanges": "How many exchanges are kept; the oldest go first.",
    "keep_bytes": "How large the recording may grow on disk; the oldest exchanges go first.",
    "keep_days": "How long exchanges and log lines are kept.",
    "keep_log_lines": "How many log lines are kept of each app.",
    "idle_exit_s": "How long the background engine stays when nothing needs it.",
    "tls_keylog": "A file for the keys of every TLS session at the door, so that Wireshark can read them.",
    "udp_idle_s": "How long a client of a UDP route may be silent before it is forgotten.",
}
