"""The tuning of macOS and Windows: sysctl(8) and psutil. Windows tells the MTU only; the rest is not known there."""

from __future__ import annotations

import subprocess
import sys

_SETTINGS = {
    "kern.ipc.somaxconn": "accept_queue",
    "net.inet.tcp.syncache.cachelimit": "syn_queue",  # FreeBSD's name
}
_BUFFER_MAX = "kern.ipc.maxsockbuf"
_FILES_OPEN, _FILES_MAX = "kern.num_files", "kern.maxfiles"
_ASKED = (*_SETTINGS, _BUFFER_MAX, _FILES_OPEN, _FILES_MAX)
_LIMIT_S = 2.0


def tuning_elsewhere() -> dict[str, object]:
    """See Tuning; what is missing is not known."""
    known = {} if sys.platform == "win32" else parse_sysctl(_sysctl())
    mtu = _mtu()
    return {**known, **({"mtu": mtu} if mtu is not None else {})}


def parse_sysctl(text: str) -> dict[str, object]:
    """`sysctl NAME...`, a line `name: value` for each that is known; whatever else it says is left out."""
    values = {}
    for line in text.splitlines():
        name, _, value = line.replace(" = ", ": ").partition(": ")
        if value.strip().isdigit():
            values[name.strip()] = int(value)
    known: dict[str, object] = {ours: values[theirs] for theirs, ours in _SETTINGS.items() if theirs in values}
    if _BUFFER_MAX in values:
        known["receive_buffer_max"] = known["send_buffer_max"] = values[_BUFFER_MAX]
    if _FILES_OPEN in values and _FILES_MAX in values:
        known["system_files"] = (values[_FILES_OPEN], values[_FILES_MAX])
    return known


def _sysctl() -> str:
    try:
        done = subprocess.run(["sysctl", *_ASKED], capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout  # it exits with 1 where one of them is unknown, and tells the others


def _mtu() -> int | None:
    import psutil

    stats = psutil.net_if_stats()
    names = [name for name in stats if name in ("lo0", "lo") or name.startswith("Loopback")]
    return stats[names[0]].mtu if names else None
