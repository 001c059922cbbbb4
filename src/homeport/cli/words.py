"""Numbers and times as people read them, and text made safe for a terminal. Pure; never prints."""

from __future__ import annotations

import re

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from datetime import datetime

# Colour (SGR) is harmless; cursor movement, titles, clipboard and clearing the screen are not.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_SGR = re.compile(r"\x1b\[[0-9;:]*m\Z")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def duration(ms: float | None) -> str:
    """`0.4 ms`, `12 ms`, `1.24 s`, `2 m 05 s`; `-` where there is none."""
    if ms is None:
        return "-"
    if ms < 9.95:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_995:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes} m {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def size(count: int) -> str:
    """`0 B`, `812 B`, `1.2 kB`, `34 MB`: powers of 1000, as curl and browsers' network panels show them."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")


def fingerprint_lines(digest: str) -> list[str]:
    """`AB:CD:…` in two lines, as phones and browsers show it."""
    pairs = [digest[at : at + 2].upper() for at in range(0, len(digest), 2)]
    return [":".join(pairs[:16]), ":".join(pairs[16:])]


def clock(iso: str, *, millis: bool = False) -> str:
    """The local time of day of an ISO 8601 moment: `14:03:21` or `14:03:21.123`."""
    moment = _local(iso)
    if moment is None:
        return iso
    text = moment.strftime("%H:%M:%S")
    return f"{text}.{moment.microsecond // 1000:03d}" if millis else text


def moment(iso: str) -> str:
    """Date and local time: `2026-11-22 14:03:21`."""
    local = _local(iso)
    return local.strftime("%Y-%m-%d %H:%M:%S") if local else iso


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def visible(text: str) -> str:
    """Text that others chose (paths, headers), with every control character shown instead of obeyed."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text).replace("\t", "\\t").replace("\n", "\\n")


def printable(line: str, *, colour: bool) -> str:
    """A log line: its colours are kept where colour is on; whatever moves the cursor or clears the screen goes."""
    if "\x1b" in line:
        line = _ESCAPES.sub(lambda match: match[0] if colour and _SGR.match(match[0]) else "", line)
        if colour and "\x1b[" in line:
            line += "\x1b[0m"
    # The escapes that were kept begin with a control character themselves.
    return _CONTROLS.sub(lambda match: match[0] if match[0] == "\x1b" and colour else "", line)


def _local(iso: str) -> datetime | None:
    from datetime import datetime  # 3 ms, which `homeport who` has no use for

    try:
        return datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return None
